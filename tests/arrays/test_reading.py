"""Reads of selections equal the same pixels of the whole level, at the cost of the tiles touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from counting import count_calls
from drawings import cold

from geoinfinite.arrays import ReadBudget
from geoinfinite.arrays.reading import DrawMany, read_box, read_points
from geoinfinite.engine import Level, cold_cost_of_many, generate, process_resources, read, resolve
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe

SELECTIONS = [
    (range(3), range(40, 90), range(33, 71)),
    (range(2, -1, -2), range(90, 40, -7), range(33, 380, 45)),
    (1, np.array([300, 4, 4, 81]), range(5, 9)),
    (np.array([2, 2, 0]), 17, np.array([440, 0, 439])),
    (range(3), np.array([5, 300]), np.array([440, 12, 13])),
]


def recording(level: Level, seen: list[Window]) -> DrawMany:
    """Draw as usual, and write down what was asked for."""

    def draw(windows: Sequence[Window]) -> Iterator[tuple[int, np.ndarray]]:
        for number, window in enumerate(windows):
            seen.append(window)
            yield number, read(level, window, process_resources())

    return draw


@pytest.mark.parametrize("axes", SELECTIONS)
def test_any_selection_is_that_of_the_whole_level(patch: Recipe, axes) -> None:
    whole = generate(patch, 2, patch.grid.full(2))
    wanted = whole[np.ix_(*(np.atleast_1d(a) for a in axes))]
    assert (read_box(resolve(patch, 2), axes) == wanted).all()


def test_columns_run_round_the_earth(ring: Recipe) -> None:
    whole = generate(ring, 2, ring.grid.full(2))
    turn = np.concatenate([whole, whole], axis=2)
    got = read_box(resolve(ring, 2), (range(3), range(10, 40), range(370, 400)))
    assert (got == turn[:, 10:40, 370:400]).all()


def test_points_are_those_of_the_whole_level(ring: Recipe) -> None:
    whole, level = generate(ring, 2, ring.grid.full(2)), resolve(ring, 2)
    rng = np.random.default_rng(3)
    b, y, x = (rng.integers(0, n, (7, 5)) for n in whole.shape)
    assert (read_points(level, (b, y, x)) == whole[b, y, x]).all()
    assert (read_points(level, (b, y, x + 384)) == whole[b, y, x]).all()
    few = ReadBudget(values_at_once=20_000)
    assert (read_points(level, (b, y, x), few) == whole[b, y, x]).all()
    empty = np.zeros((0, 4), int)
    assert read_points(level, (empty, empty, empty)).shape == (0, 4)


@pytest.mark.parametrize("number", [0, 2])
def test_strips_change_neither_pixels_nor_evaluations(patch: Recipe, monkeypatch, number: int) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=1))
    level, axes = resolve(world, number), (range(3), range(3, 17 * 4**number), range(2, 25 * 4**number))
    wanted = read_box(level, axes)
    process_resources().tiles.clear()
    seen: list[Window] = []
    calls = count_calls(monkeypatch)
    strips = ReadBudget(values_at_once=1)
    assert (read_box(level, axes, strips, recording(level, seen)) == wanted).all()
    window = Window(3, 17 * 4**number, 2, 25 * 4**number)
    assert calls.calls == cold(world, number, window).evaluations
    assert {w.y0 % 24 for w in seen[1:]} <= {0}
    assert len(seen) == -(-(17 * 4**number) // 24)


def test_distant_rows_and_columns_are_read_apart(patch: Recipe) -> None:
    seen: list[Window] = []
    level = resolve(patch, 2)
    axes = range(3), np.array([300, 5, 300]), np.array([0, 440])
    read_box(level, axes, draw=recording(level, seen))
    assert [w.shape for w in seen] == [(1, 1)] * 4


def test_points_draw_the_tiles_that_they_touch_once_in_full_batches(ring: Recipe, monkeypatch) -> None:
    level, rng = resolve(ring, 2), np.random.default_rng(5)
    y, x = (rng.integers(0, n, 60) for n in level.shape[1:])
    calls = count_calls(monkeypatch)
    values = read_points(level, (0 * y, y, x))
    tiles = cold_cost_of_many(level, [Window(r, r + 1, c, c + 1) for r, c in zip(y, x, strict=True)])
    assert tiles.tiles <= sum(calls.batches) // ring.sampler.steps <= tiles.tiles + 2
    assert (values == generate(ring, 2, ring.grid.full(2))[0, y, x]).all()
