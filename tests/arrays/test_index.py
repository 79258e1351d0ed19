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
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

FIXTURES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def test_labels_are_pixel_centres(patch: Recipe) -> None:
    da = level_array(patch, 1)
    assert (da.x.values == 412_300 + (np.arange(112) + 0.5) * 75).all()
    assert (da.y.values == 5_207_700 + (np.arange(80) + 0.5) * -75).all()
    part = da.isel(y=slice(7, 30), x=slice(90, 100))
    assert (part.x.values == da.x.values[90:100]).all()
    assert (part.y.values == da.y.values[7:30]).all()


@st.composite
def keys(draw: st.DrawFn, length: int) -> slice | np.ndarray:
    """Slices, masks, and lists of any integer type that holds their values."""
    kind = draw(st.sampled_from(["slice", "list", "mask"]))
    if kind == "slice":
        return draw(st.slices(length))
    if kind == "mask":
        return np.array(draw(st.lists(st.booleans(), min_size=length, max_size=length)))
    dtype = draw(st.sampled_from(["int64", "int16", "uint16", "uint32"]))
    least = 0 if dtype.startswith("u") else -length
    return np.array(draw(st.lists(st.integers(least, length - 1), min_size=1, max_size=9)), dtype)


@FIXTURES
@given(data=st.data(), chunks=st.sampled_from([None, {"x": 17}]))
def test_selections_of_selections_have_the_labels_and_pixels_of_numpys(
    ring: Recipe, data: st.DataObject, chunks
) -> None:
    da = level_array(ring, 1, chunks=chunks)
    whole, x, y = da.values, da.x.values, da.y.values
    for _ in range(3):
        dim = data.draw(st.sampled_from(["x", "y"]))
        if da.sizes[dim] == 0:
            break
        key = data.draw(keys(da.sizes[dim]))
        da = da.isel({dim: key})
        x, y = (x[key], y) if dim == "x" else (x, y[key])
        whole = whole[:, :, key] if dim == "x" else whole[:, key]
        assert da.shape == whole.shape
    # Round the Earth labels go on counting: they are NumPy's up to whole turns.
    assert ((da.x.values - x) % 360 == 0).all()
    assert (da.y.values == y).all()
    assert (da.values == whole).all()
    assert isinstance(da.xindexes["x"], GridIndex)


@FIXTURES
@given(data=st.data())
def test_overlapping_windows_have_the_same_labels_bit_for_bit(data: st.DataObject) -> None:
    grid = Grid("EPSG:4326", (-180.0, 90.0), 0.0666666666, (2700, 5400), factor=3, levels=5, periodic=False)
    level = data.draw(st.integers(0, 4))
    width = grid.shape_at(level)[1]
    start, first, second = (data.draw(st.integers(0, width - 60)) for _ in range(3))
    index = GridIndex.of(grid, level, Window(0, 5, start, start + 60))["x"]
    wanted = {p: label for p, label in zip(range(start, start + 60), index.to_pandas_index(), strict=True)}
    for corner in (first, second, max(0, start - 7), start + 11):
        window = GridIndex.of(grid, level, Window(0, 5, corner, corner + 60))["x"]
        cut = window.isel({"x": slice(1, None, 3)}).isel({"x": np.array([3, 4, 9, 11])})
        positions = corner + 1 + 3 * np.array([3, 4, 9, 11])
        labels = cut.create_variables()["x"].values
        assert all(wanted.get(p, label) == label for p, label in zip(positions.tolist(), labels, strict=True))


