"""The library's own time: beside the same number of evaluations of the bare network, and with a free one.

Run ``python -m pytest benchmarks/bench_overhead.py --benchmark-enable`` on an idle machine; every
figure is a ratio or a difference within one run. ``overhead`` is total time over time inside the network.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from drawings import UNCACHED, cost

from geoinfinite.engine import generate
from geoinfinite.models import reference
from geoinfinite.models.earth.detail_tiles import DetailTiles
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

ALPS = Window(2640, 3664, 11_220, 12_244)
"""1024 x 1024 px of level 1 around the Alps."""


@pytest.mark.slow
def test_library_time_over_network_time(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a window of level 1 and, inside it, the calls of the network."""
    earth = worldfile.load("earth", Recipe)
    bare = DetailTiles._velocity
    inside: list[float] = []
    tiles: list[int] = []

    def timed(tiles_of_batch: DetailTiles, z: Any, t: float) -> Any:
        start = time.perf_counter()
        answer = bare(tiles_of_batch, z, t)
        inside.append(time.perf_counter() - start)
        tiles.append(len(z))
        return answer

    monkeypatch.setattr(DetailTiles, "_velocity", timed)
    side = 1024 if benchmark.enabled else 64
    window = Window(ALPS.y0, ALPS.y0 + side, ALPS.x0, ALPS.x0 + side)
    generate(earth, 1, Window(0, 8, 0, 8), resources=UNCACHED)
    inside.clear()
    tiles.clear()

    start = time.perf_counter()
    benchmark.pedantic(lambda: generate(earth, 1, window, resources=UNCACHED), rounds=1)
    total = time.perf_counter() - start

    planned, batch = cost(earth, 1, window), earth.numerics.micro_batch
    assert sum(tiles) == -(-planned.tiles // batch) * batch * earth.sampler.steps
    benchmark.extra_info.update(
        overhead=total / sum(inside),
        evaluations=planned.evaluations,
        evaluations_per_megapixel=planned.evaluations / (window.size / 1e6),
        ms_per_evaluation=1e3 * sum(inside) / sum(tiles),
        megapixels_per_second=window.size / 1e6 / total,
    )


@pytest.mark.parametrize(("tile", "stride"), [(64, 60), (128, 120)])
def test_machinery_with_a_free_network(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, tile: int, stride: int
) -> None:
    """Time a window whose network returns its input, per tile and step."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:zero", "zero_cost:ZeroModel")
    earth = worldfile.load("analytic", Recipe)
    world = earth.replace(
        model=ModelReference("analytic:zero"),
        sampler=replace(earth.sampler, tile=tile, stride=stride, steps=8),
    )
    generate(world, 1, Window(0, 64, 0, 64), resources=UNCACHED)
    benchmark.pedantic(
        lambda: generate(world, 1, ALPS, resources=UNCACHED), rounds=3 if benchmark.enabled else 1
    )
    if benchmark.enabled:
        steps = cost(world, 1, ALPS).evaluations
        benchmark.extra_info["microseconds_per_tile_step"] = benchmark.stats.stats.min / steps * 1e6
