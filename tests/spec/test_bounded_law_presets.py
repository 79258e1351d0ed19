"""Bounded law for every preset: evaluations are the closed formulas' number, wherever the window is.

The formulas are those of the design reference's table of exact tile counts; where it has none, tiles are
counted one by one. Networks are counted as they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import preset_cases
import pytest
import small_worlds
from counting import Calls, count_calls
from drawings import UNCACHED, caching, cost, exchanged, on_parent

from geoinfinite.engine import generate, read, resolve
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
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
from geoinfinite.tiling import MemoryTileCache

DEEP = 11
"""Level of the ring world that is 1e8 columns wide and 5e7 rows high."""
PLACES = 0, 32_000, 32_000_000
T, S, R, K = 32, 16, 1, 4
HALF = {"steps": K, "tile": T, "stride": S}


def ground(window: Window) -> np.ndarray:
    """Stand for level ``DEEP - 1``, of which nobody could draw the whole."""
    y, x = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
    return np.stack([(y * 7 + x * 3 + band) % 256 for band in range(3)]).astype(np.uint8)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Draw a window of the deep level, and return how many evaluations that took."""
    calls = count_calls(monkeypatch)

    def run(sampler: TiledSampler, window: Window, model: str = "analytic:gaussian") -> int:
        world = deep(tmp_path, sampler, model)
        calls.batches.clear()
        on_parent(world, DEEP, window, ground)
        assert cost(world, DEEP, window).evaluations == calls.calls
        return calls.calls

    return run


def deep(folder: Path, sampler: TiledSampler, model: str) -> Recipe:
    ring = small_worlds.ring_world(folder, model=ModelReference(model), numerics=Numerics(micro_batch=1))
    return ring.replace(grid=replace(ring.grid, levels=DEEP + 1), sampler=sampler)


def square(side: int, x: int) -> Window:
    return Window(S * 2_000_000, S * 2_000_000 + side, x, x + side)


def sync_all(n: int) -> int:
    return K * n**2 + 2 * R * n * K * (K - 1) + 4 * R**2 * (K - 1) * K * (2 * K - 1) // 6


FORMULAS: dict[str, tuple[TiledSampler, Callable[[int], int]]] = {
    "a": (IndependentTiles(**HALF), lambda n: K * n**2),
    "a, heun": (IndependentTiles(**HALF, solver="heun"), lambda n: (2 * K - 1) * n**2),
    "a, plms": (IndependentTiles(**HALF, solver="plms"), lambda n: (K + 1) * n**2),
    "b": (MultiDiffusion(**HALF), sync_all),
    "c, 1": (InfiniteDiffusion(**HALF, phases=1), lambda n: K * n**2),
    "c, 2": (InfiniteDiffusion(**HALF), lambda n: 2 * (n + 2 * R) ** 2 + 2 * n**2),
    "c, 2, plms": (InfiniteDiffusion(**HALF, solver="plms"), lambda n: 3 * (n + 2 * R) ** 2 + 2 * n**2),
    "c, 3": (
        InfiniteDiffusion(**HALF, cuts=(1, 2, 1)),
        lambda n: (n + 4 * R) ** 2 + 2 * (n + 2 * R) ** 2 + n**2,
    ),
    "c, all": (InfiniteDiffusion(**HALF, phases=K), sync_all),
    "d": (
        EarlySync(**HALF, synced=2),
        lambda n: (K - 2) * n**2 + sum((n + 2 * R * j) ** 2 for j in (1, 2)),
    ),
}


