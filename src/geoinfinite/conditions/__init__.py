"""Conditions: georeferenced data that steers a world, each a function of the place of a tile."""

from geoinfinite.conditions.place import Place as Place
from geoinfinite.conditions.protocol import Condition as Condition

KINDS: dict[str, type] = {}
"""The conditions by the names that world files use."""
