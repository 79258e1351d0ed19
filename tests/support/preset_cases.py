"""Every preset of sampler at a size that tests can afford, for models of pixels and of latents."""

from __future__ import annotations

from geoinfinite.samplers.presets import (
    ChartedMultiDiffusion,
    EarlySync,
    IndependentTiles,
    InfiniteDiffusion,
    MetaEarthTiles,
    MultiDiffusion,
    SpotDiffusion,
    TiledSampler,
)

SMALL = {"steps": 4, "tile": 32, "stride": 24}
"""Divides the turn of `small_worlds.ring_world` at every level but 0, and is whole latents."""

PRESET_CASES: dict[str, TiledSampler] = {
    "independent": IndependentTiles(**SMALL),
    "metaearth": MetaEarthTiles(steps=3, tile=32, stride=16),
    "multidiffusion": MultiDiffusion(**SMALL),
    "multidiffusion dpmpp_3m gaussian": MultiDiffusion(**SMALL, solver="dpmpp_3m", weights="gaussian"),
    "multidiffusion ddim eta": MultiDiffusion(**SMALL, solver="ddim", eta=1.0),
    "infinitediffusion": InfiniteDiffusion(**SMALL),
    "infinitediffusion cuts": InfiniteDiffusion(**SMALL, cuts=(1, 2, 1), solver="dpmpp_2m"),
    "earlysync": EarlySync(**SMALL, synced=2),
    "spotdiffusion": SpotDiffusion(steps=4, tile=32, stride=32),
    "charted": ChartedMultiDiffusion(**SMALL, chart=48, halo=16),
}
"""By a name that begins with the preset's."""

PLAIN_CASES = {name: sampler for name, sampler in PRESET_CASES.items() if name == sampler.preset}
"""One of every preset."""

MODELS = "analytic:gaussian", "analytic:latent"
"""One of pixels, one of latents 4 px wide; both are told a parent and draw three bands."""
