"""Layers: sets of tiles that are fused before the next layer's tiles read them, and the cone of a window.

A sampler that synchronises is a stack of layers: every layer solves some steps on every tile of its
lattice and blends the results; the next one starts from the blend. To know a window of the last layer
one needs a little more of the layer below, and so on down: the cone. Its size does not depend on where
the window is, and it is computed here once, for those who draw it and for those who only count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.tiling.lattice import Lattice, TileBlock, TileIndex
from geoinfinite.tiling.weights import axis_weights

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Solve:
    """Work of a layer: its tiles take some steps of the solver."""

    steps: range
    """Counted from 0."""


@dataclass(frozen=True, slots=True)
class Decode:
    """Work of a layer: its tiles turn the latent state of the layer below into an image."""

    zoom: int
    """Pixels of the image per pixel of the latent state, along each axis."""
    halo: int = 0
    """Pixels of the image beyond every side of a tile, decoded and cut off; a multiple of ``zoom``."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Work of a layer: each of its tiles is drawn by layers of its own, without its neighbours."""

    layers: tuple[Layer, ...]
    """First to last, relative to the tile's first pixel."""


Work: TypeAlias = Solve | Decode | Chart


@dataclass(frozen=True, slots=True)
class Layer:
    """Tiles on one lattice that do the same work and are then fused.

    >>> layer = Layer(Lattice(64, 48), Solve(range(0, 4)))
    >>> need = layer.need(Window(0, 48, 0, 96))
    >>> need.tiles, need.hull
    (6, Window(y0=-48, y1=64, x0=-48, x1=112))
    """

    lattice: Lattice
    """In pixels of the layer's own plane: of the level, or of the latent state."""
    work: Work
    """What each tile does."""
    profile: str = "hann"
    """How tiles blend: a name of `PROFILES`."""
    rows: range | None = None
    """Rows of tiles that there are; ``None``: no end."""
    columns: range | None = None
    """Columns of tiles that there are; ``None``: no end."""
    turn: int | None = None
    """Columns of tiles once round a periodic level."""

    @property
    def zoom(self) -> int:
        """Pixels of this plane per pixel of the plane below, along each axis."""
        return self.work.zoom if isinstance(self.work, Decode) else 1

    def shift(self, dy: int, dx: int) -> Layer:
        """Return the layer moved by ``dy`` rows and ``dx`` columns."""
        return replace(self, lattice=self.lattice.shift(dy, dx))

    def canonical(self, index: TileIndex) -> TileIndex:
        """Return the tile's index with its column within one turn of a periodic level."""
        return index if self.turn is None else (index[0], index[1] % self.turn)

    def reads(self, window: Window) -> Window:
        """Return the pixels of the plane below that a tile with this window reads."""
        if isinstance(self.work, Decode):
            return window.expand(self.work.halo).coarsen(self.work.zoom)
        return window

    def need(self, window: Window) -> Need:
        """Return the tiles that a window, which is not empty, is fused from."""
        kept = self._kept()
        rows, columns = kept.rows(window), kept.columns(window)
        return Need(self, window, _common(rows, self.rows), _common(columns, self.columns))

    def _kept(self) -> Lattice:
        """Return the lattice of what tiles keep: all of each, or less where its weights are 0."""
        size, stride = self.lattice.size, self.lattice.stride
        kept = np.flatnonzero(axis_weights(size, stride, self.profile))
        return Lattice(len(kept), stride, self.lattice.origin).shift(int(kept[0]), int(kept[0]))


@dataclass(frozen=True, slots=True)
class Need:
    """The tiles of one layer that a cone needs."""

    layer: Layer
    window: Window
    """The pixels to fuse."""
    rows: range
    """Rows of tiles that meet them."""
    columns: range
    """Columns of tiles that meet them."""

    @property
    def hull(self) -> Window:
        """The pixels of all those tiles."""
        return self.layer.lattice.cover(self.rows, self.columns)

    @property
    def indices(self) -> Iterable[TileIndex]:
        """The tiles, in row-major order; on a periodic level some may be the same tile once round."""
        return ((ky, kx) for ky in self.rows for kx in self.columns)

    @property
    def block(self) -> TileBlock:
        """The tiles to draw, each one once."""
        turn = self.layer.turn
        columns = self.columns if turn is None else self.columns[:turn]
        return self.layer.lattice.block(self.rows, columns)

    @property
    def tiles(self) -> int:
        """How many tiles there are to draw, each one once."""
        return self.block.count

    def settle_edges(self, fused: Array) -> Array:
        """Return a fused window ``(channel, y, x)`` whose weights sum to one also beyond the outermost tiles.

        Where all tiles exist they do already, and not a bit is changed there.
        """
        lattice, (oy, ox) = self.layer.lattice, self.layer.lattice.origin
        weights = axis_weights(lattice.size, lattice.stride, self.layer.profile)
        for axis, start, stop, these, bounds in (
            (1, self.window.y0 - oy, self.window.y1 - oy, self.rows, self.layer.rows),
            (2, self.window.x0 - ox, self.window.x1 - ox, self.columns, self.layer.columns),
        ):
            if bounds is None:
                continue
            total = np.zeros(stop - start, np.float32)
            for k in these:
                first, last = max(start, k * lattice.stride), min(stop, k * lattice.stride + lattice.size)
                total[first - start : last - start] += weights[first - k * lattice.stride :][: last - first]
            position = np.arange(start, stop)
            whole = (position >= (bounds.start - 1) * lattice.stride + lattice.size) & (
                position < bounds.stop * lattice.stride
            )
            total[whole] = 1
            if not whole.all():
                fused = fused / (total[:, None] if axis == 1 else total)
        return fused


def cone(layers: tuple[Layer, ...], window: Window) -> tuple[Need, ...]:
    """Return what a window of the last layer takes from every layer, first layer first.

    With ``n`` tiles along an axis and tiles that overlap ``r`` neighbours on each side, ``j`` layers
    below need ``n + 2 r j``, wherever the window is.

    >>> layers = tuple(Layer(Lattice(64, 32), Solve(range(i, i + 1))) for i in range(3))
    >>> [len(need.rows) for need in cone(layers, Window(320, 352, 0, 32))]
    [6, 4, 2]
    """
    needs: list[Need] = []
    for layer in reversed(layers):
        needs.append(layer.need(window))
        window = layer.reads(needs[-1].hull)
    return tuple(needs[::-1])


def _common(some: range, bounds: range | None) -> range:
    if bounds is None:
        return some
    return range(max(some.start, bounds.start), min(some.stop, bounds.stop))
