"""An array says what it is a window of, and refuses to when it is no such thing any more."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import rasterio
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.arrays import Origin, level_array, level_dataset, level_tree, origin_of
from geoinfinite.arrays.entrypoint import GeoInfiniteEntrypoint
from geoinfinite.engine import generate
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_slices_of_slices_are_windows(patch: Recipe, data: st.DataObject) -> None:
    da, y, x = level_array(patch, 2), range(320), range(448)
    for _ in range(3):
        if data.draw(st.booleans()):
            da = da.chunk(data.draw(st.sampled_from([{}, {"x": 30}, {"y": 17, "x": 100}])))
        ky, kx = (slice(*sorted(data.draw(st.tuples(*(st.integers(0, len(r)),) * 2)))) for r in (y, x))
        if y[ky] and x[kx]:
            da, y, x = da.isel(y=ky, x=kx), y[ky], x[kx]
    assert origin_of(da) == Origin(patch, 2, Window(y[0], y[-1] + 1, x[0], x[-1] + 1))


@pytest.mark.parametrize("chunks", [None, {}])
def test_windows_across_the_antimeridian(ring: Recipe, chunks) -> None:
    da = level_array(ring, 2, chunks=chunks).sel(x=slice(170, 200), y=slice(80, 10))
    assert origin_of(da) == Origin(ring, 2, Window(10, 86, 373, 406))
    assert origin_of(da.isel(x=slice(20, 30))).window == Window(10, 86, 393, 403)
    wanted = Window(3, 60, -20, 15)
    assert origin_of(level_array(ring, 2, window=wanted, chunks=chunks)).window == wanted


def test_what_changes_no_pixel_keeps_the_origin(patch: Recipe) -> None:
    da = level_array(patch, 1).isel(x=slice(4, 60))
    wanted = Origin(patch, 1, Window(0, 80, 4, 60))
    same = [
        da.copy(deep=True),
        da.rename("other"),
        da.assign_attrs(note="mine"),
        da.drop_vars("spatial_ref"),
        da.chunk({"x": 7}).chunk({"y": 9}),
        da.chunk().copy(deep=True),
        da.isel(band=slice(None), x=[*range(56)]),
        da.transpose("x", "band", "y").transpose("band", "y", "x"),
        pickle.loads(pickle.dumps(da)),
        pickle.loads(pickle.dumps(da.chunk())),
        da.to_dataset()["image"],
        level_tree(patch)["/1/image"].isel(x=slice(4, 60)),
    ]
    assert [origin_of(d) for d in same] == [wanted] * len(same)
    before = da.values
    assert before.shape == (3, 80, 56)
    assert origin_of(da) == wanted


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d + 1, "computed"),
        (lambda d: d.astype("float32"), "computed"),
        (lambda d: d.where(d > 9), "computed"),
        (lambda d: d.compute(), "computed or loaded"),
        (lambda d: d[:, ::2], "step"),
        (lambda d: d[:, ::-1], "step"),
        (lambda d: d[:, 3], "picked"),
        (lambda d: d.isel(x=[4, 4, 9]), "not neighbours"),
        (lambda d: d.isel(x=slice(0, 0)), "empty"),
        (lambda d: d.isel(band=0), "bands were selected"),
        (lambda d: d.isel(band=[0, 2]), "bands were selected"),
        (
            lambda d: d.isel(x=xr.DataArray([1, 2], dims="p"), y=xr.DataArray([1, 2], dims="p")),
            "was computed|single pixels",
        ),
        (lambda d: d.transpose("y", "x", "band"), 'transpose\\("band", "y", "x"\\)'),
        (lambda d: d.to_dataset(), "a Dataset is not"),
    ],
)
@pytest.mark.parametrize("chunks", [None, {}])
def test_anything_else_is_refused(patch: Recipe, change, reason: str, chunks) -> None:
    da = change(level_array(patch, 1, chunks=chunks).isel(x=slice(0, 30)))
    with pytest.raises(StoreError, match=reason):
        origin_of(da)


def test_attributes_alone_prove_nothing(patch: Recipe) -> None:
    da = level_array(patch, 1, chunks={})
    with xr.set_options(keep_attrs=True):
        more = da + 1
    assert more.attrs == da.attrs
    with pytest.raises(StoreError, match=r"no longer a window of a world: it was computed .* Take it from"):
        origin_of(more)
    changed = da.copy()
    changed[0, 0, 0] = 7
    with pytest.raises(StoreError, match="no longer a window"):
        origin_of(changed)


def test_opened_files_know_their_recipe(patch: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "patch.toml"
    path.write_text(worldfile.dump(patch))
    for chunks in (None, {}):
        ds = xr.open_dataset(path, engine=GeoInfiniteEntrypoint, level=2, chunks=chunks)
        assert origin_of(ds.image.isel(y=slice(9))) == Origin(patch, 2, Window(0, 9, 0, 448))
    assert origin_of(level_dataset(patch, 0).image) == Origin(patch, 0, Window(0, 20, 0, 28))


ARRANGED = {
    "one band": lambda d: d.isel(band=1),
    "bands in another order": lambda d: d.isel(band=[2, 0]),
    "dimensions in another order": lambda d: d.transpose("y", "x", "band"),
    "a band by name, turned": lambda d: d.rename(x="lon").sel(band="blue").transpose("lon", "y"),
    "all bands": lambda d: d,
}


@pytest.mark.parametrize("chunks", [None, {}])
@pytest.mark.parametrize("change", ARRANGED)
def test_selected_bands_and_turned_dimensions_are_told(patch: Recipe, change: str, chunks) -> None:
    da = ARRANGED[change](level_array(patch, 1, chunks=chunks).isel(x=slice(4, 30), y=slice(7, 20)))
    origin = origin_of(da, whole=False)
    assert (origin.recipe, origin.level, origin.window) == (patch, 1, Window(7, 20, 4, 30))
    assert (origin.arranged(generate(patch, 1, origin.window)) == da.values).all()
    assert (origin.bands is None) == (da.sizes.get("band") == 3)


def test_a_refusal_names_what_stores_values(patch: Recipe, tmp_path: Path) -> None:
    red = level_array(patch, 1).sel(band="red")
    with pytest.raises(StoreError, match=r"bands were selected.*da\.rio\.to_raster\(PATH\)"):
        origin_of(red)
    red.rio.to_raster(tmp_path / "red.tif")
    with rasterio.open(tmp_path / "red.tif") as raster:
        assert (raster.read(1) == red.values).all()
