"""Draws sheets of tiles from the sheets below, and shards from the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine.cost import parent_window
from geoinfinite.engine.drawing import Drawing, Field
from geoinfinite.engine.generate import Read, begin, in_domain, read_ground, settle, whole_blocks
from geoinfinite.plane.window import Window
from geoinfinite.stores.sheet_files import SheetFiles, StoredTiles
from geoinfinite.stores.sheets import StageSheets, TaskId
from geoinfinite.tiling import Need, TileCache

Array = NDArray[np.float32]


def draw_sheet(
    sheets: StageSheets, files: SheetFiles, task: TaskId, read_parent: Read | None, cache: TileCache
) -> Array:
    """Return the tiles of a sheet, ``(row, column, channel, y, x)``, each evaluated once."""
    number, need, recipe, level = task[0], sheets.need(task), sheets.recipe, sheets.stage.level
    below = None if number == 0 else _field(sheets, files, number - 1, need.layer.reads(need.window))
    ground = read_ground(recipe, level, _seen(sheets, need), read_parent)
    drawing = begin(recipe, level, ground, cache)
    tiles = [tile for _, tile in drawing.tiles(number, need, below)]
    return np.stack(tiles).reshape(len(need.rows), len(need.columns), *tiles[0].shape)


def fuse_shard(
    sheets: StageSheets, files: SheetFiles, window: Window, read_parent: Read | None
) -> NDArray[Any]:
    """Return the pixels of a shard; every tile has been drawn."""
    recipe, level = sheets.recipe, sheets.stage.level
    aligned = whole_blocks(recipe, level, window)
    fused = _field(sheets, files, len(sheets.layers) - 1, aligned)
    ground = read_ground(recipe, level, aligned, read_parent)
    return settle(recipe, level, fused.values, aligned, ground)[:, *window.slices(aligned)]


def parent_of_task(sheets: StageSheets, task: TaskId) -> Window:
    """Return the pixels of the parent's level that a task reads; its rows do not depend on its column."""
    recipe, level, number = sheets.recipe, sheets.stage.level, task[0]
    if not sheets.layers:
        return parent_window(recipe, level, sheets.stage.shard_window(*task[1:]))
    if number == len(sheets.layers):
        seen = whole_blocks(recipe, level, sheets.stage.shard_window(*task[1:]))
    else:
        seen = _seen(sheets, sheets.need(task))
    under = seen.coarsen(recipe.grid.factor).expand(recipe.model_at(level).facts().margin)
    return in_domain(recipe.grid, level - 1, under)


def _seen(sheets: StageSheets, need: Need) -> Window:
    """Return the pixels of the level that the tiles of a sheet are told about."""
    layer, latent = need.layer, sheets.recipe.model_at(sheets.stage.level).facts().latent
    return need.window.refine(latent) if layer.steps else need.window.expand(layer.halo)


def _field(sheets: StageSheets, files: SheetFiles, number: int, window: Window) -> Field:
    """Return a window of a layer, fused from the sheets that hold its tiles."""
    need = sheets.layers[number].need(window)
    return Field(Drawing.blend(need, _tiles(sheets, files, number, need)), window)


def _tiles(sheets: StageSheets, files: SheetFiles, number: int, need: Need) -> Iterator[tuple[Window, Array]]:
    (rows, columns), opened = sheets.axes[number], dict[TaskId, StoredTiles]()
    for index in need.indices:
        (row, y), (column, x) = rows.locate(index[0]), columns.locate(index[1])
        sheet = (number, row, column)
        if sheet not in opened:
            opened[sheet] = files.load(sheet)
        yield need.layer.lattice.window(index), opened[sheet][y, x]
