"""Labels and positions, against arithmetic written out and against pandas' index of all labels."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.arrays import level_array, origin_of
from geoinfinite.arrays.index import GridIndex
from geoinfinite.arrays.variables import LazyCoordinate
from geoinfinite.errors import WindowError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

FIXTURES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def test_labels_are_pixel_centres(patch: Recipe) -> None:
    da = level_array(patch, 1)
    assert np.allclose(da.x.values, 412_300 + 75 * (np.arange(112) + 0.5), rtol=0, atol=1e-6)
    assert np.allclose(da.y.values, 5_207_700 - 75 * (np.arange(80) + 0.5), rtol=0, atol=1e-6)
    part = da.isel(y=slice(7, 30), x=slice(90, 100))
    assert np.allclose(part.x.values, da.x.values[90:100], rtol=0, atol=1e-6)
    assert np.allclose(part.y.values, da.y.values[7:30], rtol=0, atol=1e-6)


@FIXTURES
@given(data=st.data())
def test_slices_select_the_window_of_the_grid(patch: Recipe, data: st.DataObject) -> None:
    left, bottom = 412_300.0, 5_201_700.0
    whole = st.sampled_from([75.0, 37.5, 20.0]).flatmap(
        lambda step: st.tuples(
            *(st.integers(0, int(8400 // step)),) * 2, *(st.integers(0, int(6000 // step)),) * 2
        ).map(lambda n: [v * step for v in n])
    )
    x0, x1, y0, y1 = data.draw(whole)
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    if x0 == x1 or y0 == y1:
        return
    box = (left + x0, bottom + y0, left + x1, bottom + y1)
    da = level_array(patch, 1).sel(x=slice(box[0], box[2]), y=slice(box[3], box[1]))
    assert origin_of(da).window == patch.grid.window(1, box)
    assert isinstance(da.xindexes["x"], GridIndex)


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (slice(170, 190), range(93, 99)),
        (slice(179, 181), range(95, 97)),
        (slice(179, -179), range(95, 97)),
        (slice(-190, -170), range(-3, 3)),
        (slice(-180, 180), range(96)),
        (slice(0.2, 0.3), range(48, 49)),
        (slice(0, 3.75), range(48, 49)),
        (slice(None, -172.5), range(2)),
        (slice(172.5, None), range(94, 96)),
    ],
)
def test_slices_of_longitude_are_runs_of_columns(ring: Recipe, labels: slice, columns: range) -> None:
    got = level_array(ring, 1).sel(x=labels)
    window = origin_of(got).window
    assert range(window.x0, window.x1) == columns
    assert np.allclose(got.x.values, -180 + 3.75 * (np.array(columns) + 0.5))


def test_a_slice_without_pixels_is_empty(ring: Recipe) -> None:
    assert level_array(ring, 1).sel(x=slice(7.5, 7.5)).sizes["x"] == 0


def test_an_antimeridian_window_is_two_reads_side_by_side(ring: Recipe) -> None:
    da = level_array(ring, 2)
    across = da.sel(x=slice(170, 195), y=slice(40, 10))
    west, east = da.sel(x=slice(170, 180), y=slice(40, 10)), da.sel(x=slice(-180, -165), y=slice(40, 10))
    assert (across.values == np.concatenate([west.values, east.values], axis=2)).all()
    assert across.x.values[-1] == pytest.approx(195, abs=1)
    assert across.rio.bounds()[0] == pytest.approx(169.6875)
    again = across.sel(x=slice(178, 182))
    assert (again.values == across.values[:, :, 8:14]).all()
    assert origin_of(again).window.x1 > 384


def test_single_labels_and_points(patch: Recipe) -> None:
    da = level_array(patch, 1)
    values = da.values
    assert (
        da.sel(x=412_300 + 75 * 9 + 20, y=5_207_700 - 75 * 3 - 70, method="nearest").values == values[:, 3, 9]
    ).all()
    x = xr.DataArray(412_300 + 75.0 * np.array([4, 100, 55]) + 30, dims="site")
    y = xr.DataArray(5_207_700 - 75.0 * np.array([70, 2, 33]) - 30, dims="site")
    points = da.sel(x=x, y=y, method="nearest")
    assert points.dims == ("band", "site")
    assert (points.values == values[:, [70, 2, 33], [4, 100, 55]]).all()
    outer = da.sel(x=x.values, y=y.values, method="nearest")
    assert (outer.values == values[:, [70, 2, 33]][:, :, [4, 100, 55]]).all()
    swapped = da.isel(x=xr.DataArray([[4, 5], [6, 7]], dims=("a", "b")), y=xr.DataArray([9, 8], dims="a"))
    assert (swapped.transpose("band", "a", "b").values == values[:, [[9, 9], [8, 8]], [[4, 5], [6, 7]]]).all()
    assert (swapped.isel(a=1).transpose("band", "b").values == values[:, 8, [6, 7]]).all()
    assert (
        swapped[..., 0].values
        == np.moveaxis(values[:, [[9, 9], [8, 8]], [[4, 5], [6, 7]]], 0, swapped.get_axis_num("band"))[..., 0]
    ).all()


def test_labels_on_the_edges_are_inside_and_those_beyond_are_refused(ring: Recipe, patch: Recipe) -> None:
    da = level_array(ring, 1)
    for label, row in ((90, 0), (-90, 47), (88.9, 0), (-88.9, 47)):
        assert origin_row(da.sel(y=label, method="nearest")) == row
    with pytest.raises(WindowError, match=r"y=90\.5 lies outside the array, which reaches from -90 to 90"):
        da.sel(y=90.5, method="nearest")
    with pytest.raises(WindowError, match=r"y=-91 lies outside"):
        da.sel(y=xr.DataArray([0.0, -91.0], dims="p"), x=xr.DataArray([0.0, 1.0], dims="p"), method="nearest")
    with pytest.raises(WindowError, match=r"x=412299 lies outside"):
        level_array(patch, 1).sel(x=[412_400, 412_299], method="nearest")
    assert (da.sel(x=190, method="nearest").values == da.sel(x=-170, method="nearest").values).all()


def origin_row(da: xr.DataArray) -> int:
    return da.variable._data.axes[1]


def test_a_slice_against_the_axis_says_so(patch: Recipe) -> None:
    da = level_array(patch, 1)
    with pytest.raises(
        WindowError, match=r"y=slice\(5\.205e\+06, 5\.206e\+06\) runs against .* north to south"
    ):
        da.sel(y=slice(5_205_000, 5_206_000))
    with pytest.raises(WindowError, match="west to east"):
        da.sel(x=slice(415_000, 414_000))


@pytest.mark.parametrize("chunks", [None, {}])
def test_coordinates_stay_lazy(patch: Recipe, chunks) -> None:
    da = level_array(patch, 2, chunks=chunks)
    for derived in (
        da,
        da.isel(x=slice(3, 90)),
        da.chunk(),
        da.chunk({"x": 50}),
        da[:, ::2, ::3],
        da.isel(x=slice(8)).compute(),
    ):
        assert isinstance(derived.xindexes["x"], GridIndex)
        assert type(derived.x.variable) is type(derived.y.variable) is LazyCoordinate
        assert not derived.x.variable._in_memory
        assert float(derived.x[0]) == pytest.approx(derived.x.values[0])
        assert derived.x.chunks is None


@pytest.mark.parametrize("chunks", [None, {}])
def test_windows_align_and_join(patch: Recipe, chunks) -> None:
    da = level_array(patch, 1, chunks=chunks)
    left, right = da.isel(x=slice(0, 40)), da.isel(x=slice(40, 112))
    joined = xr.concat([left, right], "x")
    assert isinstance(joined.xindexes["x"], GridIndex)
    assert (joined.values == da.values).all()
    assert np.allclose(joined.x.values, da.x.values, rtol=0, atol=1e-6)
    a, b = xr.align(da.isel(x=slice(0, 60)), da.isel(x=slice(40, 112)), join="inner")
    assert a.sizes["x"] == b.sizes["x"] == 20
    assert (a.values == b.values).all()
    assert origin_of(a).window == Window(0, 80, 40, 60)


def test_joins_cross_the_antimeridian(ring: Recipe) -> None:
    da = level_array(ring, 1)
    joined = xr.concat([da.isel(x=slice(90, 96)), da.isel(x=slice(0, 5))], "x")
    assert np.allclose(joined.x.values, -180 + 3.75 * (np.arange(90, 101) + 0.5))
