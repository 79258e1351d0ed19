"""The tiles of a level's layers: which are missing, how they are batched, and how they are fused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from geoinfinite.conditions.known_blocks import TileKind
from geoinfinite.diffusion.model import Array
from geoinfinite.engine.level import Level
from geoinfinite.engine.parent_pixels import ParentPixels
from geoinfinite.engine.resources import Resources
from geoinfinite.engine.steering import ToldTile, texts
from geoinfinite.engine.telling import told_tile
from geoinfinite.engine.tile_batch import Footing, FusedLayer, TileBatch
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

Placed = tuple[int, TileIndex]
"""A tile of one of several needs: the number of the need, and the tile's index."""


@dataclass(frozen=True, slots=True)
class LayerDrawing:
    """Draws windows of one level on known parent pixels; tiles that they share are drawn once."""

    level: Level
    resources: Resources

    def fused(
        self, layers: tuple[Layer, ...], windows: Sequence[Window], parents: Sequence[ParentPixels | None]
    ) -> Iterator[Array]:
        """Yield windows of the last layer, ``(channel, y, x)``, drawing what they need of those below.

        The layers below are drawn for all windows before the first one is yielded. ``parents`` are one for
        each window, and ``None`` for level 0.
        """
        if not layers:
            raise TypeError(f"level {self.level.number} has no layers")
        cones = [cone(layers, window) for window in windows]
        footings = [Footing(parent) for parent in parents]
        for number in range(len(layers) - 1):
            needs = [needs[number] for needs in cones]
            fields = zip(footings, needs, self._fields(number, needs, footings), strict=True)
            footings = [replace(footing, below=FusedLayer(x, need.window)) for footing, need, x in fields]
        yield from self._fields(len(layers) - 1, [needs[-1] for needs in cones], footings)

    def _fields(self, number: int, needs: Sequence[Need], footings: Sequence[Footing]) -> Iterator[Array]:
        """Yield what is fused for every need of layer ``number``."""
        for which, tiles in groupby(self.tiles(number, needs, footings), key=itemgetter(0)):
            yield fuse_tiles(needs[which], ((window, tile) for _, window, tile in tiles))

    def tiles(
        self, number: int, needs: Sequence[Need], footings: Sequence[Footing]
    ) -> Iterator[tuple[int, Window, Array]]:
        """Yield the tiles of every need of layer ``number``, in row-major order, each drawn once.

        The first number says whose tile it is. A tile is held until nobody needs it any more.
        """
        uses = Counter(need.layer.canonical(index) for need in needs for index in need.indices)
        held: dict[TileIndex, Array] = {}
        for places, missing in self._groups(number, needs, held):
            held.update(self._obtain(number, needs, missing, footings))
            for which, index in places:
                layer = needs[which].layer
                key = layer.canonical(index)
                yield which, layer.lattice.window(index), held[key]
                uses[key] -= 1
                if not uses[key]:
                    del held[key], uses[key]

    def _groups(
        self, number: int, needs: Sequence[Need], held: dict[TileIndex, Array]
    ) -> Iterator[tuple[list[Placed], dict[TileIndex, Placed]]]:
        """Yield tiles in groups, of which one batch at most is missing; the cached ones go to ``held``.

        Missing tiles are given by their canonical index, with the place at which they were met first.
        """
        places: list[Placed] = []
        missing: dict[TileIndex, Placed] = {}
        for which, need in enumerate(needs):
            size = 1 if isinstance(need.layer.work, Chart) else self.level.recipe.numerics.micro_batch
            for index in need.indices:
                key = need.layer.canonical(index)
                places.append((which, index))
                if key not in held and key not in missing:
                    tile = self.resources.tiles.get(self._name(number, key))
                    if tile is None:
                        missing[key] = which, index
                    else:
                        held[key] = tile
                if len(missing) in (0, size):
                    yield places, missing
                    places, missing = [], {}
        if places:
            yield places, missing

    def _name(self, number: int, key: TileIndex) -> Hashable:
        """Return the name of a tile among all tiles of all worlds."""
        return self.level.token, self.level.number, number, key

    def _obtain(
        self,
        number: int,
        needs: Sequence[Need],
        missing: dict[TileIndex, Placed],
        footings: Sequence[Footing],
    ) -> dict[TileIndex, Array]:
        """Return at most a batch of tiles by canonical index, drawing what no other thread is drawing."""
        if not missing:
            return {}
        names = {self._name(number, key): key for key in missing}

        def draw(wanted: list[Hashable]) -> dict[Hashable, Array]:
            places = [missing[names[name]] for name in wanted]
            windows = [needs[which].layer.lattice.window(index) for which, index in places]
            drawn = self._draw(needs[0].layer, windows, [footings[which] for which, _ in places])
            return dict(zip(wanted, drawn, strict=True))

        return {names[name]: tile for name, tile in self.resources.tiles.obtain(names, draw).items()}

    def _draw(self, layer: Layer, windows: list[Window], footings: list[Footing]) -> list[Array]:
        """Draw tiles in batches of one fixed size, or charts one by one."""
        self.resources.check_cancelled()
        if isinstance(layer.work, Chart):
            pairs = zip(windows, footings, strict=True)
            return [self._chart(layer.work, window, footing) for window, footing in pairs]
        drawn, numerics, models = self.level.drawn, self.level.recipe.numerics, self.resources.models
        lock = models.device_lock(numerics.device)
        kinds = [self._kind(layer, window) for window in windows]
        told = [self._told(layer, w, kind) for w, kind in zip(windows, kinds, strict=True)]
        alike = [(kind.value, texts(said)) for kind, said in zip(kinds, told, strict=True)]
        tiles: dict[int, Array] = {}
        with models.lend((drawn.digest, numerics.device), lambda: drawn.load(numerics.device)) as model:
            for batch, real in _alike(alike, numerics.micro_batch):
                places, said = [windows[i] for i in batch], [told[i] for i in batch]
                on = [footings[i] for i in batch]
                drawing = TileBatch(self.level, layer, places, on, said, kinds[batch[0]])
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

    def _chart(self, work: Chart, window: Window, footing: Footing) -> Array:
        """Draw a tile that consists of layers of its own; only the whole of it is worth keeping."""
        layers = tuple(layer.shift(window.y0, window.x0) for layer in work.layers)
        alone = replace(self, resources=replace(self.resources, tiles=NoTileCache()))
        return next(alone.fused(layers, [window], [footing.parent]))


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
