"""Conditions: georeferenced data that steers a world, each a function of the place of a tile."""

from geoinfinite.conditions.embedding import Embedding as Embedding
from geoinfinite.conditions.place import Place as Place
from geoinfinite.conditions.protocol import Condition as Condition
from geoinfinite.conditions.raster import Raster as Raster

KINDS: dict[str, type] = {Embedding.kind: Embedding, Raster.kind: Raster}
"""The conditions by the names that world files use."""
