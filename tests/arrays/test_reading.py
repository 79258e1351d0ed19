"""Reads of selections equal the same pixels of the whole level, at the cost of the tiles touched."""

from __future__ import annotations

import numpy as np
import pytest
from counting import count_calls
from drawings import cold

from geoinfinite.arrays import reading
from geoinfinite.arrays.reading import read_box, read_points
from geoinfinite.engine import generate, process_resources, read, resolve
from geoinfinite.errors import BudgetError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe

SELECTIONS = [
    (range(3), range(40, 90), range(33, 71)),
    (range(2, -1, -2), range(90, 40, -7), range(33, 380, 45)),
    (1, np.array([300, 4, 4, 81]), range(5, 9)),
    (np.array([2, 2, 0]), 17, np.array([440, 0, 439])),
    (range(3), np.array([5, 300]), np.array([440, 12, 13])),
]


@pytest.mark.parametrize("axes", SELECTIONS)
def test_any_selection_is_that_of_the_whole_level(patch: Recipe, axes) -> None:
    whole = generate(patch, 2, patch.grid.full(2))
    wanted = whole[np.ix_(*(np.atleast_1d(a) for a in axes))]
    assert (read_box(resolve(patch, 2), axes) == wanted).all()


def test_columns_run_round_the_earth(ring: Recipe) -> None:
    whole = generate(ring, 2, ring.grid.full(2))
    turn = np.concatenate([whole, whole], axis=2)
    read = read_box(resolve(ring, 2), (range(3), range(10, 40), range(370, 400)))
    assert (read == turn[:, 10:40, 370:400]).all()


def test_points_are_those_of_the_whole_level(ring: Recipe) -> None:
    whole = generate(ring, 2, ring.grid.full(2))
    rng = np.random.default_rng(3)
    b, y, x = (rng.integers(0, n, (7, 5)) for n in whole.shape)
    assert (read_points(resolve(ring, 2), b, y, x) == whole[b, y, x]).all()
    assert (read_points(resolve(ring, 2), b, y, x + 384) == whole[b, y, x]).all()
    empty = np.zeros((0, 4), int)
    assert read_points(resolve(ring, 2), empty, empty, empty).shape == (0, 4)


@pytest.mark.parametrize("level", [0, 2])
def test_strips_change_neither_pixels_nor_evaluations(patch: Recipe, monkeypatch, level: int) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=1))
    axes = (range(3), range(3, 17 * 4**level), range(2, 25 * 4**level))
    wanted = read_box(resolve(world, level), axes)
    process_resources().tiles.clear()
    monkeypatch.setattr(reading, "STRIP_VALUES", 1)
    seen = []
    monkeypatch.setattr(reading, "read", lambda *a: seen.append(a[1]) or read(*a))
    calls = count_calls(monkeypatch)
    assert (read_box(resolve(world, level), axes) == wanted).all()
    window = Window(3, 17 * 4**level, 2, 25 * 4**level)
    assert calls.calls == cold(world, level, window).evaluations
    assert {w.y0 % 24 for w in seen[1:]} <= {0}
    assert len(seen) == -(-(17 * 4**level) // 24)


def test_distant_rows_and_columns_are_read_apart(patch: Recipe, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(reading, "read", lambda *a: seen.append(a[1]) or read(*a))
    read_box(resolve(patch, 2), (range(3), np.array([300, 5, 300]), np.array([0, 440])))
    assert [w.shape for w in seen] == [(1, 1)] * 4


def test_a_read_beyond_the_budget_says_what_to_do(patch: Recipe, monkeypatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_READ", 3 * 100 * 100)
    calls = count_calls(monkeypatch)
    evaluations = cold(patch, 2, patch.grid.full(2)).evaluations
    with pytest.raises(
        BudgetError,
        match=rf"320 x 448 pixels of level 2 \(3 bands\) take about {evaluations:,} network evaluations.*"
        r"\(level=1 fits\).*to_zarr",
    ):
        read_box(resolve(patch, 2), (range(3), range(320), range(448)))
    with pytest.raises(BudgetError, match="network evaluations"):
        read_box(resolve(patch, 2), (range(3), range(0, 320, 40), range(0, 448, 40)))
    some = np.arange(0, 320, 30)
    with pytest.raises(BudgetError, match="network evaluations"):
        read_points(resolve(patch, 2), 0 * some, some, some)
    assert calls.calls == 0
    assert read_box(resolve(patch, 2), (range(3), range(100), range(100))).shape == (3, 100, 100)
