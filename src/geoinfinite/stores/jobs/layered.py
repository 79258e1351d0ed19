"""Draws sheets of tiles from the sheets below, and shards from the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine import Level, ReadPixels, Resources
from geoinfinite.engine.generate import parents_of, settle
from geoinfinite.engine.layer_drawing import LayerDrawing, fuse_tiles
from geoinfinite.engine.parent_pixels import ParentPixels, one_by_one, within_grid
from geoinfinite.engine.tile_batch import Footing, FusedLayer
from geoinfinite.plane.window import Window
from geoinfinite.stores.jobs.sheets import StageSheets, TaskId
from geoinfinite.stores.sheet_files import SheetFiles, StoredTiles
from geoinfinite.tiling import Need

Array = NDArray[np.float32]


def draw_sheet(
    sheets: StageSheets, files: SheetFiles, task: TaskId, read_parent: ReadPixels | None, resources: Resources
) -> Array:
    """Return the tiles of a sheet, ``(row, column, channel, y, x)``, each evaluated once."""
    number, need, level = task[0], sheets.need(task), sheets.stage.source
    layer, hull = need.layer, need.window
    below = None if number == 0 else _field(sheets, files, number - 1, layer.reads(hull))
    parent = _parent(level, level.pixels_told(layer, hull), read_parent)
    drawn = LayerDrawing(level, resources).tiles(number, [need], [Footing(parent, below)])
    tiles = [tile for _, _, tile in drawn]
    return np.stack(tiles).reshape(len(need.rows), len(need.columns), *tiles[0].shape)


def fuse_shard(
    sheets: StageSheets, files: SheetFiles, window: Window, read_parent: ReadPixels | None
) -> NDArray[Any]:
    """Return the pixels of a shard; every tile has been drawn."""
    level = sheets.stage.source
    aligned = level.blocks(window)
    fused = _field(sheets, files, len(sheets.layers) - 1, aligned)
    parent = _parent(level, aligned, read_parent)
    return settle(level, fused.values, aligned, parent)[:, *window.slices(aligned)]


def read_by_task(sheets: StageSheets, task: TaskId) -> Window:
    """Return the stored pixels that a task reads: of the parent's level, or of its own to copy them.

    Its rows do not depend on its column.
    """
    level = sheets.stage.source
    if sheets.stage.copied:
        return sheets.stage.shard_window(*task[1:])
    if task[0] < len(sheets.layers):
        need = sheets.need(task)
        seen = level.pixels_told(need.layer, need.window)
    else:
        shard = sheets.stage.shard_window(*task[1:])
        seen = level.blocks(shard) if sheets.layers else level.seen(shard)
    return within_grid(level.recipe.grid, level.number - 1, level.parent_under(seen))


def _parent(level: Level, seen: Window, read_parent: ReadPixels | None) -> ParentPixels | None:
    (parent,) = parents_of(level, [seen], None if read_parent is None else one_by_one(read_parent))
    return parent


def _field(sheets: StageSheets, files: SheetFiles, number: int, window: Window) -> FusedLayer:
    """Return a window of a layer, fused from the sheets that hold its tiles."""
    need = sheets.layers[number].need(window)
    return FusedLayer(fuse_tiles(need, _tiles(sheets, files, number, need)), window)


def _tiles(sheets: StageSheets, files: SheetFiles, number: int, need: Need) -> Iterator[tuple[Window, Array]]:
    rows, columns = sheets.axes[number]
    opened: dict[TaskId, StoredTiles] = {}
    for index in need.indices:
        (row, y), (column, x) = rows.locate(index[0]), columns.locate(index[1])
        sheet = (number, row, column)
        if sheet not in opened:
            opened[sheet] = files.load(sheet)
        yield need.layer.lattice.window(index), opened[sheet][y, x]
