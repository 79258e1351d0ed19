"""Features near a window of a level: a file is asked by boxes in its own CRS, and never read whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyproj.exceptions import CRSError, ProjError

from geoinfinite.conditions.reaching import boxes_about
from geoinfinite.conditions.vector_file import VectorFile, VectorLayer, read_layer, whole_layer
from geoinfinite.conditions.vectors import Features, shapely_module
from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.crs import Bounds, transformer
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window


def features_near(
    file: VectorFile, layer: VectorLayer, columns: tuple[str, ...], grid: Grid, at: tuple[int, Window]
) -> Features:
    """Return the features of a layer that may meet a window of a level, in the order of their numbers.

    ``at`` is the level's number and the window in its pixels. There may be features that do not meet it;
    none that does is missing. A layer without an index is read once.
    """
    boxes = boxes_about(layer.crs, grid, *at)
    return _by_index(file, layer, columns, boxes) if layer.is_indexed else _by_tree(file, layer, boxes)


def _by_index(
    file: VectorFile, layer: VectorLayer, columns: tuple[str, ...], boxes: Sequence[Bounds]
) -> Features:
    found = [read_layer(file, layer, columns, bbox=box) for box in boxes]
    if not found:
        return read_layer(file, layer, columns, max_features=1, skip_features=layer.count)
    ids, first = np.unique(np.concatenate([features.ids for features in found]), return_index=True)
    geometries = np.concatenate([features.geometries for features in found])[first]
    attributes = {
        name: np.concatenate([features.attributes[name] for features in found])[first]
        for name in found[0].attributes
    }
    return Features(file.named, ids, geometries, attributes, layer.crs)


def _by_tree(file: VectorFile, layer: VectorLayer, boxes: Sequence[Bounds]) -> Features:
    shapely = shapely_module()
    features, tree = whole_layer(file, layer)
    asked = np.array([shapely.box(*box) for box in boxes], object)
    near = np.unique(tree.query(asked)[1]) if len(asked) else np.zeros(0, np.intp)
    attributes = {name: values[near] for name, values in features.attributes.items()}
    return Features(file.named, features.ids[near], features.geometries[near], attributes, layer.crs)


def check_carried(file: VectorFile, layer: VectorLayer, grid: Grid) -> None:
    """Raise `WorldError` unless features of a layer can be carried to a grid's CRS."""
    try:
        transformer(layer.crs, grid.crs)
    except (CRSError, ProjError) as error:
        raise WorldError(
            f"{file.named} has the CRS {shorten(layer.crs, 40)}, which cannot be carried to the grid's, "
            f"{shorten(grid.crs, 40)}; write another one into it: ogr2ogr -a_srs EPSG:4326 DST SRC"
        ) from error
