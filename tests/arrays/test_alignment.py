"""Arrays that meet, renamed, cut, joined, of other levels, with others' labels: never silently empty."""

from __future__ import annotations

import numpy as np
import pytest
import rioxarray
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.arrays import level_array, level_dataset, level_tree
from geoinfinite.arrays.index import BandIndex, GridIndex
from geoinfinite.errors import WindowError
from geoinfinite.recipe.recipe import Recipe

FIXTURES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def plain(da: xr.DataArray) -> xr.DataArray:
    """The same array with pandas' indexes of all labels."""
    for name in ("band", "x", "y"):
        da = da.drop_indexes(name).set_xindex(name)
    return da.load()


RENAMES = {
    "rename": lambda d: d.rename(x="lon", y="lat"),
    "rename a dataset": lambda d: d.to_dataset().rename(x="lon", y="lat").image,
    "rename variables and dimensions": lambda d: (
        d.to_dataset().rename_dims(x="lon", y="lat").rename_vars(x="lon", y="lat").image
    ),
}


@pytest.mark.parametrize("rename", RENAMES)
def test_renamed_arrays_align_like_pandas(patch: Recipe, rename: str) -> None:
    lazy = RENAMES[rename](level_array(patch, 1))
    known = RENAMES[rename](plain(level_array(patch, 1)))
    pairs = [(d.isel(lon=slice(3, 9)), d.isel(lon=slice(5, 11), lat=slice(2, 30))) for d in (lazy, known)]
    differences = [a.astype(int) - b for a, b in pairs]
    assert differences[0].sizes == {"band": 3, "lat": 28, "lon": 4}
    for got, wanted in zip(differences, differences[1:] * 2, strict=True):
        assert (got.values == wanted.values).all()
        assert (got.lon.values == wanted.lon.values).all()
    assert lazy.sel(lon=slice(413_000, 414_000)).sizes["lon"] == 14
    assert isinstance(xr.concat([pairs[0][0], lazy.isel(lon=slice(9, 12))], "lon").xindexes["lon"], GridIndex)
    assert isinstance(lazy.isel(lat=slice(4)).xindexes["lat"], GridIndex)


def test_one_name_alone_changes(patch: Recipe) -> None:
    ds = level_dataset(patch, 1)
    moved = ds.rename_dims(x="column").isel(column=slice(3, 9))
    assert (moved.x.values == ds.x.values[3:9]).all()
    assert moved.x.dims == ("column",)
    named = ds.rename_vars(x="lon").sel(lon=slice(412_400, 413_000))
    assert (named.lon.values == ds.x.values[1:10]).all()
    swapped = ds.image.swap_dims(x="column").isel(column=slice(3, 9)).sel(y=slice(5_206_000, 5_205_000))
    assert (swapped.x.values == ds.x.values[3:9]).all()
    assert isinstance(swapped.xindexes["y"], GridIndex)
    without = ds.image.drop_vars("x").isel(x=slice(3, 9)).sel(y=slice(5_206_000, 5_205_000))
    assert (without.values == swapped.values).all()
    assert isinstance(ds.image.isel(x=3).sel(y=slice(5_206_000, 5_205_000)).xindexes["y"], GridIndex)


def test_other_labels_may_be_assigned(ring: Recipe) -> None:
    da = level_array(ring, 1)
    turned = da.assign_coords(x=da.x % 360).sortby("x")
    assert turned.x.values[0] == 1.875
    assert (turned.values == np.roll(da.values, 48, axis=2)).all()
    assert (da.roll(x=48, roll_coords=True).x.values == np.roll(da.x.values, 48)).all()


