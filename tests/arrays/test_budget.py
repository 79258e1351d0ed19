"""What a read costs is known before it begins: said, or refused with ways out that work."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
import steered_worlds
import xarray as xr
from counting import count_calls
from drawings import cold
from preset_cases import PRESET_CASES

from geoinfinite.arrays import ReadBudget, level_array, level_dataset
from geoinfinite.arrays.reading import read_box, read_points
from geoinfinite.engine import resolve
from geoinfinite.errors import BudgetError, CostWarning, WindowError
from geoinfinite.recipe.recipe import Recipe


def test_a_read_beyond_the_budget_says_what_to_do(patch: Recipe, monkeypatch) -> None:
    level, few = resolve(patch, 2), ReadBudget(values=3 * 100 * 100)
    calls = count_calls(monkeypatch)
    evaluations = cold(patch, 2, patch.grid.full(2)).evaluations
    with pytest.raises(
        BudgetError,
        match=rf"320 x 448 pixels of level 2 take about {evaluations:,} network evaluations.*"
        r"draw 30,000 values of 3 bands.*\(level=1 fits\).*to_zarr",
    ):
        read_box(level, (range(3), range(320), range(448)), few)
    with pytest.raises(BudgetError, match="network evaluations"):
        read_box(level, (range(3), range(0, 320, 40), range(0, 448, 40)), few)
    some = np.arange(0, 320, 30)
    with pytest.raises(BudgetError, match="network evaluations"):
        read_points(level, (0 * some, some, some), few)
    assert calls.calls == 0
    assert read_box(level, (range(3), range(100), range(100)), few).shape == (3, 100, 100)


def test_the_remedies_of_a_refusal_work(patch: Recipe, tmp_path) -> None:
    few = ReadBudget(evaluations=200)
    lazy = level_array(patch, 2, budget=few)
    with pytest.raises(BudgetError, match=r"one read may take 200 evaluations") as refused:
        lazy.load()
    fits = int(re.search(r"level=(\d) fits", str(refused.value)).group(1))
    assert level_array(patch, fits, budget=few).values.shape == (3, 80, 112)
    part = lazy.sel(x=slice(413_000, 414_000), y=slice(5_207_000, 5_206_000))
    assert part.values.shape == (3, 54, 54)
    more = level_array(patch, 2, budget=ReadBudget(evaluations=10_000)).values
    assert (more[:, 37:91, 37:91] == part.values).all()


@pytest.mark.parametrize("chunks", [None, {"x": 40}])
def test_long_reads_warn_with_their_cost(patch: Recipe, chunks) -> None:
    lazy = level_array(patch, 2, chunks=chunks, budget=ReadBudget(warn_evaluations=300))
    cost = cold(patch, 2, patch.grid.full(2)).evaluations
    assert cost > 300
    seconds = f"{cost * 0.04:.0f}"
    said = rf"about {cost:,} network evaluations, about {seconds} seconds at 0\.04 s each.*level=1 fits"
    with pytest.warns(CostWarning, match=said):
        lazy.load()


def test_cheap_reads_are_silent(patch: Recipe) -> None:
    lazy = level_array(patch, 2, budget=ReadBudget(warn_evaluations=300)).isel(x=slice(40), y=slice(40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lazy.values.shape == (3, 40, 40)


@pytest.mark.parametrize(
    ("preset", "reason"),
    [
        (
            "independent",
            r"because the model's decoder looks far around; .*to_zarr\(PATH\), or read larger windo",
        ),
        (
            "multidiffusion",
            r"because sampler\.preset='multidiffusion' fuses far around; .*'charted' or 'earlys",
        ),
    ],
)
def test_dear_windows_warn_with_the_reason(preset: str, reason: str) -> None:
    world = steered_worlds.world("utm", (), PRESET_CASES[preset], model=steered_worlds.LATENTS)
    with pytest.warns(CostWarning, match=reason):
        world.array(level=0, window=((20, 24), (30, 34))).load()


def test_a_mean_of_a_whole_level_says_what_it_takes(patch: Recipe) -> None:
    with pytest.raises(BudgetError, match="one read may take 100 evaluations"):
        level_array(patch, 2, budget=ReadBudget(evaluations=100)).mean()


def test_the_limits_travel_with_selections(patch: Recipe) -> None:
    lazy = level_array(patch, 2, budget=ReadBudget(values=10))
    for cut in (lazy.isel(x=slice(9)), lazy.T, lazy.chunk({"x": 50}), lazy.chunk()[:, ::2], lazy[0]):
        with pytest.raises(BudgetError, match="one read may draw 10 values"):
            cut.load()
    dots = xr.DataArray(np.arange(0, 300, 60), dims="site")
    with pytest.raises(BudgetError, match="one read may draw 10 values"):
        level_dataset(patch, 2, budget=ReadBudget(values=10)).isel(x=dots, y=dots)


@pytest.mark.parametrize("name", ["values", "evaluations", "warn_evaluations", "values_at_once"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(WindowError, match=rf"budget\.{name}=0 must be a positive number"):
        ReadBudget(**{name: 0})
