"""``generate(world, level, window)``: the one pure function under everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import ModelError
from geoinfinite.grid import Grid
from geoinfinite.models.lending import borrow
from geoinfinite.models.protocol import Array, Cond, TileModel
from geoinfinite.noise import NoiseField
from geoinfinite.recipe import Recipe
from geoinfinite.resample import project_mean
from geoinfinite.samplers import SOLVERS
from geoinfinite.tiling import TileCache, TileIndex, fixed_batches, fuse, tile_weights
from geoinfinite.window import Window

Read = Callable[[Window], NDArray[Any]]
"""Pixels ``(band, y, x)`` of a window of one level, in the world's dtype."""

tile_cache = TileCache(max_bytes=256 * 2**20)
"""Finished tiles that neighbouring windows share within a process."""


def generate(
    world: Recipe, level: int, window: Window, *, cache: TileCache | None = tile_cache
) -> NDArray[Any]:
    """Return the pixels of a window, ``(band, y, x)`` in the world's dtype.

    A pixel is a pure function of (recipe, level, row, column): any window is the crop of any larger
    one, bit for bit, whatever was asked before. Level 0 is the root raster; every other level is
    drawn on its parent's window, which is generated first. ``cache`` changes cost, never pixels.
    Raises `WindowError` for pixels that the grid does not have.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("earth").replace(model=gi.models.from_pretrained("analytic:gaussian"))
    >>> big = gi.generate(world, 2, gi.Window(1000, 1040, -20, 30))
    >>> small = gi.generate(world, 2, gi.Window(1011, 1017, -3, 9))
    >>> big.shape, bool((big[:, 11:17, 17:29] == small).all())
    ((3, 40, 50), True)
    """
    world.grid.check_window(level, window)
    if window.size == 0:
        return np.empty((world.bands, *window.shape), world.dtype)
    if level == 0:
        return world.root.read(window)
    return draw(world, level, window, lambda w: generate(world, level - 1, w, cache=cache), cache=cache)


def draw(
    world: Recipe, level: int, window: Window, read_parent: Read, *, cache: TileCache | None = None
) -> NDArray[Any]:
    """Return a window of a level, given how to read its parent: computed, or stored earlier.

    A level is quantised before its children see it, so a stored parent and a computed one are the
    same parent.
    """
    factor = world.grid.factor
    aligned = window.coarsen(factor).refine(factor)
    hull = world.lattice.hull(aligned)
    margin = world.model.facts().margin
    ground = hull.coarsen(factor).expand(margin)
    parent = read_extended(read_parent, world.grid, level - 1, ground)
    name = "" if cache is None else world.token
    job = _Job(world, level, world.encoding.to_unit(parent), ground, margin, cache, name)
    sampler = world.sampler
    fused = fuse(
        job.tiles(world.lattice.touching(aligned)),
        tile_weights(sampler.tile, sampler.stride, sampler.weights),
        aligned,
        parent.shape[0],
    )
    if sampler.consistency == "mean":
        y, x = aligned.coarsen(factor).slices(ground)
        settled = world.encoding.settle(fused, parent[:, y, x], factor)
    else:
        settled = world.encoding.settle(fused)
    y, x = window.slices(aligned)
    return settled[:, y, x]


def in_domain(grid: Grid, level: int, window: Window) -> Window:
    """Return the pixels that must be read to know a window that may hang over the grid's edges."""
    rows, columns = grid.shape_at(level)
    if grid.periodic:
        y0, y1 = max(0, window.y0), min(rows, window.y1)
        return Window(y0, y1, window.x0, min(window.x1, window.x0 + columns))
    return window.intersect(Window(0, rows, 0, columns))


def read_extended(read: Read, grid: Grid, level: int, window: Window) -> NDArray[Any]:
    """Return a window that may hang over the grid: the nearest edge pixel beyond edges, wrapped in x."""
    inside = in_domain(grid, level, window)
    values = read(inside)
    after = window.x1 - inside.x1
    if grid.periodic and after:
        values = np.pad(values, ((0, 0), (0, 0), (0, after)), mode="wrap")
        after = 0
    beyond = ((0, 0), (inside.y0 - window.y0, window.y1 - inside.y1), (inside.x0 - window.x0, after))
    return np.pad(values, beyond, mode="edge")


