"""Draws sheets of tiles from the sheets below, and shards from the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.engine.drawing import Drawing, Field
from geoinfinite.engine.generate import Read, begin, read_ground, settle, whole_blocks
from geoinfinite.plane.window import Window
from geoinfinite.stores.sheet_files import SheetFiles, StoredTiles
from geoinfinite.stores.sheets import Place, StageSheets
from geoinfinite.tiling import Need, TileCache

Array = NDArray[np.float32]


def draw_sheet(
    sheets: StageSheets, files: SheetFiles, place: Place, read_parent: Read | None, cache: TileCache
) -> Array:
    """Return the tiles of a sheet, ``(row, column, channel, y, x)``, each evaluated once."""
    number, need, world, level = place[0], sheets.need(place), sheets.world, sheets.stage.level
    layer, hull = need.layer, need.window
    below = None if number == 0 else _field(sheets, files, number - 1, layer.reads(hull))
    seen = hull.refine(world.model_at(level).facts().latent) if layer.steps else hull.expand(layer.halo)
    drawing = begin(world, level, read_ground(world, level, seen, read_parent), cache)
    tiles = [tile for _, tile in drawing.tiles(number, need, below)]
    return np.stack(tiles).reshape(len(need.rows), len(need.columns), *tiles[0].shape)


def fuse_shard(
    sheets: StageSheets, files: SheetFiles, window: Window, read_parent: Read | None
) -> NDArray[Any]:
    """Return the pixels of a shard; every tile has been drawn."""
    world, level = sheets.world, sheets.stage.level
    aligned = whole_blocks(world, level, window)
    fused = _field(sheets, files, len(sheets.layers) - 1, aligned)
    ground = read_ground(world, level, aligned, read_parent)
    return settle(world, level, fused.values, aligned, ground)[:, *window.slices(aligned)]


def _field(sheets: StageSheets, files: SheetFiles, number: int, window: Window) -> Field:
    """Return a window of a layer, fused from the sheets that hold its tiles."""
    need = sheets.layers[number].need(window)
    return Field(Drawing.blend(need, _tiles(sheets, files, number, need)), window)


def _tiles(sheets: StageSheets, files: SheetFiles, number: int, need: Need) -> Iterator[tuple[Window, Array]]:
    rows, columns = sheets.axes[number]
    opened: dict[Place, StoredTiles] = {}
    for index in need.indices:
        (row, y), (column, x) = rows.locate(index[0]), columns.locate(index[1])
        place = (number, row, column)
        if place not in opened:
            opened[place] = files.load(place)
        yield need.layer.lattice.window(index), opened[place][y, x]
