"""Pictures of any part of a world: the right pixels in the right place, in bounded time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import small_worlds
from counting import count_calls

import geoinfinite as gi
from geoinfinite.errors import BudgetError, StoreError, WindowError, WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def ring(tmp_path: Path) -> gi.World:
    return gi.World.loads(worldfile.dump(small_worlds.ring_world(tmp_path)))


@pytest.fixture
def patch(tmp_path: Path) -> gi.World:
    return gi.World.loads(worldfile.dump(small_worlds.patch_world(tmp_path)))


def shown(ax) -> tuple[np.ndarray, tuple[float, ...]]:
    (image,) = ax.images
    return np.asarray(image.get_array()), tuple(image.get_extent())


def test_a_part_smaller_than_the_picture_is_shown_pixel_by_pixel(patch: gi.World) -> None:
    window = Window(30, 70, 17, 80)
    pixels, extent = shown(patch.array(1, window=window).geoinfinite.plot())
    np.testing.assert_array_equal(pixels, gi.generate(patch, 1, window).transpose(1, 2, 0))
    left, bottom, right, top = patch.grid.bounds(1, window)
    assert extent == (left, right, bottom, top)


def test_level_zero_says_that_it_was_not_drawn(patch: gi.World) -> None:
    ax = patch.plot(level=0)
    np.testing.assert_array_equal(shown(ax)[0], small_worlds.revealing(20, 28).transpose(1, 2, 0))
    assert ax.get_title() == "patch, level 0: 300 m per pixel"
    assert ax.get_xlabel() == "x, CRS units of EPSG:32633\nthe root raster, not drawn"
    drawn = patch.plot(level=1)
    assert drawn.get_xlabel().endswith("\nsynthetic: drawn by a diffusion model")


def test_a_planet_is_looked_at_from_afar(monkeypatch: pytest.MonkeyPatch) -> None:
    world, calls = gi.World.load("analytic"), count_calls(monkeypatch)
    with pytest.raises(BudgetError, match=r"look at all of it, da\.geoinfinite\.plot\(\)"):
        world.array(5).plot.imshow()
    for ax in (world.array(7).geoinfinite.plot(size=90), world.plot(size=90)):
        pixels, extent = shown(ax)
        assert (pixels.shape, extent) == ((45, 90, 3), (-180, 180, -90, 90))
    assert calls.calls == 0
    root = world.array(0).values.reshape(3, 45, 60, 90, 60).mean((2, 4))
    assert np.abs(pixels - root.transpose(1, 2, 0)).max() <= 1


def test_across_the_antimeridian(ring: gi.World) -> None:
    pixels, extent = shown(ring.plot(level=1, bounds=(150, -30, -150, 60)))
    assert extent == (150, 210, -30, 60)
    np.testing.assert_array_equal(pixels, gi.generate(ring, 1, Window(8, 32, 88, 104)).transpose(1, 2, 0))


def test_no_finer_level_is_drawn_than_the_picture_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    world = gi.World.load("analytic")
    calls = count_calls(monkeypatch)
    ax = world.array(7).sel(x=slice(7, 9), y=slice(47, 46)).geoinfinite.plot(size=100)
    assert "level 1: 1,855 m per pixel" in ax.get_title()
    assert 0 < sum(calls.batches) < 100


def test_axes_bands_and_seeds(patch: gi.World) -> None:
    _, ax = plt.subplots()
    part = patch.array(1, window=Window(30, 70, 17, 80))
    assert part.isel(band=[2]).geoinfinite.plot(ax=ax) is ax
    np.testing.assert_array_equal(shown(ax)[0], part.values[2])
    with pytest.raises(StoreError, match=r"Take one: da\.sel\(seed=4\)"):
        patch.array(1, seeds=(4, 5)).geoinfinite.plot()


@pytest.mark.parametrize("size", [0, -3, 5000])
def test_sizes_that_are_none(patch: gi.World, size: int) -> None:
    with pytest.raises(WindowError, match=rf"size={size} must be from 1 to 4096 pixels; .*to_cog\(PATH\)"):
        patch.plot(size=size)


def test_without_matplotlib_it_says_what_to_install(patch: gi.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(WorldError, match=r"plot\(\) needs matplotlib.*pip install 'geoinfinite\[notebook\]'"):
        patch.plot(level=0)
