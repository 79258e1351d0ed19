"""Bounded law, for windows: evaluations equal the predicted number, exactly, wherever the window is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import small_worlds
from counting import count_calls
from drawings import UNCACHED, caching, cold, cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import MemoryTileCache


def evaluations(world: Recipe, level: int, window: Window) -> int:
    return cold(world, level, window).evaluations


@st.composite
def windows(draw: st.DrawFn, rows: int, columns: int, wraps: bool) -> Window:
    y0, x0 = draw(st.integers(0, rows - 1)), draw(st.integers(-columns if wraps else 0, columns - 1))
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return Window(y0, min(y0 + height, rows), x0, x0 + width if wraps else min(x0 + width, columns))


@pytest.mark.parametrize("make", [small_worlds.patch_world, small_worlds.ring_world])
@pytest.mark.parametrize("solver", ["euler", "heun", "plms"])
def test_evaluations_equal_the_prediction(tmp_path: Path, monkeypatch, make, solver: str) -> None:
    plain = make(tmp_path, numerics=Numerics(micro_batch=1))
    world = plain.replace(sampler=replace(plain.sampler, solver=solver))
    calls = count_calls(monkeypatch)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(windows(*world.grid.shape_at(2), wraps=world.grid.periodic))
    def check(window: Window) -> None:
        calls.batches.clear()
        generate(world, 2, window, resources=UNCACHED)
        assert calls.calls == evaluations(world, 2, window)

    check()


def test_once_round_the_earth_no_tile_is_drawn_twice(ring: Recipe, monkeypatch) -> None:
    world = ring.replace(numerics=Numerics(micro_batch=1))
    calls = count_calls(monkeypatch)
    whole = world.grid.full(1)
    generate(world, 1, whole.shift(0, -7), resources=UNCACHED)
    assert calls.calls == evaluations(world, 1, whole) == 3 * 4 * world.sampler.steps


def test_batches_have_one_size_and_pad_only_their_tail(patch: Recipe, monkeypatch) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=4))
    calls = count_calls(monkeypatch)
    generate(world, 1, Window(0, 72, 0, 72), resources=UNCACHED)
    tiles = cold(world, 1, Window(0, 72, 0, 72)).tiles
    assert tiles == 16
    assert calls.batches == [4] * (4 * world.sampler.steps)


@pytest.mark.parametrize("far", [0, 32_000, 32_000_000])
def test_the_prediction_does_not_depend_on_the_place(far: int) -> None:
    earth = worldfile.load("analytic", Recipe)
    here, there = Window(96, 96 + 480, 96, 96 + 480), Window(96 + far, 576 + far, 96 + far, 576 + far)
    wanted = cost(earth, 7, here)
    assert cost(earth, 7, there) == wanted
    assert wanted.tiles == (480 // 48 + 1) ** 2


def test_a_window_read_again_costs_nothing(patch: Recipe, monkeypatch) -> None:
    calls = count_calls(monkeypatch)
    cache = MemoryTileCache(2**24)
    first = generate(patch, 2, Window(40, 90, 30, 99), resources=caching(cache))
    spent = calls.calls
    again = generate(patch, 2, Window(45, 80, 40, 99), resources=caching(cache))
    assert calls.calls == spent > 0
    assert (again == first[:, 5:40, 10:]).all()


def test_neighbours_share_their_tiles_and_parents(patch: Recipe, monkeypatch) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=1))
    calls = count_calls(monkeypatch)
    cache = MemoryTileCache(2**26)
    for part in Window(0, 192, 0, 240).split(48):
        generate(world, 2, part, resources=caching(cache))
    assert calls.calls == evaluations(world, 2, Window(0, 192, 0, 240))