def test_disjoint_windows_are_empty_together_and_hold_gaps_side_by_side(patch: Recipe) -> None:
    da = level_array(patch, 1)
    a, b = da.isel(x=slice(0, 5)), da.isel(x=slice(8, 12))
    for empty in (a + b, a == b, a.chunk() - b.chunk(), a.to_dataset().image * b):
        assert empty.sizes == {"band": 3, "y": 80, "x": 0}
    assert (a.isel(y=slice(3)) + a.isel(y=slice(5, 9))).sizes["y"] == 0
    assert xr.dot(a, b).item() == 0
    both = xr.concat([a, b], "x")
    assert (both.x.values == da.x.values[[0, 1, 2, 3, 4, 8, 9, 10, 11]]).all()
    assert (both.sel(x=slice(412_600, 413_000)).x.values == da.x.values[[4, 8, 9]]).all()
    assert (both - da.isel(x=slice(3, 9)) == 0).all()
    merged = xr.merge([a.to_dataset(), b.rename("other").to_dataset()], join="outer", compat="no_conflicts")
    assert merged.sizes["x"] == 9
    assert merged.image.isel(x=slice(5, 9)).isnull().all()


def test_a_level_averaged_over_blocks_is_its_parent(patch: Recipe, ring: Recipe) -> None:
    for recipe in (patch, ring):
        fine, parent = level_array(recipe, 2), level_array(recipe, 1)
        off = fine.coarsen(x=4, y=4).mean() - parent
        assert off.sizes == parent.sizes
        assert abs(off).max() == 0
    cut = level_array(patch, 3).isel(x=slice(32, 80), y=slice(16, 160))
    grandparent = level_array(patch, 1).isel(x=slice(2, 5), y=slice(1, 10))
    assert abs(cut.coarsen(x=16, y=16).mean() - grandparent).max() < 1
    assert (level_dataset(patch, 2).coarsen(x=4, y=4).mean().image == level_dataset(patch, 1).image).all()


def test_blocks_that_are_no_pixels_of_a_level_keep_their_mean_labels(patch: Recipe) -> None:
    da = level_array(patch, 2).isel(x=slice(3, 39))
    blocks = da.coarsen(x=4).mean()
    assert np.allclose(blocks.x.values, da.x.values.reshape(9, 4).mean(1), rtol=0, atol=1e-6)
    assert da.coarsen(x=8, boundary="trim").mean().sizes["x"] == 4
    padded = level_array(patch, 2).isel(x=slice(8, 18)).coarsen(x=4, boundary="pad").mean()
    assert np.allclose(padded.x.values[-1], level_array(patch, 2).x.values[16:18].mean(), rtol=0, atol=1e-6)


def test_levels_do_not_align_without_a_word(patch: Recipe) -> None:
    with pytest.raises(WindowError, match=r"different lattices .*\.coarsen\(x=4, y=4\)\.mean\(\)"):
        level_array(patch, 2) - level_array(patch, 1)
    coarse, fine = level_array(patch, 0), level_array(patch, 1)
    with pytest.raises(WindowError, match="reindex_like"):
        coarse.reindex_like(fine)
    near = coarse.reindex_like(fine, method="nearest")
    assert (near.values == coarse.values.repeat(4, 1).repeat(4, 2)).all()


def test_labels_of_the_same_pixels_align_whatever_their_index(patch: Recipe) -> None:
    da = level_array(patch, 1)
    known = plain(da)
    assert (da == known).all()
    assert (da == known).sizes == da.sizes
    assert (da == da.load().drop_indexes(["x", "y"]).set_xindex("x").set_xindex("y")).sizes == da.sizes
    said = r"conflicting indexes[\s\S]*GridIndex\(x: 112 pixels of level 1.*select the same pixels of both"
    with pytest.raises(xr.AlignmentError, match=said):
        da - known.isel(x=slice(3, 9))
    with pytest.raises(xr.AlignmentError, match=said):
        da.reindex(x=known.x.values[3:9])
    # The remedies.
    assert (da.sel(x=slice(412_525, 412_975)) - known.isel(x=slice(3, 9)) == 0).all()
    moved = known.assign_coords(x=known.x + 1e-9)
    assert (moved.assign_coords(x=da.x) - da == 0).sizes == da.sizes


def test_bands_by_name_do_not_join_with_numbers(patch: Recipe) -> None:
    da = level_array(patch, 0)
    file = rioxarray.open_rasterio(patch.root.source)
    assert isinstance(da.xindexes["band"], BandIndex)
    for compare in (lambda: file == da, lambda: da - file, lambda: da.where(file > 9), lambda: file + da):
        with pytest.raises(xr.AlignmentError, match=r"BandIndex\(.*other\.assign_coords\(band=this\.band\)"):
            compare()
    named = file.assign_coords(band=da.band)
    assert (named == da).sizes == da.sizes
    assert (named == da).all()
    assert not (named == da + 1).any()
    assert (da.sel(band="green") == file.sel(band=2)).all()


