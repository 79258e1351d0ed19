"""``World.array``: a level by number or pixel size, a part by bounds or window."""

from __future__ import annotations

import dataclasses

import pytest
import rasterio.windows

from geoinfinite import World
from geoinfinite.arrays import ReadBudget, origin_of
from geoinfinite.errors import BudgetError, WindowError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


@pytest.fixture
def world(patch: Recipe) -> World:
    return World(**{f.name: getattr(patch, f.name) for f in dataclasses.fields(patch)})


@pytest.mark.parametrize(("gsd", "level"), [(300, 0), (299, 1), (75.0, 1), (74, 2), (1000, 0), (18.75, 2)])
def test_levels_by_the_size_of_their_pixels(world: World, gsd: float, level: int) -> None:
    da = world.array(gsd=gsd)
    assert da.attrs["geoinfinite_level"] == level
    assert da.attrs["ground_sample_distance_m"] <= gsd
    assert da.shape == world.array(level).shape


def test_parts_by_bounds_and_windows(world: World) -> None:
    bounds = (413_000.0, 5_206_000.0, 413_500.0, 5_207_000.0)
    part = world.array(1, bounds=bounds)
    assert origin_of(part).window == world.grid.window(1, bounds)
    cut = world.array(1).sel(x=slice(413_000, 413_500), y=slice(5_207_000, 5_206_000))
    assert (part.values == cut.values).all()
    assert part.x.values.tolist() == cut.x.values.tolist()
    for window in (Window(3, 9, 20, 25), ((3, 9), (20, 25)), rasterio.windows.Window(20, 3, 5, 6)):
        assert origin_of(world.array(1, window=window, chunks={})).window == Window(3, 9, 20, 25)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, r"array\(level=None, gsd=None\): give one of the two, a level from 0 to 3 or metres"),
        ({"level": 1, "gsd": 30}, r"array\(level=1, gsd=30\): give one of the two"),
        ({"level": 1, "window": Window(0, 1, 0, 1), "bounds": (1, 2, 3, 4)}, "give one of the two"),
        ({"level": 1, "window": (0, 1, 0, 1)}, r"\(\(row0, row1\), \(col0, col1\)\)"),
        ({"level": 1, "window": Window(0, 99, 0, 1)}, "reaches outside the grid"),
        ({"level": 1, "bounds": (0, 0, 1, 1)}, "reaches outside the grid"),
        ({"level": "1", "bounds": (413_000, 5_206_000, 413_500, 5_207_000)}, "level='1' is not an integer"),
        ({"gsd": 0.001}, "gsd_m=0.001 is finer than the finest level, "),
    ],
)
def test_what_cannot_be_meant_is_refused(world: World, asked: dict, said: str) -> None:
    with pytest.raises(WindowError, match=said):
        world.array(**asked)


def test_the_budget_is_a_value_that_is_passed_in(world: World) -> None:
    with pytest.raises(BudgetError, match="one read may draw 10 values"):
        world.array(1, budget=ReadBudget(values=10)).load()
