"""``extend``: the raster stays bit for bit, and lies where it lay; what is beyond its edges is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import rioxarray
import scenes
import xarray as xr

import geoinfinite as gi
from geoinfinite.errors import WindowError, WorldError

GAUSSIAN = "analytic:gaussian"
DEGREES = {"crs": "EPSG:4326", "step": 0.5}


def test_the_raster_stays_and_lies_where_it_lay() -> None:
    values = scenes.pixels()
    values[:, *scenes.HOLE] = 0
    real = scenes.scene(values).rio.write_nodata(0)
    wide = real.geoinfinite.extend(north=5, south=30, east=18, west=7, model=GAUSSIAN)
    assert wide.shape == (3, 73, 86)
    known = values.any(axis=0)
    drawn = wide.values
    np.testing.assert_array_equal(drawn[:, 5:43, 7:68][:, known], values[:, known])
    np.testing.assert_allclose(wide.x[7:68], real.x, rtol=0, atol=1e-6)
    np.testing.assert_allclose(wide.y[5:43], real.y, rtol=0, atol=1e-6)
    beyond = drawn[:, 43:].astype(float)
    assert abs(beyond.mean() - values[:, known].mean()) < 25
    assert beyond.std() > 2


def test_any_window_is_the_crop_of_the_whole() -> None:
    real = scenes.scene(scenes.pixels(90, 83))
    wide = real.geoinfinite.extend(north=21, east=33, model=GAUSSIAN, seed=8)
    whole = wide.values
    assert wide.geoinfinite.level == 2
    np.testing.assert_array_equal(whole[:, 21:, :83], real)
    for rows, columns in ((slice(3, 4), slice(70, 71)), (slice(9, 55), slice(40, 93))):
        np.testing.assert_array_equal(wide[:, rows, columns].values, whole[:, rows, columns])


def test_bounds_say_the_same() -> None:
    real = scenes.scene()
    left, bottom, right, top = real.rio.bounds()
    bounds = (left - 7 * 15.0, bottom - 29.2 * 15.0, right + 17.5 * 15.0, top + 5 * 15.0)
    xr.testing.assert_identical(
        real.geoinfinite.extend(bounds=bounds, model=GAUSSIAN).load(),
        real.geoinfinite.extend(north=5, south=30, east=18, west=7, model=GAUSSIAN).load(),
    )


def test_a_guide_gives_the_shapes_beyond_in_the_colours_of_the_raster() -> None:
    y, x = np.mgrid[:96, :128]
    ground = np.stack([60 + y + 20 * np.sin(x / 20), 200 - y - 0.3 * x, 90 + 0.7 * x]).astype(np.float32)
    place = {"left": scenes.LEFT, "top": scenes.TOP}
    real = scenes.scene(
        np.rint(ground[:, 32:64, 32:80] * 0.5 + 40).astype(np.uint8),
        **{"left": scenes.LEFT + 32 * 15, "top": scenes.TOP - 32 * 15},
    )
    guide = (
        scenes.scene(np.rint(ground).astype(np.uint8), **place)
        .rio.reproject("EPSG:4326")
        .rio.pad_box(*scenes.scene(ground, **place).rio.transform_bounds("EPSG:4326"))
    )
    whole = (ground * 0.5 + 40)[:, 16:80, 16:96]
    sides = {"north": 16, "south": 16, "east": 16, "west": 16, "model": GAUSSIAN}
    guided, alone = (
        real.geoinfinite.extend(**sides, guide=known).values.astype(float) for known in (guide, None)
    )
    np.testing.assert_array_equal(guided[:, 16:48, 16:64], real.values)
    outside = np.ones((16, 20), bool)
    outside[4:12, 4:16] = False
    off = [
        np.abs((found - whole).reshape(3, 16, 4, 20, 4).mean(axis=(2, 4)))[:, outside].mean()
        for found in (guided, alone)
    ]
    assert off[0] < 0.4 * off[1]


def test_blue_marble_is_a_guide_across_the_antimeridian() -> None:
    real = scenes.scene(scenes.pixels(24, 20), left=168.0, top=20.0, **DEGREES)
    wide = real.geoinfinite.extend(east=40, guide="bundled:blue-marble", model=GAUSSIAN)
    assert wide.x.values[-1] == pytest.approx(168 + 60 * 0.5 - 0.25)
    np.testing.assert_array_equal(wide[:, :, :20], real)
    drawn = wide.values.astype(float)
    steps = np.abs(np.diff(drawn, axis=2)).mean(axis=(0, 1))
    assert steps[23] < 3 * steps[20:].mean()


@pytest.mark.parametrize(("top", "side"), [(90.0, "south"), (-90.0 + 21 * 0.5, "north")])
def test_a_raster_at_a_pole_is_extended_away_from_it(top: float, side: str) -> None:
    real = scenes.scene(scenes.pixels(21, 50), left=10.0, top=top, **DEGREES)
    wide = real.geoinfinite.extend(**{side: 9}, model=GAUSSIAN)
    at = slice(0, 21) if side == "south" else slice(9, 30)
    np.testing.assert_array_equal(wide[:, at], real)
    np.testing.assert_allclose(wide.y[at], real.y, atol=1e-9)
    other = "north" if side == "south" else "south"
    with pytest.raises(
        WindowError, match=rf"extend\({other}=3\) goes beyond the pole; take {other}=0 at most"
    ):
        real.geoinfinite.extend(**{other: 3}, model=GAUSSIAN)
    with pytest.raises(WindowError, match=r"extend\(east=671\) goes beyond a turn .*; take east=670 at most"):
        real.geoinfinite.extend(east=671, model=GAUSSIAN)


def test_bounds_across_the_antimeridian() -> None:
    real = scenes.scene(scenes.pixels(24, 20), left=168.0, top=20.0, **DEGREES)
    wide = real.geoinfinite.extend(bounds=(166.0, 8.0, -176.0, 21.0), model=GAUSSIAN)
    np.testing.assert_allclose(wide.rio.bounds(), (166, 8, 184, 21))


def test_what_is_beyond_is_said_once() -> None:
    real = scenes.scene()
    for said in ({}, {"bounds": real.rio.bounds(), "north": 3}):
        with pytest.raises(WindowError, match=r"give bounds=\(W, S, E, N\), or pixels such as north=100"):
            real.geoinfinite.extend(**said)
    assert real.geoinfinite.extend(north=100, model=GAUSSIAN).shape == (3, 138, 61)
    with pytest.raises(WindowError, match=r"extend\(north=-3\) must be a number of pixels, 0 or more"):
        real.geoinfinite.extend(north=-3)
    assert real.isel(y=slice(10, None)).geoinfinite.extend(west=1, model=GAUSSIAN).shape == (3, 28, 62)
    left, bottom, right, top = real.rio.bounds()
    inner = (left + 150, bottom - 30, right - 150, top)
    with pytest.raises(WindowError, match=r"leaves out a part of the raster, whose bounds are .* W S E N"):
        real.geoinfinite.extend(bounds=inner)
    clipped = real.rio.clip_box(left + 150, bottom, right - 150, top)
    assert clipped.geoinfinite.extend(bounds=inner, model=GAUSSIAN).shape == (3, 40, 41)


def test_a_guide_that_does_not_cover_what_is_beyond_is_refused() -> None:
    real = scenes.scene()
    with pytest.raises(WorldError, match=r"guide='.*' cannot be used: condition.guide.source"):
        real.geoinfinite.extend(north=400, guide=real, model=GAUSSIAN)


@pytest.mark.slow
def test_the_bundled_network_goes_on_beyond_blue_marble() -> None:
    earth = rioxarray.open_rasterio(gi.World.load("earth").root.path)
    real = earth[:, 720:784, 1130:1210]
    drawn = real.geoinfinite.extend(east=40).values.astype(float)
    np.testing.assert_array_equal(drawn[:, :, :80], real.values)
    steps = np.abs(np.diff(drawn, axis=2)).mean(axis=(0, 1))
    assert 0.4 < steps[79] / steps[:79].mean() < 1.8
    assert 0.3 < steps[80:].mean() / steps[:79].mean() < 2.5
