"""Regions of a level: which texts hold for parts of a tile, their shares of every pixel, and their number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

from geoinfinite.conditions.footprint import Footprint, held, meeting, union_count
from geoinfinite.conditions.vectors import Features, on_level, read_features, shapely_module
from geoinfinite.file_memo import FileState
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Regions

PARTS = 4
"""Each pixel is divided into this many parts along each side: shares are sixteenths, which add up to 1."""
_FAR = 2**40
"""Beyond every level: what lies at the edge of a level stands for what lies beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelRegions:
    """The regions of one level, each with its text; where they overlap the later feature counts."""

    elsewhere: str
    """The text that holds where no region is."""
    texts: tuple[str, ...]
    """The other texts, in the order of the features that say them first."""
    footprints: tuple[Footprint, ...]
    """What covers the regions of each text."""
    shapes: tuple[tuple[Any, int], ...]
    """Geometries in pixels ``(column, row)``, each with the number of its text, from 1."""
    level: Window
    """All pixels of the level."""
    period: int | None

    def prompts(self, window: Window) -> tuple[int, ...]:
        """Return the numbers of the texts that a tile is told: 0, the text elsewhere, first.

        They follow from the footprints, so that some may hold for no pixel of the tile.
        """
        turns = 0 if self.period is None else window.x0 // self.period * self.period
        clamped = [self._clamped(window, turn - turns) for turn in self._turns]
        met = tuple(
            number
            for number, footprint in enumerate(self.footprints, 1)
            if any(footprint.meets(part) for part in clamped)
        )
        within = any(footprint.holds(part) for footprint in self.footprints for part in clamped)
        return met if within else (0, *met)

    def told(self, window: Window) -> Regions | str:
        """Return the texts of a tile with their shares of its pixels, or the only one."""
        numbers = self.prompts(window)
        texts = (self.elsewhere, *self.texts)
        if len(numbers) == 1:
            return texts[numbers[0]]
        burnt = self._burnt(window)
        shares = [_share(burnt == number) for number in numbers]
        return Regions(tuple(texts[number] for number in numbers), np.stack(shares))

    def of(self, window: Window) -> int:
        """Return the number of texts that a tile is told."""
        return len(self.prompts(window))

    def total(self, tiles: TileBlock) -> int:
        """Return the sum of texts over a block of tiles, by arithmetic on the footprints."""
        met = sum(
            union_count([meeting(r, tiles) for outer in f.outer for r in self._copies(outer)])
            for f in self.footprints
        )
        inner = (window for footprint in self.footprints for window in footprint.inner)
        within = union_count([held(copy, tiles) for window in inner for copy in self._copies(window)])
        return met + tiles.count - within

    @property
    def _turns(self) -> tuple[int, ...]:
        return (0,) if self.period is None else (0, -self.period, self.period)

    def _clamped(self, window: Window, turn: int) -> Window:
        """Return the pixels of the level that stand for a window's, which is moved by a turn."""
        rows, columns = self.level.y1, self.level.x1
        y0, y1 = min(max(window.y0, 0), rows - 1), max(min(window.y1, rows), 1)
        if self.period is not None:
            return Window(y0, y1, window.x0 + turn, window.x1 + turn)
        return Window(y0, y1, min(max(window.x0, 0), columns - 1), max(min(window.x1, columns), 1))

    def _copies(self, window: Window) -> list[Window]:
        """Return a rectangle as tiles see it: beyond the edges too, and once for every turn."""
        y0, y1 = -_FAR if window.y0 <= 0 else window.y0, _FAR if window.y1 >= self.level.y1 else window.y1
        if self.period is None:
            x0 = -_FAR if window.x0 <= 0 else window.x0
            return [Window(y0, y1, x0, _FAR if window.x1 >= self.level.x1 else window.x1)]
        turns = range(-1, 4)
        return [Window(y0, y1, window.x0 + n * self.period, window.x1 + n * self.period) for n in turns]

    def _burnt(self, window: Window) -> NDArray[np.uint16]:
        """Return the numbers of texts ``(y, x)`` on the parts of a tile's pixels."""
        rows = np.arange(window.y0, window.y1).clip(0, self.level.y1 - 1)
        columns = np.arange(window.x0, window.x1)
        if self.period is None:
            columns = columns.clip(0, self.level.x1 - 1)
        y0, x0 = int(rows[0]), int(columns[0])
        shape = int(rows[-1]) - y0 + 1, int(columns[-1]) - x0 + 1
        moved = [
            (_on_parts(geometry, x0 + turn, y0), number)
            for geometry, number in self.shapes
            for turn in self._turns
        ]
        seen = [(geometry, number) for geometry, number in moved if geometry is not None]
        fine = np.zeros((shape[0] * PARTS, shape[1] * PARTS), np.uint16)
        if seen:
            rasterio.features.rasterize(seen, out=fine, transform=Affine.identity())
        by_pixel = fine.reshape(shape[0], PARTS, shape[1], PARTS)
        taken = by_pixel[(rows - y0)[:, None], :, (columns - x0)[None, :], :]
        return np.ascontiguousarray(taken)


def _on_parts(geometry: Any, x: int, y: int) -> Any:
    """Return a geometry on the parts of pixels, counted from pixel ``(x, y)``: exact in binary."""
    shapely = shapely_module()
    return shapely.transform(geometry, lambda points: (points - (x, y)) * PARTS)


def _share(is_there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the share ``(y, x)`` of the parts ``(y, x, part, part)`` of each pixel."""
    return np.asarray(is_there.sum(axis=(2, 3)) / (PARTS * PARTS), np.float32)


def level_regions(
    path: Path, named: str, column: str, elsewhere: str, grid: Grid, level: int
) -> LevelRegions:
    """Return the regions of a level, kept while the file stands unchanged."""
    return _level_regions(path, named, column, elsewhere, (grid, level, FileState.or_absent(path)))


@lru_cache(maxsize=32)
def _level_regions(
    path: Path, named: str, column: str, elsewhere: str, at: tuple[Grid, int, FileState]
) -> LevelRegions:
    grid, level, _ = at
    features = read_features(path, named)
    said = texts_of(features, column)
    texts = tuple(dict.fromkeys(text for text in said if text != elsewhere))
    numbers = {elsewhere: 0, **{text: number for number, text in enumerate(texts, 1)}}
    geometries = on_level(features, grid, level)
    full = grid.full(level)
    shapely = shapely_module()
    footprints = tuple(
        Footprint.of(shapely.union_all(geometries[[text == other for other in said]]), full) for text in texts
    )
    shapes = tuple((geometry, numbers[text]) for geometry, text in zip(geometries, said, strict=True))
    return LevelRegions(elsewhere, texts, footprints, shapes, full, grid.period(level))


def texts_of(features: Features, column: str) -> list[str]:
    """Return the text of every feature; a missing one is empty."""
    return ["" if value is None or value != value else str(value) for value in features.attributes[column]]
