"""What a store will hold and cost, known before anything is computed: stages, shards, evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from geoinfinite.engine import Cost, Drawn, Level, cold_cost, resolve
from geoinfinite.errors import StoreError, WindowError
from geoinfinite.html_tables import columns_table, facts_table
from geoinfinite.plane.window import Window
from geoinfinite.progress import bytes_text
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.cuts import parents_group
from geoinfinite.stores.listing import copy_of, describe_listed, in_whole_pixels
from geoinfinite.stores.presets import DEFAULT, StorePreset, preset_named
from geoinfinite.stores.shard_costs import shard_evaluations
from geoinfinite.stores.stages import Stage, cell
from geoinfinite.stores.timing import seconds_per_evaluation

LARGEST_SHARD = 4608
"""No shard is wider than this many pixels: about 5 % of its tiles are shared with neighbours."""
TASK_BYTES = 2**30
"""Bytes: no shard is so wide that drawing it needs more memory than this."""
BYTES_PER_VALUE = 12
"""Memory at the peak of drawing, per value drawn: measured 7 to 10.5, rounded up."""
FEWEST_TILES = 4
"""Shards are not split below this many strides: their border tiles would be drawn too often."""
SHEET_SIDE = 1024
"""Where tiles are fused layer by layer, about this many pixels a side are drawn at once."""
INNER_CHUNK = 512
"""Readers fetch about this many pixels a side at a time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A window of a world as a job: every level it needs, coarse to fine; prints as a table.

    The levels between the root and ``level`` are stages too: each is drawn once and kept, because
    the next one is drawn on it. It is kept with the margin that this takes. Where the window consists of
    whole pixels of it, the store lists it too, as the same window: a copy without the margin.
    """

    target: Level
    """The finest level, resolved."""
    window: Window
    stages: tuple[Stage, ...]
    """What is drawn, coarse to fine."""
    copies: tuple[Stage, ...] = ()
    """What is copied from the stages, coarse to fine."""
    preset: StorePreset = DEFAULT
    """How a store keeps it."""

    @property
    def stored(self) -> tuple[Stage, ...]:
        """Every group of pixels of the store: what is drawn, then what is copied."""
        return (*self.stages, *self.copies)

    @property
    def listed(self) -> tuple[Stage, ...]:
        """The levels that the store lists, finest first: all of them cover the window, and no more."""
        groups = (s for s in self.stored if s.group == str(s.level))
        return tuple(sorted(groups, key=lambda s: -s.level))

    @property
    def unlisted(self) -> tuple[int, ...]:
        """The levels that are drawn and not listed, finest first: the window is not of their whole pixels."""
        listed = {s.level for s in self.listed}
        return tuple(s.level for s in reversed(self.stages) if s.level not in listed)

    def read_by(self, stage: int) -> int | None:
        """Return the index in ``stored`` of what a group is drawn on or copied from, if that is stored."""
        if stage >= len(self.stages):
            level = self.stored[stage].level
            return next(i for i, drawn in enumerate(self.stages) if drawn.level == level)
        return stage - 1 if stage > 0 else None

    @property
    def recipe(self) -> Recipe:
        """What decides the pixels."""
        return self.target.recipe

    @property
    def level(self) -> int:
        """Number of the finest level."""
        return self.target.number

    @property
    def tiles(self) -> int:
        """Tiles drawn, over all stages."""
        return sum(s.tiles for s in self.stages)

    @property
    def evaluations(self) -> int:
        """Network evaluations of one tile, over all stages."""
        return sum(s.evaluations for s in self.stages)

    @property
    def cold_evaluations(self) -> int:
        """Network evaluations of reading the window on its own, with nothing stored."""
        return cold_cost(self.target, self.window).evaluations

    @property
    def shards(self) -> int:
        """Shards written, copies included."""
        return sum(s.shards for s in self.stored)

    @property
    def pixels(self) -> int:
        """Pixels written, copies included."""
        return sum(s.pixels for s in self.stored)

    @property
    def bytes(self) -> int:
        """Bytes of the pixels before compression, copies included."""
        return self.pixels * self.target.bands * self.target.dtype.itemsize

    @property
    def redundancy(self) -> float:
        """Tiles drawn per tile needed: neighbouring shards both draw the tiles on their border."""
        alone = sum(s.tiles_alone for s in self.stages)
        return self.tiles / alone if alone else 1.0

    @property
    def peak_memory_bytes(self) -> int:
        """Memory that drawing one shard takes at most, besides the network; times the shards at once."""
        micro_batch, bands, itemsize = (
            self.recipe.numerics.micro_batch,
            self.target.bands,
            self.target.dtype.itemsize,
        )
        peak = 0
        for stage in self.stages:
            sampler = stage.source.sampler
            height, width = min(stage.shard, stage.window.height), min(stage.shard, stage.window.width)
            strip = (width // sampler.stride + 3 + 4 * micro_batch) * sampler.tile**2 * 8
            per_band = height * width * BYTES_PER_VALUE + strip + 2 * stage.shard**2 * itemsize
            peak = max(peak, per_band * bands, _sheet_bytes(stage) if stage.layered else 0)
        return peak

    def estimate(self, seconds_per_evaluation: float, *, devices: int = 1) -> float:
        """Return the seconds that the network needs, given what one evaluation takes; see `measure`."""
        return self.evaluations * seconds_per_evaluation / devices

    def measure(self) -> float:
        """Return the seconds of one evaluation here and now: draws two batches, times the second."""
        return seconds_per_evaluation(self.target)

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the stages as a table with a header and a total."""
        rows = [("level", "pixels (y x)", "shards", "shard px", "tiles", "evaluations")]
        for s in self.stored:
            size = f"{s.window.height:,} x {s.window.width:,}"
            rows.append(
                (
                    str(s.level) + " copied" * s.copied,
                    size,
                    f"{s.shards:,}",
                    f"{s.shard:,}",
                    f"{s.tiles:,}",
                    f"{s.evaluations:,}",
                )
            )
        total = f"{self.pixels / 1e6:,.1f} Mpx"
        return [*rows, ("total", total, f"{self.shards:,}", "", f"{self.tiles:,}", f"{self.evaluations:,}")]

    def __str__(self) -> str:
        rows, w = self._rows(), self.window
        widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
        return "\n".join(
            [
                f"world {self.recipe.name!r} {self.target.token[:12]}, level {self.level}, "
                f"rows {w.y0}..{w.y1}, columns {w.x0}..{w.x1}",
                *("  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in rows),
                describe_listed([s.level for s in self.listed], self.unlisted),
                f"{self.cold_evaluations:,} evaluations if read at once without a store",
                f"{bytes_text(self.bytes)} before compression, redundancy {self.redundancy:.2f}, "
                f"{bytes_text(self.peak_memory_bytes)} of memory per shard being drawn",
            ]
        )

    def _repr_html_(self) -> str:
        (title, *_, cold, size), (header, *rows) = str(self).splitlines(), self._rows()
        return facts_table(title, {"cost": cold, "size": size}) + columns_table(header, rows)


def plan_window(
    recipe: Recipe,
    level: int,
    window: Window,
    *,
    shard: int | None = None,
    preset: str | StorePreset = DEFAULT,
) -> Plan:
    """Return the plan of a window of a level; takes as long for the whole Earth as for one tile.

    ``shard`` is the side of the shards in pixels, a multiple of the world's stride; by default it
    follows from the window: small enough for two workers, a progress bar and ``TASK_BYTES``, large
    enough that few tiles are drawn twice. ``preset`` names a `StorePreset`. Raises `WindowError` for
    pixels that the grid does not have, `StoreError` for a shard side that is not a multiple of the
    stride and for a preset that is not known.
    """
    target = resolve(recipe, level)
    stride = target.sampler.stride
    if shard is not None and (shard < stride or shard % stride) and not is_layered(target):
        near = max(1, round(shard / stride)) * stride
        raise StoreError(f"shard={shard} must be a multiple of sampler.stride={stride}; take {near}")

    def side(stage: Level, needed: Window) -> int:
        if shard is None or (shard % stage.sampler.stride and not is_layered(stage)):
            return _shard_side(stage, needed)
        return shard

    return plan_stages(target, window, side, preset_named(preset))


def plan_stages(
    target: Level, window: Window, side: Callable[[Level, Window], int], preset: StorePreset = DEFAULT
) -> Plan:
    """Return the plan whose shards have the side that ``side(level, window)`` says of every stage."""
    target.recipe.grid.check_window(target.number, window)
    if window.size == 0:
        raise WindowError(f"{window} has no pixels; ask for at least one")
    stages, copies = list[Stage](), list[Stage]()
    level, needed, pixel = target, window, 1
    while True:
        extent = in_whole_pixels(window, pixel)
        own = extent == needed
        group = str(level.number) if own else parents_group(level.number)
        stages.append(_stage(level, needed, group, side(level, needed)))
        if extent is not None and not own:
            copies.append(copy_of(stages[-1], extent))
        # A raster needs no copy in the store, unless it is what was asked for.
        parent = level.parent
        if parent is None or not isinstance(parent.source, Drawn):
            return Plan(target, window, tuple(stages[::-1]), tuple(copies[::-1]), preset)
        level, needed = parent, _whole_turn(parent, level.parent_window(needed))
        pixel *= target.recipe.grid.factor


def _whole_turn(level: Level, window: Window) -> Window:
    """Return the window, from column 0 where it goes once round: it has no other beginning."""
    if window.width != level.period:
        return window
    return window.shift(0, -window.x0)


def _stage(level: Level, window: Window, group: str, side: int) -> Stage:
    alone = level.cost(window)
    if is_layered(level):
        drawn_once = alone.tiles, alone.tiles, alone.evaluations
        return Stage(level, window, group, side, _inner_chunk(side), *drawn_once, layered=True)
    rows, columns = -(-window.height // side), -(-window.width // side)
    cost = _shards_alike(level, window, side, (rows, columns))
    evaluations = cost.evaluations
    if isinstance(level.source, Drawn) and not level.source.pricing.is_uniform:
        evaluations = shard_evaluations(level, partial(cell, window, side), (rows, columns))
    return Stage(level, window, group, side, _inner_chunk(side), cost.tiles, alone.tiles, evaluations)


def _shards_alike(level: Level, window: Window, side: int, shards: tuple[int, int]) -> Cost:
    """Return the cost of all shards where that of a tile is the same everywhere.

    The side is a multiple of the stride: all shards but the last of each axis cost the same.
    """
    total = Cost()
    for row, times_y in _runs(shards[0]):
        for column, times_x in _runs(shards[1]):
            cost, times = level.cost(cell(window, side, row, column)), times_y * times_x
            total += Cost(times * cost.tiles, times * cost.evaluations)
    return total


def _sheet_bytes(stage: Stage) -> int:
    """Return the memory of drawing a sheet: the tiles, twice over when written, and what they read."""
    drawn = stage.source.drawn
    side, values, layers = min(stage.shard, SHEET_SIDE), 0, drawn.layers
    for layer in layers:
        stride, tile = layer.lattice.stride, layer.lattice.size
        tiles = max(1, side // (stride * (1 if layer is layers[-1] else layers[-1].zoom)))
        values = max(values, (tiles * tile) ** 2 * 2 + (tiles * stride + tile) ** 2)
    return 4 * drawn.channels * (1 + drawn.solving.solver.history) * values


def _runs(count: int) -> list[tuple[int, int]]:
    """Return ``(first index, how many)`` of the shards along an axis that cost the same."""
    return [(0, count - 1), (count - 1, 1)] if count > 1 else [(0, 1)]


def is_layered(level: Level) -> bool:
    """Say whether a level's tiles are fused between layers, or are more than one call of a network."""
    return isinstance(level.source, Drawn) and level.source.is_layered


def _shard_side(level: Level, window: Window) -> int:
    stride, longest = level.sampler.stride, max(window.shape)
    widest = min(LARGEST_SHARD, math.isqrt(TASK_BYTES // (BYTES_PER_VALUE * level.bands)))
    whole = -(-longest // stride)
    strides = max(min(FEWEST_TILES, whole), min(-(-whole // 2), widest // stride))
    return strides * stride


@lru_cache(maxsize=256)
def _inner_chunk(side: int) -> int:
    """Return the divisor of a shard's side that is nearest to `INNER_CHUNK`, by ratio."""
    divisors = (d for d in range(1, side + 1) if side % d == 0)
    return min(divisors, key=lambda d: abs(math.log(d / INNER_CHUNK)))