@dataclass(frozen=True, slots=True)
class _Job:
    """The tiles of one window of one level: everything they need but their position."""

    world: Recipe
    level: int
    parent: Array
    """The parent under every tile, ``(band, y, x)`` in [-1, 1]."""
    ground: Window
    """Where ``parent`` lies on the parent's level."""
    margin: int
    """Parent pixels that the model wants to see beyond every side of a tile."""
    cache: TileCache | None
    token: str
    """The world's token, computed once: it names tiles in the cache."""

    def tiles(self, indices: Iterable[TileIndex]) -> Iterator[tuple[Window, Array]]:
        """Yield every tile with its window, in the order of ``indices``, evaluating each one once."""
        held: dict[TileIndex, Array] = {}
        waiting: list[TileIndex] = []
        missing: dict[TileIndex, TileIndex] = {}

        def flush() -> Iterator[tuple[Window, Array]]:
            held.update(self._evaluate(missing))
            for index in waiting:
                yield self.world.lattice.window(index), held[self._canonical(index)]
            for key in [k for k in held if k[0] < waiting[-1][0]]:
                del held[key]
            waiting.clear()
            missing.clear()

        for index in indices:
            key = self._canonical(index)
            waiting.append(index)
            if key not in held and key not in missing:
                tile = self._cached(key)
                if tile is None:
                    missing[key] = index
                else:
                    held[key] = tile
            if len(missing) == self.world.numerics.micro_batch:
                yield from flush()
        if waiting:
            yield from flush()

    def _canonical(self, index: TileIndex) -> TileIndex:
        """Return the tile's index with its column within one turn of a periodic grid."""
        period = self.world.grid.period(self.level)
        return index if period is None else (index[0], index[1] % (period // self.world.sampler.stride))

    def _cached(self, key: TileIndex) -> Array | None:
        return None if self.cache is None else self.cache.get((self.token, self.level, key))

    def _evaluate(self, missing: dict[TileIndex, TileIndex]) -> dict[TileIndex, Array]:
        """Return at most a batch of tiles by canonical index, given where each one was met."""
        if not missing:
            return {}
        numerics = self.world.numerics
        with borrow(self.world.model, numerics.device) as model:
            # Another thread may have drawn them while this one waited for the model.
            ready = {k: tile for k in missing if (tile := self._cached(k)) is not None}
            todo = {k: index for k, index in missing.items() if k not in ready}
            for batch, real in fixed_batches(list(todo.items()), numerics.micro_batch):
                images = self._solve(model, [self.world.lattice.window(index) for _, index in batch])
                for (key, _), image in zip(batch[:real], images, strict=False):
                    ready[key] = image
                    if self.cache is not None:
                        self.cache.put((self.token, self.level, key), image)
        return ready

    def _solve(self, model: TileModel, windows: Sequence[Window]) -> Array:
        """Draw a batch of tiles, ``(tile, band, y, x)``: one solve from position-keyed noise."""
        world, sampler, factor = self.world, self.world.sampler, self.world.grid.factor
        margin = self.margin
        field = world.noise(self.level, self.parent.shape[0])
        ground = [w.coarsen(factor).expand(margin).slices(self.ground) for w in windows]
        parents = np.stack([self.parent[:, y, x] for y, x in ground])
        bound = model.bind(Cond(parents, world.grid.gsd_m(self.level)))

        def noise(draw: int) -> Any:
            return bound.state(_noise_under(windows, field, draw))

        sigmas = sampler.sigmas
        x0 = SOLVERS[sampler.solver](bound.denoise, noise(0) * sigmas[0], sigmas, noise)
        images = bound.image(x0)
        if not np.isfinite(images).all():
            raise ModelError(
                f"model.ref={world.model.ref!r} returned values that are not finite at level {self.level}, "
                f'{windows[0]}; try model.dtype = "float32"'
            )
        if sampler.consistency == "mean":
            inner = slice(margin, parents.shape[-1] - margin)
            images = project_mean(images, parents[..., inner, inner], factor)
        return images


def _noise_under(windows: Sequence[Window], field: NoiseField, draw: int) -> Array:
    """Return the noise of every window, ``(tile, band, y, x)``; neighbours in a row are hashed together."""
    first, last = windows[0], windows[-1]
    in_a_row = all(w.y0 == first.y0 and first.x0 <= w.x0 <= last.x0 for w in windows)
    if not in_a_row or last.x1 - first.x0 > len(windows) * first.width:
        return np.stack([field(w, draw) for w in windows])
    strip = Window(first.y0, first.y1, first.x0, last.x1)
    values = field(strip, draw)
    return np.stack([values[:, *w.slices(strip)] for w in windows])
