"""``Known``: pixels of one level that are known already and stay as they are; what they lack is drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.known_blocks import KnownBlocks, TileKind, known_blocks
from geoinfinite.conditions.known_lattice import extent_on
from geoinfinite.conditions.place import Place
from geoinfinite.conditions.settings import absolute, check_name, checked_path, said
from geoinfinite.conditions.source_digest import checked_digest, source_digest
from geoinfinite.conditions.source_raster import SourceRaster, source_files, source_raster
from geoinfinite.errors import WorldError, in_full
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Slot, Told

STRIP_VALUES = 2**24
"""Values that are averaged at once for a coarser level."""


@dataclass(frozen=True, slots=True)
class Known:
    """A raster on the pixels of one level whose known pixels are kept bit for bit.

    Its nodata, masked and NaN pixels, and those beyond it, are drawn so that they continue what is known.
    Coarser levels know the means of blocks that are wholly known.

    >>> Known("scene.tif", level=2).levels
    (2,)
    """

    kind: ClassVar[str] = "known"
    PATHS: ClassVar[tuple[str, ...]] = ("source",)
    guidance: ClassVar[float | None] = None
    strength: ClassVar[float] = 1.0

    source: str
    """The path of a raster in the world's dtype, with its bands."""
    level: int = 0
    """The level whose pixels it has."""
    name: str = "known"
    digest: str | None = None
    """``"sha256:..."`` of the file, which is believed."""

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "source", checked_path(self.name, self.source))
        if type(self.level) is not int or not 0 <= self.level < 64:
            raise WorldError(f"{said(self.name, 'level', self.level)} is no level; write the number of one")
        checked_digest(self.name, self.digest)

    @property
    def levels(self) -> tuple[int, ...]:
        """The level whose pixels it has."""
        return (self.level,)

    @property
    def path(self) -> Path:
        """The file."""
        return absolute(self.source)

    def files(self) -> tuple[Path, ...]:
        """Return the file and what lies beside it and decides its values."""
        return tuple(state.path for state in source_files(self.path) if state.exists)

    def described(self) -> dict[str, Any]:
        """Return its settings, the file by its content."""
        settings = {key: value for key, value in asdict(self).items() if key not in ("source", "digest")}
        return {"kind": self.kind, **settings, "source": source_digest(self.path, self.digest)}

    @property
    def named(self) -> str:
        """The setting that names the file, as errors show it."""
        return said(self.name, "source", self.source)

    def header(self) -> SourceRaster:
        """Return the file's header."""
        return source_raster(self.path, self.named)

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` if a model's slot is to be filled with known pixels; none can be yet."""
        raise WorldError(f"condition.{self.name} keeps pixels and fills no slot, such as {slot.name!r}")

    def told(self, place: Place, slot: Slot) -> Told:
        """Return nothing: known pixels are kept, not told."""
        return None

    def extent(self, grid: Grid) -> Window:
        """Return the pixels of its level that the raster has.

        Raises `WorldError` for a raster that lies between the level's pixels, or beyond all of them.
        """
        return extent_on(self.header(), grid, self.level)


@dataclass(frozen=True, slots=True)
class KnownRoot(Known):
    """A root raster, of which only what it lacks is drawn."""

    @property
    def named(self) -> str:
        """The setting that names the file, as errors show it."""
        return f"root.source={in_full(self.source)!r}"


@dataclass(frozen=True, slots=True)
class KnownPixels:
    """What a raster of known pixels says of one level: its own, or a coarser one."""

    known: Known
    grid: Grid
    number: int
    """The level, at most the raster's own."""

    @property
    def factor(self) -> int:
        """Pixels of the raster along each side of one of the level."""
        return int(self.grid.factor ** (self.known.level - self.number))

    def kind(self, window: Window) -> TileKind:
        """Say whether all, some or none of a tile's pixels may be known, of those within the level."""
        return self._blocks().kind(self._fine(window))

    def count(self, tiles: TileBlock, kind: TileKind) -> int:
        """Return how many tiles of a block are of a kind, `TileKind.ALL` or `TileKind.SOME`."""
        return self._blocks().count(tiles.refine(self.factor), kind)

    def of_kind(self, tiles: TileBlock, kind: TileKind) -> list[Window]:
        """Return the tiles of a block that are of a kind, in pixels of the level."""
        indices = self._blocks().indices(tiles.refine(self.factor), kind)
        return [tiles.window(index) for index in indices]

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels ``(band, y, x)``, 0 where not known, and which are known ``(y, x)``.

        A pixel of a coarser level is known if all pixels of the raster in it are, and is their mean.
        """
        if self.factor == 1:
            return self._read(window)
        bands = self.known.header().picture_bands
        pixels = np.zeros((bands, *window.shape), self.known.header().picture_dtype)
        known = np.zeros(window.shape, bool)
        inside = window.intersect(self._extent().coarsen(self.factor)) if not self.grid.periodic else window
        rows = max(1, STRIP_VALUES // max(1, bands * inside.width * self.factor**2))
        for y in range(inside.y0, inside.y1, rows):
            part = Window(y, min(y + rows, inside.y1), inside.x0, inside.x1)
            if part.size:
                at = part.slices(window)
                pixels[:, *at], known[at] = self._averaged(part)
        return pixels, known

    def _averaged(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        fine, there = self._read(window.refine(self.factor))
        bands, (rows, columns), f = len(fine), window.shape, self.factor
        known = there.reshape(rows, f, columns, f).all(axis=(1, 3))
        total = fine.reshape(bands, rows, f, columns, f).sum(axis=(2, 4), dtype=np.float64) / f**2
        means = total if fine.dtype.kind == "f" else np.rint(total)
        return np.where(known, means, 0).astype(fine.dtype), np.asarray(known, bool)

    def _read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels of the raster's own level."""
        header, extent = self.known.header(), self._extent()
        pixels = np.zeros((header.picture_bands, *window.shape), header.picture_dtype)
        known = np.zeros(window.shape, bool)
        with header.opened() as opened:
            for turn in self._turns(window):
                moved = Window(extent.y0, extent.y1, extent.x0 + turn, extent.x1 + turn)
                part = window.intersect(moved)
                if part.size:
                    y, x = part.slices(moved)
                    at = part.slices(window)
                    block = opened.picture((y.start, y.stop), (x.start, x.stop))
                    pixels[:, *at], known[at] = np.where(block[1], block[0], 0), block[1]
        return pixels, known

    def _turns(self, window: Window) -> tuple[int, ...]:
        """Return by how many columns the raster may be moved to lie under a window."""
        period = self.grid.period(self.known.level)
        if period is None:
            return (0,)
        first = (window.x0 - self._extent().x1) // period
        return tuple(turn * period for turn in range(first, (window.x1 // period) + 2))

    def _fine(self, window: Window) -> Window:
        return window.refine(self.factor)

    def _extent(self) -> Window:
        return self.known.extent(self.grid)

    def _blocks(self) -> KnownBlocks:
        return known_blocks(
            self.known.header(),
            self._extent(),
            self.grid.full(self.known.level),
            self.grid.period(self.known.level),
        )
