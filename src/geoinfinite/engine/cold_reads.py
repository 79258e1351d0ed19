"""The cost of a read with nothing at hand: no stored parent, no tile in the cache."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from geoinfinite.engine.cost import Cost
from geoinfinite.engine.level import Drawn, Level
from geoinfinite.errors import CostWarning
from geoinfinite.plane.window import Window
from geoinfinite.samplers import IndependentTiles

WORTH_A_WARNING = 4.0
"""A window warns if it costs more than this many times what independent tiles would."""


@dataclass(frozen=True, slots=True)
class LevelShare:
    """The contribution of one level to a cold read."""

    level: Level
    window: Window
    """The pixels of the level that are needed."""
    cost: Cost


def cold_shares(level: Level, window: Window) -> list[LevelShare]:
    """Return what every level contributes to a cold read of a window, from level 0 to the level itself."""
    shares = [LevelShare(level, window, level.cost(window))]
    while level.parent is not None and window.size:
        level, window = level.parent, level.parent_window(window)
        shares.append(LevelShare(level, window, level.cost(window)))
    return shares[::-1]


def cold_cost(level: Level, window: Window) -> Cost:
    """Return what a cold read of a window takes, over all levels."""
    return sum((share.cost for share in cold_shares(level, window)), Cost())


def cold_ratio(level: Level, window: Window) -> float:
    """Return how many times more evaluations a cold read takes than one with independent tiles.

    It is about 1 for independent tiles. The cone of fused layers makes it larger, the more so the smaller the
    window. What single tiles cost more or less, for what is known or told there, has no part in it.
    """
    shares = cold_shares(level, window)
    alone = sum(_evaluations_of_independent_tiles(share) for share in shares)
    return sum(map(_evaluations_of_tiles_alike, shares)) / alone if alone else 1.0


def _evaluations_of_tiles_alike(share: LevelShare) -> int:
    source = share.level.source
    if share.window.size == 0 or not isinstance(source, Drawn):
        return 0
    return source.pricing.uniform.of_layers(source.layers, share.level.blocks(share.window)).evaluations


def _evaluations_of_independent_tiles(share: LevelShare) -> int:
    source = share.level.source
    if share.window.size == 0 or not isinstance(source, Drawn):
        return 0
    tile, stride = source.sampler.tile, source.sampler.stride
    rows, columns = (-(-(side + tile - stride) // stride) for side in share.window.shape)
    estimates = source.pricing.estimates(range(len(source.solving.sigmas) - 1))
    return rows * columns * estimates * len(source.steering.terms)


def warn_if_cold(level: Level, window: Window) -> None:
    """Warn of a window that costs more than `WORTH_A_WARNING` times what independent tiles would."""
    ratio = cold_ratio(level, window)
    if ratio <= WORTH_A_WARNING:
        return
    warnings.warn(
        f"{window.height:,} x {window.width:,} pixels of level {level.number} read on their own take "
        f"{ratio:.1f} times the evaluations of independent tiles, because {_reason(level.sampler.preset)}",
        CostWarning,
        stacklevel=3,
    )


def _reason(preset: str) -> str:
    """Return why a window costs more than its own tiles, and what to do."""
    store = "write a store, where every tile is drawn once: da.geoinfinite.to_zarr(PATH), or"
    if preset == IndependentTiles.preset:
        return f"the model's decoder looks far around; {store} read larger windows"
    others = " or ".join(repr(name) for name in ("charted", "earlysync") if name != preset)
    return f"sampler.preset={preset!r} fuses far around; {store} take preset = {others}"
