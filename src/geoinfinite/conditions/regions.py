"""Regions of a level: which texts hold for parts of a tile, their shares of every pixel, and their number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.burning import burnt, seen_beyond
from geoinfinite.conditions.carrying import LevelParts, on_level
from geoinfinite.conditions.footprint import (
    Edges,
    Footprint,
    Rectangles,
    blocks_held,
    blocks_meeting,
    union_count,
)
from geoinfinite.conditions.vectors import Features, read_features, shapely_module
from geoinfinite.errors import WorldError
from geoinfinite.file_memo import FileState
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Regions

PARTS = 4
"""Each pixel is divided into this many parts along each side: shares are sixteenths, which add up to 1."""
MOST_TEXTS = 2**14
"""Texts of one file."""
MOST_RECTANGLES = 128
"""Rectangles that cover the regions of one text, if it has not more polygons ..."""
MOST_IN_ALL = 2**12
"""... and of all texts, but for a few for each."""
_FEWEST = 4
_MOST_INNER = 2**10
"""Rectangles in regions, over which the text elsewhere need not be asked for."""
_FAR = 2**40
"""Beyond every level: what lies at the edge of a level stands for what lies beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelRegions:
    """The regions of one level, each with its text; where they overlap the later feature counts."""

    texts: tuple[str, ...]
    """The text that holds where no region is, then the others in the order of the features."""
    outer: Rectangles
    """What covers the regions of each text; those of the first are regions that say it themselves."""
    inner: Rectangles
    """What lies wholly in the regions of one of the other texts."""
    parts: LevelParts
    text_of: NDArray[np.int64]
    """The number of the text of each part."""
    level: Window
    """All pixels of the level."""
    period: int | None

    def prompts(self, window: Window) -> tuple[int, ...]:
        """Return the numbers of the texts that a tile is told: 0, the text elsewhere, first.

        They follow from rectangles, so that some may hold for no pixel of the tile.
        """
        seen = self._seen(window)
        met = {int(n) for part in seen for n in self.outer.number[self.outer.meeting(part)]}
        if not any(self.inner.holding(part).any() for part in seen):
            met.add(0)
        return tuple(sorted(met))

    def told(self, window: Window) -> Regions | str:
        """Return the texts of a tile with their shares of its pixels, or the only one."""
        numbers = self.prompts(window)
        if len(numbers) == 1:
            return self.texts[numbers[0]]
        burnt = self._burnt(window)
        shares = [_share(burnt == number) for number in numbers]
        return Regions(tuple(self.texts[number] for number in numbers), np.stack(shares))

    def of(self, window: Window) -> int:
        """Return the number of texts that a tile is told."""
        return len(self.prompts(window))

    def total(self, tiles: TileBlock) -> int:
        """Return the sum of texts over a block of tiles, by arithmetic on rectangles."""
        if not tiles.count:
            return 0
        outer = map(self.outer.of_number, range(len(self.texts)))
        met = [blocks_meeting(self._copies(edges, tiles), tiles) for edges in outer]
        held = blocks_held(self._copies(self.inner.edges, tiles), tiles)
        # Tiles without the text elsewhere: those in a region, but for those that meet a region that says it.
        without = union_count(np.concatenate([held, met[0]])) - union_count(met[0])
        return sum(map(union_count, met[1:])) + tiles.count - without

    def _seen(self, window: Window) -> list[Window]:
        """Return the pixels of the level that stand for a window's, once for every turn that it meets."""
        rows, columns = self.level.y1, self.level.x1
        y0, y1 = min(max(window.y0, 0), rows - 1), max(min(window.y1, rows), 1)
        if self.period is None:
            return [Window(y0, y1, min(max(window.x0, 0), columns - 1), max(min(window.x1, columns), 1))]
        turns = range(window.x0 // self.period, -(-window.x1 // self.period))
        return [Window(y0, y1, window.x0 - n * self.period, window.x1 - n * self.period) for n in turns]

    def _copies(self, edges: Edges, tiles: TileBlock) -> Edges:
        """Return rectangles as tiles see them: beyond the edges too, and once for every turn."""
        edges = edges.copy()
        edges[edges[:, 0] <= 0, 0] = -_FAR
        edges[edges[:, 1] >= self.level.y1, 1] = _FAR
        if self.period is None:
            edges[edges[:, 2] <= 0, 2] = -_FAR
            edges[edges[:, 3] >= self.level.x1, 3] = _FAR
            return edges
        start = tiles.window((0, tiles.columns[0])).x0 // self.period
        stop = -(-tiles.window((0, tiles.columns[-1])).x1 // self.period)
        turn = np.array([0, 0, self.period, self.period])
        return np.concatenate([edges + n * turn for n in range(start, stop)])

    def _burnt(self, window: Window) -> NDArray[np.uint16]:
        """Return the numbers of texts ``(y, x, part, part)`` on the parts of a tile's pixels."""
        return seen_beyond(window, (self.level.y1, self.level.x1), self.period, self._piece)

    def _piece(self, window: Window) -> NDArray[np.uint16]:
        """Return the numbers of texts ``(y, x, part, part)`` on a window within the level."""
        near = self.parts.near(window)
        height, width = window.shape
        moved = _on_parts(self.parts.polygons[near], window.x0, window.y0)
        shapes = zip(moved, self.text_of[near].tolist(), strict=True)
        fine = burnt(shapes, (height * PARTS, width * PARTS))
        return fine.reshape(height, PARTS, width, PARTS).transpose(0, 2, 1, 3)


def _on_parts(polygons: NDArray[Any], x: int, y: int) -> Any:
    """Return polygons as `burnt` has them, counted from pixel ``(x, y)``: exact in binary."""
    return shapely_module().transform(polygons, lambda points: (points - (x, y)) * PARTS)


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
    texts = tuple(dict.fromkeys((elsewhere, *said)))
    if len(texts) > MOST_TEXTS:
        raise WorldError(f"{named} has {len(texts) - 1} texts, of {MOST_TEXTS - 1} at most; name fewer")
    number_of = {text: number for number, text in enumerate(texts)}
    parts = on_level(features, grid, level)
    text_of = np.array([number_of[text] for text in said], np.int64)[parts.feature]
    full = grid.full(level)
    most = max(_FEWEST, min(MOST_RECTANGLES, MOST_IN_ALL // len(texts)))
    found = [Footprint.of(parts.polygons[text_of == n], full, most) for n in range(len(texts))]
    return LevelRegions(
        texts,
        outer=Rectangles.of([footprint.outer for footprint in found]),
        inner=_largest([footprint.inner for footprint in found[1:]]),
        parts=parts,
        text_of=text_of,
        level=full,
        period=grid.period(level),
    )


def _largest(groups: list[Edges]) -> Rectangles:
    """Return the largest rectangles."""
    edges = np.concatenate([np.zeros((0, 4), np.int64), *groups])
    areas = np.prod(edges[:, 1::2] - edges[:, ::2], axis=1)
    return Rectangles.of([edges[np.argsort(-areas, kind="stable")[:_MOST_INNER]]])


def texts_of(features: Features, column: str) -> list[str]:
    """Return the text of every feature; a missing one is empty."""
    return ["" if value is None or value != value else str(value) for value in features.attributes[column]]
