"""The feature that covers most of a tile."""

from __future__ import annotations

from typing import Any

import numpy as np

from geoinfinite.conditions.carrying import on_level
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.vectors import Features, shapely_module
from geoinfinite.plane.window import Window


def attributes_of_most(features: Features, place: Place) -> dict[str, Any]:
    """Return the attributes of the feature that covers most of a place, none if there is none.

    Of features that cover equally much, the first in the file counts.
    """
    shapely, parts = shapely_module(), on_level(features, place.grid, place.level)
    covered = np.zeros(len(features.geometries))
    for window in _within(place):
        near = parts.near(window)
        box = shapely.box(window.x0, window.y0, window.x1, window.y1)
        areas = shapely.area(shapely.intersection(parts.polygons[near], box))
        np.add.at(covered, parts.feature[near], areas)
    if not covered.any():
        return {}
    most = int(np.argmax(covered))
    return {name: values[most] for name, values in features.attributes.items()}


def _within(place: Place) -> list[Window]:
    """Return those pixels of a place that are the level's, once round the Earth from column 0."""
    level, window, columns = place.grid.full(place.level), place.window, place.grid.period(place.level)
    if columns is None:
        return [window.intersect(level)]
    turns = range(window.x0 // columns, -(-window.x1 // columns))
    moved = [Window(window.y0, window.y1, window.x0 - n * columns, window.x1 - n * columns) for n in turns]
    return [part.intersect(level) for part in moved]