def test_weights_by_band(patch: Recipe) -> None:
    da = level_array(patch, 0)
    weights = xr.DataArray([0.2, 0.7, 0.1], dims="band", coords={"band": ["red", "green", "blue"]})
    wanted = np.tensordot([0.2, 0.7, 0.1], da.values, 1)
    assert np.allclose((da * weights).sum("band").values, wanted)
    assert np.allclose(da.weighted(weights).sum("band").values, wanted)


@pytest.mark.parametrize("chunks", [None, {"x": 40}])
def test_the_rest_of_xarray_takes_the_index(patch: Recipe, chunks) -> None:
    da = level_array(patch, 1, chunks=chunks)
    values, known = da.values, plain(da)
    assert (da.groupby("y").mean().values == known.groupby("y").mean().values).all()
    frame = da.isel(x=slice(4), y=slice(3)).to_dataframe()
    assert (frame.image.values == values[:, :3, :4].ravel()).all()
    assert da.isel(band=0, x=slice(4), y=slice(3)).to_pandas().columns.tolist() == da.x.values[:4].tolist()
    halves = [da.isel(x=slice(0, 50)).to_dataset(), da.isel(x=slice(50, 112)).to_dataset()]
    assert (xr.combine_by_coords(halves).image.values == values).all()
    assert np.allclose(
        da.interp(x=da.x.values[3:9] + 10).values, known.interp(x=da.x.values[3:9] + 10).values
    )
    coarse = level_array(patch, 0)
    assert np.allclose(coarse.interp_like(da).values, plain(coarse).interp_like(known).values, equal_nan=True)
    stacked = da.isel(x=slice(4), y=slice(3)).stack(pixel=("y", "x"))
    assert (stacked.unstack("pixel").values == values[:, :3, :4]).all()
    assert (da.isel(x=[3, 3, 9]).drop_duplicates("x").x.values == da.x.values[[3, 9]]).all()
    with pytest.raises(WindowError, match=r"more than once and cannot be aligned; .*drop_duplicates\('x'\)"):
        da.isel(x=[3, 3, 9]) - da


def test_map_blocks(patch: Recipe) -> None:
    da = level_array(patch, 1, chunks={"x": 40})
    assert (xr.map_blocks(lambda block: block + 1, da).values == da.values + 1).all()


def test_trees_meet_level_by_level(patch: Recipe) -> None:
    tree = level_tree(patch)
    cut = tree.sel(x=slice(413_000, 414_000))
    off = (cut.isel(y=slice(4)) - tree).map_over_datasets(lambda ds: abs(ds).max())
    assert [off[f"/{n}/image"].item() for n in range(4)] == [0] * 4


def test_values_cannot_be_assigned_before_they_are_loaded(patch: Recipe) -> None:
    da = level_array(patch, 1)
    for change in (lambda: da.__setitem__((0, 0, 0), 7), lambda: da.__setitem__({"x": [1, 4]}, 7)):
        with pytest.raises(WindowError, match=r"holds none; load it first: da = da\.load\(\)"):
            change()
    loaded = da.load()
    loaded[0, 0, 0] = 7
    assert loaded.values[0, 0, 0] == 7


@FIXTURES
@given(data=st.data())
def test_interval_slices_are_those_of_pandas_on_centres(patch: Recipe, data: st.DataObject) -> None:
    """Between edges, the pixels that cover an interval are those whose centres lie in it."""
    lazy = level_array(patch, 1).isel(x=data.draw(st.slices(112).filter(lambda s: len(range(112)[s]) > 1)))
    known = plain(lazy)
    first, last = sorted(data.draw(st.tuples(*(st.integers(-5, 120),) * 2)))
    low, high = 412_300.0 + first * 75, 412_300.0 + (last + 1) * 75
    ends = (low, high) if known.x[-1] > known.x[0] else (high, low)
    assert (lazy.sel(x=slice(*ends)).x.values == known.sel(x=slice(*ends)).x.values).all()
