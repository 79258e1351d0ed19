"""The presets on the Earth with a network of several steps: what a window costs, and how it looks.

Run ``python -m pytest benchmarks/bench_presets.py --benchmark-enable -s`` for the table, on an idle machine;
``GEOINFINITE_BENCH_SIDE=512`` draws a smaller window. ``GEOINFINITE_BENCH_MODEL`` names the folder of a
network of the kind "earth-residual-flow"; without it, costs are those of a tiny one with random weights.
The first 512 x 512 px are compared with a single tile drawn over them. ``seam`` is the largest over the
median mean step by phase modulo the stride, along the worse axis; a picture without tiles has some too, so
that of the single tile stands beside it. ``2-4``, ``4-8``, ``8-16`` px are power per octave over its power.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from drawings import UNCACHED, cost, in_one_tile
from earth_networks import write_flow_network
from numpy.typing import NDArray

from geoinfinite import evaluation
from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.samplers import SOLVERS
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
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

NORTH, WEST, SIDE = 2640, 11_220, 1024
"""The first pixel of a window of level 1 around the Alps, and its side."""
COMPARED = 512
"""Side of the part that is also drawn as one tile."""
KINDS: dict[str, tuple[type[TiledSampler], dict[str, Any]]] = {
    "independent": (IndependentTiles, {}),
    "metaearth": (MetaEarthTiles, {"stride": 0.5, "weights": "crop"}),
    "earlysync": (EarlySync, {"stride": 0.75}),
    "infinitediffusion": (InfiniteDiffusion, {"stride": 0.75}),
    "multidiffusion": (MultiDiffusion, {"stride": 0.75}),
    "multidiffusion gaussian": (MultiDiffusion, {"stride": 0.75, "weights": "gaussian"}),
    "spotdiffusion": (SpotDiffusion, {"stride": 1.0}),
    "charted": (ChartedMultiDiffusion, {"stride": 0.75, "halo": 64, "chart": 480}),
}
"""Every preset with its strides, as shares of the tile."""
SHARED = "schedule", "shift", "steps", "consistency"


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture shows of its tiles, and how much detail it has."""

    seam: float
    seam_of_one_tile: float
    octaves: tuple[float, ...]
    spread: float
    """Deviation of detail over the single tile's."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Return the Earth with a network that is asked four times, on a processor."""
    folder = os.environ.get("GEOINFINITE_BENCH_MODEL")
    if folder is None:
        folder = str(write_flow_network(tmp_path_factory.mktemp("presets") / "network"))
    return worldfile.load("earth", Recipe).replace(
        model=ModelReference(folder),
        sampler=IndependentTiles(solver="ab2", shift=3.0, steps=4, tile=128, stride=120),
        numerics=Numerics(micro_batch=4),
        conditions=(),
    )


def fitting(base: Recipe, share: float, unit: int) -> int:
    """Return the multiple of a unit nearest to a share of the tile that fits once round the Earth."""
    columns, wanted = base.grid.shape_at(1)[1], share * base.sampler.tile
    return min((n for n in range(unit, 999, unit) if columns % n == 0), key=lambda n: abs(n - wanted))


def with_preset(base: Recipe, name: str, steps: int | None = None) -> Recipe:
    """Return the world with another preset, and a plain solver where its own cannot be fused."""
    kind, own = KINDS[name]
    plain, facts = base.sampler, base.model.facts()
    fusable = not kind.fuses_answers or SOLVERS[plain.solver].evaluations == 1
    settings = {key: getattr(plain, key) for key in SHARED}
    settings |= {
        "solver": plain.solver if fusable else "euler",
        "tile": plain.tile,
        "stride": plain.stride,
    } | own
    if "stride" in own:
        settings["stride"] = fitting(base, own["stride"], facts.multiple if kind is SpotDiffusion else 4)
    if kind is SpotDiffusion:
        settings["tile"] = settings["stride"]
    if kind is ChartedMultiDiffusion:
        # Tiles must fill a chart from edge to edge.
        settings["halo"] += -(own["chart"] + 2 * own["halo"] - plain.tile) % settings["stride"] // 2
    if steps:
        settings["steps"] = steps
    return base.replace(sampler=kind(**settings))


def one_tile(base: Recipe, side: int) -> NDArray[Any]:
    """Return the window as a part of a single tile that lies around it: no edge crosses it."""
    settings = {key: getattr(base.sampler, key) for key in SHARED}
    world = base.replace(sampler=IndependentTiles(**settings, solver=base.sampler.solver))
    part = window_of(side)
    return generate(in_one_tile(world, part), 1, part, resources=UNCACHED)


def window_of(side: int) -> Window:
    """Return a window of level 1 around the Alps."""
    return Window(NORTH, NORTH + side, WEST, WEST + side)


def per_megapixel(world: Recipe, side: int) -> float:
    """Return the evaluations of a window drawn with nothing at hand, per million pixels."""
    return cost(world, 1, window_of(side)).evaluations / (side**2 / 1e6)


def look(world: Recipe, drawn: NDArray[Any], whole: NDArray[Any]) -> Look:
    """Compare a picture with one that has no tiles, parents taken away."""
    factor, stride = world.grid.factor, world.sampler.stride
    window = Window(NORTH, NORTH + drawn.shape[-2], WEST, WEST + drawn.shape[-1])
    parent = world.root.read(window.coarsen(factor)).astype(float).repeat(factor, 1).repeat(factor, 2)
    ours, theirs = drawn - parent, whole - parent
    seams = [evaluation.seam_phase_ratio(x, stride, (NORTH, WEST)) for x in (ours, theirs)]
    spread = evaluation.detail_spread(ours) / evaluation.detail_spread(theirs)
    return Look(max(seams[0]), max(seams[1]), evaluation.octave_ratios(ours, theirs), spread)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_presets(benchmark: Any, tmp_path: Path, base: Recipe, name: str) -> None:
    """Export a window of level 1 with a preset; count, time and look."""
    side = int(os.environ.get("GEOINFINITE_BENCH_SIDE", SIDE)) if benchmark.enabled else 32
    world = with_preset(base, name, None if benchmark.enabled else 2)
    window, path = window_of(side), tmp_path / "a.zarr"
    plan = plan_window(world, 1, window)

    def export() -> None:
        with dask.config.set(scheduler="synchronous"):
            write_zarr(plan, path)

    began = time.perf_counter()
    benchmark.pedantic(export, rounds=1)
    seconds = time.perf_counter() - began
    row: dict[str, float] = {
        "evaluations": plan.evaluations,
        **{f"per Mpx, {wide} px": per_megapixel(world, wide) for wide in (256, 1024, 8192)},
        "seconds": seconds,
        "Mpx/s": window.size / 1e6 / seconds,
    }
    benchmark.extra_info["solver"] = f"{world.sampler.solver} {world.sampler.steps}"
    if benchmark.enabled:
        drawn = np.asarray(layout.open_image(open_objects(path), 1)[:])
        part = min(side, COMPARED)
        seen = look(world, drawn[:, :part, :part], one_tile(base, part))
        row |= {"seam": seen.seam, "of one tile": seen.seam_of_one_tile, "spread": seen.spread}
        row |= dict(zip(("2-4 px", "4-8 px", "8-16 px"), seen.octaves, strict=True))
        print(f"\n{name:24} {benchmark.extra_info['solver']:10}", end="")
        print(*(f"{key} {value:.3f};" if value < 10 else f"{key} {value:.0f};" for key, value in row.items()))
    benchmark.extra_info.update(row)
