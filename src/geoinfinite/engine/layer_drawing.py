"""The tiles of a level's layers: which are missing, how they are batched, and how they are fused."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from geoinfinite.conditions.known_blocks import TileKind
from geoinfinite.diffusion.model import Array
from geoinfinite.engine.level import Level
from geoinfinite.engine.parent_pixels import ParentPixels
from geoinfinite.engine.resources import Resources
from geoinfinite.engine.steering import ToldTile, texts
from geoinfinite.engine.telling import told_tile
from geoinfinite.engine.tile_batch import FusedLayer, TileBatch
from geoinfinite.plane.window import Window
from geoinfinite.tiling import (
    Chart,
    Layer,
    Need,
    NoTileCache,
    Solve,
    TileIndex,
    cone,
    fixed_batches,
    fuse,
    tile_weights,
)


@dataclass(frozen=True, slots=True)
class LayerDrawing:
    """Draws the layers of one level on known parent pixels, each tile once."""

    level: Level
    parent: ParentPixels | None
    """``None`` for level 0."""
    resources: Resources

    def fused(self, layers: tuple[Layer, ...], window: Window) -> Array:
        """Return a window of the last layer, ``(channel, y, x)``, drawing what it needs of those below."""
        below: FusedLayer | None = None
        for number, need in enumerate(cone(layers, window)):
            below = FusedLayer(fuse_tiles(need, self.tiles(number, need, below)), need.window)
        if below is None:
            raise TypeError(f"level {self.level.number} has no layers")
        return below.values

    def tiles(self, number: int, need: Need, below: FusedLayer | None) -> Iterator[tuple[Window, Array]]:
        """Yield the tiles that a window needs of layer ``number``, in row-major order, each drawn once."""
        layer = need.layer
        held: dict[TileIndex, Array] = {}
        for indices, missing in self._groups(number, need, held):
            held.update(self._obtain(number, layer, missing, below))
            for index in indices:
                yield layer.lattice.window(index), held[layer.canonical(index)]
            for key in [key for key in held if key[0] < indices[-1][0]]:
                del held[key]

    def _groups(
        self, number: int, need: Need, held: dict[TileIndex, Array]
    ) -> Iterator[tuple[list[TileIndex], dict[TileIndex, TileIndex]]]:
        """Yield tiles in groups, of which one batch at most is missing; the cached ones go to ``held``.

        Missing tiles are given by their canonical index, with the index at which they were met first.
        """
        layer = need.layer
        size = 1 if isinstance(layer.work, Chart) else self.level.recipe.numerics.micro_batch
        indices: list[TileIndex] = []
        missing: dict[TileIndex, TileIndex] = {}
        for index in need.indices:
            key = layer.canonical(index)
            indices.append(index)
            if key not in held and key not in missing:
                tile = self.resources.tiles.get(self._name(number, key))
                if tile is None:
                    missing[key] = index
                else:
                    held[key] = tile
            if len(missing) == size:
                yield indices, missing
                indices, missing = [], {}
        if indices:
            yield indices, missing

    def _name(self, number: int, key: TileIndex) -> Hashable:
        """Return the name of a tile among all tiles of all worlds."""
        return self.level.token, self.level.number, number, key

    def _obtain(
        self,
        number: int,
        layer: Layer,
        missing: dict[TileIndex, TileIndex],
        below: FusedLayer | None,
    ) -> dict[TileIndex, Array]:
        """Return at most a batch of tiles by canonical index, drawing what no other thread is drawing."""
        if not missing:
            return {}
        names = {self._name(number, key): key for key in missing}

        def draw(wanted: list[Hashable]) -> dict[Hashable, Array]:
            windows = [layer.lattice.window(missing[names[name]]) for name in wanted]
            return dict(zip(wanted, self._draw(layer, windows, below), strict=True))

        return {names[name]: tile for name, tile in self.resources.tiles.obtain(names, draw).items()}

    def _draw(self, layer: Layer, windows: list[Window], below: FusedLayer | None) -> list[Array]:
        """Draw tiles in batches of one fixed size, or charts one by one."""
        self.resources.check_cancelled()
        if isinstance(layer.work, Chart):
            return [self._chart(layer.work, window) for window in windows]
        drawn, numerics, models = self.level.drawn, self.level.recipe.numerics, self.resources.models
        lock = models.device_lock(numerics.device)
        kinds = [self._kind(layer, window) for window in windows]
        told = [self._told(layer, w, kind) for w, kind in zip(windows, kinds, strict=True)]
        alike = [(kind.value, texts(said)) for kind, said in zip(kinds, told, strict=True)]
        tiles: dict[int, Array] = {}
        with models.lend((drawn.digest, numerics.device), lambda: drawn.load(numerics.device)) as model:
            for batch, real in _alike(alike, numerics.micro_batch):
                places, said = [windows[i] for i in batch], [told[i] for i in batch]
                drawing = TileBatch(self.level, layer, places, self.parent, below, said, kinds[batch[0]])
                tiles |= zip(batch[:real], drawing.draw(model, lock), strict=False)
        return [tiles[i] for i in range(len(windows))]

    def _told(self, layer: Layer, window: Window, kind: TileKind) -> ToldTile:
        """Return what conditions say of a tile that takes steps and is not known already."""
        if not isinstance(layer.work, Solve) or kind is TileKind.ALL:
            return {}
        return told_tile(self.level, self.level.pixels_told(layer, window), self.resources.told)

    def _kind(self, layer: Layer, window: Window) -> TileKind:
        """Say how much of a tile that takes steps is known."""
        known = self.level.drawn.known
        if known is None or not isinstance(layer.work, Solve):
            return TileKind.NONE
        return known.kind(self.level.pixels_told(layer, window))

    def _chart(self, work: Chart, window: Window) -> Array:
        """Draw a tile that consists of layers of its own; only the whole of it is worth keeping."""
        layers = tuple(layer.shift(window.y0, window.x0) for layer in work.layers)
        alone = replace(self, resources=replace(self.resources, tiles=NoTileCache()))
        return alone.fused(layers, window)


def _alike(sorts: list[tuple[str, int]], size: int) -> Iterator[tuple[list[int], int]]:
    """Yield the numbers of tiles in batches of one size, each of tiles of one sort."""
    numbers = sorted(range(len(sorts)), key=sorts.__getitem__)
    for _, alike in groupby(numbers, key=sorts.__getitem__):
        yield from fixed_batches(list(alike), size)


def fuse_tiles(need: Need, tiles: Iterator[tuple[Window, Array]]) -> Array:
    """Return the window that a layer's tiles add up to, ``(channel, y, x)``."""
    lattice, profile = need.layer.lattice, need.layer.profile
    weights = tile_weights(lattice.size, lattice.stride, profile)
    return need.settle_edges(fuse(tiles, weights, need.window))