@FIXTURES
@given(data=st.data(), how=st.sampled_from(["inner", "outer", "left", "right"]))
def test_joins_are_those_of_pandas(patch: Recipe, data: st.DataObject, how: str) -> None:
    whole = level_array(patch, 1)
    plain = whole.load().drop_indexes(["x", "y"]).set_xindex("x").set_xindex("y")
    cuts = [{dim: data.draw(st.slices(whole.sizes[dim])) for dim in ("x", "y")} for _ in range(2)]
    lazy = xr.align(*(whole.isel(cut) for cut in cuts), join=how)
    known = xr.align(*(plain.isel(cut) for cut in cuts), join=how)
    for mine, theirs in zip(lazy, known, strict=True):
        assert isinstance(mine.xindexes["x"], GridIndex)
        assert sorted(mine.x.values) == sorted(theirs.x.values)
        assert sorted(mine.y.values) == sorted(theirs.y.values)
        same = theirs.reindex(x=mine.x.values, y=mine.y.values)
        np.testing.assert_array_equal(mine.values, same.values)


@FIXTURES
@given(data=st.data())
def test_single_labels_are_those_of_pandas(patch: Recipe, data: st.DataObject) -> None:
    lazy = level_array(patch, 1)
    cut = data.draw(st.slices(112).filter(lambda s: len(range(112)[s])))
    lazy = lazy.isel(x=cut)
    plain = lazy.load().drop_indexes("x").set_xindex("x")
    label = data.draw(st.sampled_from(plain.x.values.tolist()))
    off = data.draw(st.floats(-0.4, 0.4)) * 75
    assert (lazy.sel(x=label).values == plain.sel(x=label).values).all()
    near = dict(x=label + off, method="nearest")
    assert (lazy.sel(**near).values == plain.sel(**near).values).all()
    within = dict(near, tolerance=abs(off) + 1e-6)
    assert (lazy.sel(**within).values == plain.sel(**within).values).all()
    if abs(off) > 1:
        with pytest.raises(WindowError, match="has no pixel centre within tolerance="):
            lazy.sel(x=label + off, method="nearest", tolerance=abs(off) - 0.5)
        with pytest.raises(WindowError, match=r'not the centre of a pixel .* method="nearest"'):
            lazy.sel(x=label + off)


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
    assert (got.x.values == -180 + (np.array(columns) + 0.5) * 3.75).all()


@pytest.mark.parametrize("ends", [(8, 7), (7.003, 7.001), (10, 5), (181, -181), (-60, -120), (400, 10)])
def test_west_and_east_swapped_is_refused(ring: Recipe, ends: tuple[float, float]) -> None:
    da = level_array(ring, 2)
    west, east = ends[1], ends[0]
    said = (
        rf"x=slice\({ends[0]:g}, {ends[1]:g}\) runs against the axis.*slice\({west:g}, {east:g}\); or cross"
    )
    with pytest.raises(WindowError, match=said):
        da.sel(x=slice(*ends))
    assert da.sel(x=slice(west, east)).sizes["x"] >= 1
    assert da.sel(x=slice(170, -170)).sizes["x"] == 22


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (slice(-np.inf, -172.5), range(2)),
        (slice(172.5, np.inf), range(94, 96)),
        (slice(None, np.inf), range(96)),
        (slice(np.inf, None), range(0)),
        (slice(-15, 15, 3), range(44, 52, 3)),
    ],
)
def test_open_and_stepped_slices(ring: Recipe, labels: slice, columns: range) -> None:
    got = level_array(ring, 1).sel(x=labels)
    assert (got.x.values == -180 + (np.array(columns) + 0.5) * 3.75).all()


@pytest.mark.parametrize("end", [np.nan, "7 east"])
def test_ends_that_are_no_numbers_are_refused(ring: Recipe, end) -> None:
    with pytest.raises(WindowError, match="has an end that is no number; give both ends"):
        level_array(ring, 1).sel(x=slice(end, 3))
    with pytest.raises(WindowError, match="cannot be selected: x has finite numbers"):
        level_array(ring, 1).sel(x=end, method="nearest")


