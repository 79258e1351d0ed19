"""Default samplers of levels, and how settings are completed of which only some are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from math import lcm
from typing import Any

from geoinfinite.models.reference import ModelReference
from geoinfinite.samplers.presets import EarlySync, IndependentTiles
from geoinfinite.samplers.tiled import TiledSampler

GENERATED_ROOT_SAMPLER = EarlySync(
    solver="dpmpp_2m", schedule="karras", shift=1.0, steps=24, consistency="none"
)
"""Default sampler of level 0 of a generated world; it suits any denoiser."""

_OF_THE_SOLVE = "solver", "schedule", "shift", "eta", "steps", "tile"
"""Settings that follow from a network and not from how its tiles are fused."""
_OF_THE_TILES = "stride", "chart", "halo"
"""Lengths of a preset that go with the length of its tiles."""
_UNIT = 8
"""Lengths that follow from others are multiples of it: of every usual latent pixel and factor."""


def default_sampler(model: ModelReference, level: int) -> TiledSampler:
    """Return the default sampler of a level that a model draws; level 0 is that of a generated world."""
    own = model.default_sampler()
    if own is not None:
        return own
    return IndependentTiles() if level else GENERATED_ROOT_SAMPLER


def completed(said: Mapping[str, Any], base: TiledSampler, kind: type[TiledSampler]) -> dict[str, Any]:
    """Return all settings of a kind of sampler by name, given some of them.

    With the kind of ``base`` the rest is the base's. Of another kind only what belongs to the network is;
    the kind's own settings are kept, its lengths in proportion to the base's tile.

    >>> base = IndependentTiles(solver="ddim", steps=50, tile=64, stride=32)
    >>> completed({"steps": 20}, base, IndependentTiles)["stride"]
    32
    >>> settings = completed({"weights": "linear"}, base, EarlySync)
    >>> settings["solver"], settings["tile"], settings["stride"], settings["weights"]
    ('ddim', 64, 48, 'linear')
    """
    inherited = dataclasses.asdict(base)
    if "solver" in said:
        # A share of fresh noise belongs to the choice of a solver: another one may have no use for it.
        del inherited["eta"]
    own: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(kind)}
    if kind is not type(base):
        # A preset that names another solver than all presets do (MetaEarth's) means it.
        common = {f.name: f.default for f in dataclasses.fields(TiledSampler)}
        inherited = {n: inherited[n] for n in _OF_THE_SOLVE if n in inherited and own[n] == common[n]}
        if "tile" not in said and inherited.get("tile", own["tile"]) != own["tile"]:
            inherited |= _lengths(own, inherited["tile"])
    merged = {**own, **inherited, **said}
    if "stride" not in said and merged["stride"] > merged["tile"]:
        merged |= _lengths({**own, **inherited} if "stride" in inherited else own, merged["tile"])
    return {**merged, **said}


def fit_turn(
    settings: Mapping[str, Any], said: Mapping[str, Any], base: TiledSampler, columns: int, factor: int
) -> dict[str, Any]:
    """Return settings whose stride, if it was derived from a tile, divides the columns once round the Earth.

    A stride that was said, or that is the base's, stays; so does one that nothing near divides.

    >>> base = IndependentTiles(tile=128, stride=120)
    >>> settings = completed({"tile": 64}, base, IndependentTiles)
    >>> settings["stride"], fit_turn(settings, {"tile": 64}, base, 21_600, 4)["stride"]
    (56, 48)
    """
    stride = settings["stride"]
    derived = "stride" not in said and stride not in (base.stride, settings["tile"])
    # Where there are charts, these go round the Earth and not their tiles.
    if not derived or "chart" in settings or columns % stride == 0:
        return dict(settings)
    for unit in (lcm(_UNIT, factor), factor):
        fits = max((s for s in range(unit, stride, unit) if columns % s == 0), default=0)
        if 2 * fits >= stride:
            return {**settings, "stride": fits}
    return dict(settings)


def _lengths(settings: Mapping[str, Any], tile: int) -> dict[str, int]:
    """Return the lengths that scale with the tile, in the proportion that they have in some settings."""
    of = settings["tile"]
    return {n: _in_proportion(settings[n], tile, of) for n in _OF_THE_TILES if n in settings}


def _in_proportion(length: int, tile: int, of: int) -> int:
    """Return a length for another tile, exactly or the next multiple of 8 below."""
    scaled = length * tile
    if scaled % of == 0 and (scaled // of % _UNIT == 0 or length in (0, of)):
        return scaled // of
    return max(_UNIT, scaled // of // _UNIT * _UNIT) if tile >= _UNIT else max(1, scaled // of)