@pytest.mark.parametrize("x", PLACES)
@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("side", [S, 3 * S])
def test_evaluations_of_an_aligned_window(
    counted: Callable[..., int], formula: str, side: int, x: int
) -> None:
    sampler, evaluations = FORMULAS[formula]
    assert counted(sampler, square(side, x)) == evaluations(side // S + R)


@pytest.mark.parametrize("x", PLACES)
def test_evaluations_of_a_window_aligned_with_what_tiles_keep(counted: Callable[..., int], x: int) -> None:
    kept = (T - S) // 2
    assert counted(MetaEarthTiles(**HALF), square(3 * S, x).shift(kept, kept)) == K * 3**2


@pytest.mark.parametrize("x", PLACES)
def test_evaluations_of_charts(counted: Callable[..., int], x: int) -> None:
    core, halo = 48, 8
    sampler = ChartedMultiDiffusion(**HALF, chart=core, halo=halo)
    per_chart = K * ((core + 2 * halo - T) // S + 1) ** 2
    y0, x0 = 600_000 * core, x // core * core
    assert counted(sampler, Window(y0, y0 + core, x0, x0 + core)) == 9 * per_chart
    assert counted(sampler, Window(y0 + halo, y0 + core - halo, x0 + halo, x0 + 2 * halo)) == per_chart


def starts(low: int, high: int, at: int, size: int, stride: int) -> list[int]:
    """The tiles of an axis that hold a pixel of ``low`` to ``high``, found one by one."""
    near = range((low - at) // stride - 9, (high - at) // stride + 9)
    return [at + k * stride for k in near if at + k * stride < high and at + k * stride + size > low]


def one_by_one(world: Recipe, window: Window) -> int:
    """Evaluations of a window of the deep level on an endless plane."""
    sampler, latent = world.sampler, world.model.facts().latent
    spans = [(window.y0, window.y1), (window.x0, window.x1)]
    if latent > 1:
        halo = world.model.facts().halo
        decoded = [starts(*span, 0, sampler.tile, sampler.stride) for span in spans]
        spans = [((at[0] - halo) // latent, -(-(at[-1] + sampler.tile + halo) // latent)) for at in decoded]
    side, stride, total = sampler.tile // latent, sampler.stride // latent, 0
    for part, steps in reversed([*enumerate(sampler.parts)]):
        origin = sampler.origin(world.noise_key, DEEP, part, 4)
        found = [starts(*span, at // latent, side, stride) for span, at in zip(spans, origin, strict=True)]
        total += len(steps) * len(found[0]) * len(found[1])
        spans = [(at[0], at[-1] + side) for at in found]
    return total


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("x", PLACES)
@pytest.mark.parametrize("preset", ["independent", "multidiffusion", "earlysync", "spotdiffusion"])
def test_evaluations_of_any_window(
    tmp_path: Path, counted: Callable[..., int], preset: str, x: int, model: str
) -> None:
    sampler = preset_cases.PRESET_CASES[preset]
    world = deep(tmp_path, sampler, model)
    for window in (square(20, x).shift(3, 5), Window(8_000_001, 8_000_002, x - 1, x + 39)):
        blocks = window.coarsen(4).refine(4)
        assert counted(sampler, window, model) == one_by_one(world, blocks)


def test_spots_grow_by_a_tile_a_step(tmp_path: Path) -> None:
    steps, unit, side = 8, 4, 64
    world = deep(tmp_path, SpotDiffusion(steps=steps, tile=T, stride=T), "analytic:gaussian")
    costs = [cost(world.replace(seed=seed), DEEP, square(side, 32_000)).evaluations for seed in range(40)]
    # Lattices lie at whole parent pixels, so a window meets (side + tile - 4) / tile of them on average.
    first, growth = (side + T - unit) / T, (T - unit) / T
    assert np.mean(costs) == pytest.approx(sum((first + growth * j) ** 2 for j in range(steps)), rel=0.05)


def spans(pixels: int, sampler: TiledSampler) -> int:
    return len(starts(0, pixels, 0, sampler.tile, sampler.stride))


@pytest.mark.parametrize("rows", [5, 20, 81])
@pytest.mark.parametrize("preset", ["independent", "multidiffusion", "infinitediffusion", "earlysync"])
def test_a_whole_level_of_a_bounded_world_costs_every_tile_its_steps(
    tmp_path: Path, preset: str, rows: int
) -> None:
    patch = small_worlds.patch_world(tmp_path, sampler=preset_cases.PRESET_CASES[preset])
    folder = tmp_path / "other"
    folder.mkdir()
    root = small_worlds.write_root(
        folder / "patch.tif", small_worlds.revealing(rows, 28), patch.grid.crs, patch.grid.origin, 300.0
    )
    world = patch.replace(
        grid=replace(patch.grid, shape=(rows, 28)), root=replace(patch.root, source=str(root))
    )
    tiles = spans(4 * rows, world.sampler) * spans(112, world.sampler)
    assert cost(world, 1, world.grid.full(1)).evaluations == tiles * world.sampler.steps


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return count_calls(monkeypatch)


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_pieces_that_share_a_cache_draw_no_tile_twice(
    tmp_path: Path, calls: Calls, preset: str, model: str
) -> None:
    patch = small_worlds.patch_world(
        tmp_path,
        sampler=preset_cases.PRESET_CASES[preset],
        model=ModelReference(model),
        numerics=Numerics(micro_batch=1),
    )
    whole, cache = patch.grid.full(1), MemoryTileCache(2**27)
    for piece in whole.split(37):
        generate(patch, 1, piece, resources=caching(cache))
    assert calls.calls == cost(patch, 1, whole).evaluations


@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_the_whole_turn_costs_no_column_twice(tmp_path: Path, calls: Calls, preset: str) -> None:
    sampler = preset_cases.PRESET_CASES[preset]
    ring = small_worlds.ring_world(tmp_path, sampler=sampler, numerics=Numerics(micro_batch=1))
    whole = ring.grid.full(1)
    generate(ring, 1, whole.shift(0, -40), resources=UNCACHED)
    assert calls.calls == cost(ring, 1, whole.shift(0, -40)).evaluations
    if preset.startswith("multidiffusion"):
        tiles = spans(48, sampler) * (96 // sampler.stride)
        assert calls.calls == tiles * sampler.steps


def test_a_tile_that_is_drawn_again_after_a_turn_is_caught(tmp_path: Path, calls: Calls) -> None:
    ring = small_worlds.ring_world(
        tmp_path, sampler=MultiDiffusion(**preset_cases.SMALL), numerics=Numerics(micro_batch=1)
    )
    level = resolve(ring, 1)
    endless = tuple(replace(layer, turn=None) for layer in level.drawn.layers)
    read(exchanged(level, layers=endless), ring.grid.full(1), UNCACHED)
    assert calls.calls > cost(ring, 1, ring.grid.full(1)).evaluations
