"""What many windows do besides having the right pixels: they stream, end early, and say what is wrong."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from counting import count_calls
from drawings import caching

import geoinfinite as gi
from geoinfinite.engine import Cost, cold_cost_of_many, resolve
from geoinfinite.errors import Cancelled, WindowError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import MemoryTileCache


def test_no_windows_are_no_pixels(patch: Recipe) -> None:
    assert gi.generate_many(patch, 2, []) == []
    assert list(gi.generate_each(patch, 2, iter(()))) == []
    assert cold_cost_of_many(resolve(patch, 2), [Window(3, 3, 0, 9)]) == Cost()


@pytest.mark.parametrize("level", [0, 1])
def test_windows_in_any_form_come_back_in_their_order(patch: Recipe, level: int) -> None:
    forms = [((11, 14), (2, 9)), Window(0, 1, 20, 27), Window(5, 5, 1, 3)]
    drawn = gi.generate_many(patch, level, forms)
    assert [pixels.shape for pixels in drawn] == [(3, 3, 7), (3, 1, 7), (3, 0, 2)]
    for form, pixels in zip(forms, drawn, strict=True):
        np.testing.assert_array_equal(pixels, gi.generate(patch, level, form), strict=True)


def test_a_window_outside_the_grid_is_refused_before_anything_is_drawn(
    patch: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_calls(monkeypatch)
    with pytest.raises(WindowError, match="reaches outside the grid, whose bounds are"):
        gi.generate_many(patch, 1, [Window(0, 9, 0, 9), Window(70, 81, 0, 9)])
    assert calls.calls == 0


def test_windows_without_end_are_taken_as_they_are_needed(patch: Recipe) -> None:
    taken: list[Window] = []

    def for_ever() -> Iterator[Window]:
        for x in itertools.cycle(range(0, 100, 7)):
            taken.append(Window(x // 2, x // 2 + 8, x, x + 8))
            yield taken[-1]

    drawn = gi.generate_each(patch, 2, for_ever(), resources=caching(None), group_bytes=1_000_000)
    first = [*itertools.islice(drawn, 20)]
    assert 20 <= len(taken) < 60
    for window, pixels in zip(taken, first, strict=False):
        np.testing.assert_array_equal(pixels, gi.generate(patch, 2, window))


def test_a_window_is_yielded_before_the_last_one_is_drawn(
    patch: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=2))
    windows = [Window(9, 11, x, x + 2) for x in (9, 35, 60, 90)]
    calls = count_calls(monkeypatch)
    drawn = gi.generate_each(world, 1, windows, resources=caching(None))
    next(drawn)
    assert calls.calls == world.sampler.steps
    assert len(list(drawn)) == 3
    assert calls.calls == 2 * world.sampler.steps


def test_work_that_nobody_wants_any_more_ends(patch: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patch.replace(numerics=Numerics(micro_batch=1))
    calls, asked = count_calls(monkeypatch), iter([False, False, True])
    cancelled = replace(caching(MemoryTileCache(2**24)), is_cancelled=lambda: next(asked))
    windows = [Window(9, 11, x, x + 2) for x in (9, 35, 60, 90)]
    with pytest.raises(Cancelled, match="drawing was cancelled; ask again"):
        gi.generate_many(world, 1, windows, resources=cancelled)
    assert calls.calls == 2 * world.sampler.steps


def test_working_memory_does_not_grow_with_the_number_of_windows(patch: Recipe) -> None:
    windows = [Window(y, y + 40, x, x + 40) for y in (0, 70, 140, 210) for x in range(0, 400, 32)]
    gi.generate_many(patch, 2, windows[:1])
    peaks = {}
    for group_bytes in (600_000, 2**40):
        tracemalloc.start()
        for _ in gi.generate_each(patch, 2, windows, resources=caching(None), group_bytes=group_bytes):
            pass
        peaks[group_bytes] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[600_000] < 600_000 < peaks[2**40]