def test_reversed_and_scattered_axes_take_slices_in_their_own_order(ring: Recipe) -> None:
    da = level_array(ring, 1)
    south_up = da.isel(y=slice(None, None, -1))
    assert (south_up.sel(y=slice(10, 40)).y.values == da.sel(y=slice(40, 10)).y.values[::-1]).all()
    with pytest.raises(WindowError, match="from south to north; write y=slice"):
        south_up.sel(y=slice(40, 10))
    picked = da.isel(x=[90, 3, 40, 41, 95])
    assert (picked.sel(x=slice(0, 180)).x.values == da.x.values[[90, 95]]).all()
    assert (picked.sel(x=slice(150, 190)).x.values == da.x.values[[90, 95]]).all()
    assert (picked.sel(x=[-30, 171], method="nearest").x.values == da.x.values[[40, 95]]).all()


@FIXTURES
@given(data=st.data())
def test_intervals_on_a_circle_find_every_pixel_they_cover(ring: Recipe, data: st.DataObject) -> None:
    """Against a list of all pixels, each told by its place on the circle."""
    start = data.draw(st.integers(-96, 96))
    da = level_array(ring, 1, window=Window(0, 48, start, start + data.draw(st.integers(1, 96))))
    step = data.draw(st.sampled_from([1, 1, 2, 5]))
    da = da.isel(x=slice(None, None, step))
    west = data.draw(st.integers(-300, 300)) * 1.25
    east = west + data.draw(st.integers(1, 200)) * 1.25
    got = da.sel(x=slice(west, east))
    first, last = (west + 180) // 3.75, -(-(east + 180) // 3.75)
    place = np.rint((da.x.values + 180) / 3.75 - 0.5)
    covered = da.x.values[(place - first) % 96 < last - first]
    assert sorted(got.x.values % 360) == sorted(covered % 360)
    whole = level_array(ring, 1).isel(y=5, band=1)
    columns = np.rint((got.x.values + 180) / 3.75 - 0.5).astype(int) % 96
    assert (got.isel(y=5, band=1).values == whole.values[columns]).all()


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


def test_one_pixel_has_labels_of_its_own_type_of_index(ring: Recipe) -> None:
    da = level_array(ring, 3)
    for dtype in ("int8", "uint8", "int16", "uint16", "uint32"):
        got = da.isel(x=np.array([100, 45], dtype))
        assert (got.x.values == da.x.values[[100, 45]]).all()
        assert (got.isel(y=slice(4)).values == da.isel(x=[100, 45], y=slice(4)).values).all()


@pytest.mark.parametrize("chunks", [None, {}])
def test_windows_align_and_join(patch: Recipe, chunks) -> None:
    da = level_array(patch, 1, chunks=chunks)
    left, right = da.isel(x=slice(0, 40)), da.isel(x=slice(40, 112))
    joined = xr.concat([left, right], "x")
    assert isinstance(joined.xindexes["x"], GridIndex)
    assert (joined.values == da.values).all()
    assert (joined.x.values == da.x.values).all()
    a, b = xr.align(da.isel(x=slice(0, 60)), da.isel(x=slice(40, 112)), join="inner")
    assert a.sizes["x"] == b.sizes["x"] == 20
    assert (a.values == b.values).all()
    assert origin_of(a).window == Window(0, 80, 40, 60)


def test_joins_cross_the_antimeridian(ring: Recipe) -> None:
    da = level_array(ring, 1)
    joined = xr.concat([da.isel(x=slice(90, 96)), da.isel(x=slice(0, 5))], "x")
    assert (joined.x.values == -180 + (np.arange(90, 101) + 0.5) * 3.75).all()


def test_windows_that_share_pixels_a_turn_apart_are_not_aligned(ring: Recipe) -> None:
    da = level_array(ring, 1)
    across = da.sel(x=slice(170, 200))
    with pytest.raises(WindowError, match=r"under labels a whole turn apart.*x=slice\(170, 190\)"):
        da - across
    same = da.sel(x=slice(170, 200)) - across
    assert (same == 0).all()
    assert same.sizes == across.sizes
