"""Arrays of real rasters become files that a world names, or are refused with a remedy that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import scenes
import xarray as xr
from affine import Affine

from geoinfinite.errors import WorldError

GAUSSIAN = "analytic:gaussian"


def root(da: xr.DataArray, **how: Any) -> Path:
    """The raster on which an array is drawn."""
    return da.geoinfinite.zoom(4, model=GAUSSIAN, **how).geoinfinite.world.root.path


def nodata(path: Path) -> Path:
    values = scenes.pixels()
    values[:, 3:9, 5:20] = 0
    return scenes.written(path, values, nodata=0)


def with_alpha(path: Path) -> Path:
    alpha = np.full((1, 38, 61), 255, np.uint8)
    alpha[:, 3:9, 5:20] = 0
    return scenes.written(path, np.concatenate([scenes.pixels(), alpha]), photometric="RGB", alpha="YES")


def palette(path: Path) -> Path:
    colours = {n: (n, 255 - n, n // 2, 255) for n in range(256)}
    return scenes.written(path, scenes.pixels()[:1], colours=colours)


def with_scale(path: Path) -> Path:
    scenes.written(path, scenes.pixels(dtype="uint16"))
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (1e-4,) * 3, (-0.1,) * 3
    return path


@pytest.mark.parametrize("write", [nodata, with_alpha, palette, with_scale])
def test_a_file_as_it_was_opened_is_the_root_itself(tmp_path: Path, cache: Path, write: Any) -> None:
    path = write(tmp_path / "scene.tif")
    assert root(scenes.opened(path)) == path
    assert not any((cache / "rasters").iterdir())


def test_a_file_that_was_opened_with_its_mask_is_the_root_too(tmp_path: Path) -> None:
    path = nodata(tmp_path / "scene.tif")
    assert root(scenes.opened(path, masked=True)) == path


@pytest.mark.parametrize(
    "turn",
    [lambda da: da[:, ::-1, ::-1], lambda da: da.transpose("y", "x", "band")],
    ids=["flipped", "bands last"],
)
def test_order_and_direction_do_not_matter(tmp_path: Path, turn: Any) -> None:
    path = scenes.written(tmp_path / "scene.tif", scenes.pixels())
    assert root(turn(scenes.opened(path))) == path


@pytest.mark.parametrize(
    "change",
    [
        lambda da: da[:, 4:30, 7:50],
        lambda da: da.copy(data=np.roll(da.values, 1, axis=2)),
        lambda da: da.assign_coords(x=da.x + 15.0),
        lambda da: da.rio.write_crs("EPSG:32634"),
    ],
    ids=["selected", "changed", "moved", "another CRS"],
)
def test_an_array_that_is_no_file_is_kept_as_one(tmp_path: Path, cache: Path, change: Any) -> None:
    changed = change(scenes.opened(scenes.written(tmp_path / "scene.tif", scenes.pixels())))
    kept = root(changed)
    assert kept.parent == cache / "rasters"
    with rasterio.open(kept) as raster:
        np.testing.assert_array_equal(raster.read(), changed)
        assert raster.crs == changed.rio.crs
        assert raster.bounds == pytest.approx(changed.rio.bounds())


def test_equal_pixels_are_one_file_and_a_folder_may_be_named(tmp_path: Path) -> None:
    first, again = (root(scenes.scene()) for _ in range(2))
    assert first == again
    elsewhere = root(scenes.scene(), folder=tmp_path / "elsewhere")
    assert (elsewhere.name, elsewhere.parent) == (first.name, tmp_path / "elsewhere")
    other = scenes.pixels()
    other[2, 37, 60] += 1
    assert root(scenes.scene(other)).name != first.name
    (tmp_path / "taken").write_text("")
    with pytest.raises(WorldError, match=r"folder='.*taken' cannot be made \(.*\); name one that can"):
        root(scenes.scene(), folder=tmp_path / "taken")


def test_a_damaged_kept_file_is_written_anew() -> None:
    path = root(scenes.scene())
    path.write_bytes(path.read_bytes()[:900])
    assert root(scenes.scene()) == path
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(raster.read(), scenes.pixels())


def test_a_lazy_array_is_read_in_chunks() -> None:
    assert root(scenes.scene().chunk({"y": 10, "x": 17})) == root(scenes.scene())


def rotated(path: Path) -> Path:
    turned = Affine.translation(scenes.LEFT, scenes.TOP) * Affine.rotation(20) * Affine.scale(15, -15)
    return scenes.written(path, scenes.pixels(), transform=turned)


REFUSED = {
    "no CRS": (lambda da: da.drop_vars("spatial_ref"), r"the array has no CRS; give it the one"),
    "unnamed": (
        lambda da: da.rename(y="lat", x="lon").drop_vars(["lat", "lon"]).rename(lat="a"),
        r"no y and x",
    ),
    "times": (lambda da: da.expand_dims(time=2), r"has dimensions \('time', 'band', 'y', 'x'\); select one"),
    "double": (lambda da: (da / 250).astype("float64"), r"holds float64, and worlds uint8, uint16, float32"),
    "signed": (lambda da: da.astype("int16"), r"holds int16, and worlds"),
    "beyond 1": (
        lambda da: da.astype("float32"),
        r"float32 values from \d+ to \d+, and worlds of float32 0",
    ),
    "gap": (lambda da: da.isel(x=[1, 2, 5, 6]), r"the array's x is not evenly spaced, from 15 to 45"),
    "oblong": (lambda da: da[:, :, ::2], r"the array has pixels of 30 x 15, and a world square ones"),
    "one band": (lambda da: da[:1], r"has 1 band, and model='bundled:earth-small' draws 3"),
    "no band": (lambda da: da[0], r"has 1 band, and model='bundled:earth-small' draws 3"),
    "four bands": (lambda da: da.isel(band=[0, 1, 2, 0]), r"the array has 4 bands, and model="),
    "no labels": (lambda da: da.drop_vars("x"), r"the array has no coordinates along x; open it with them"),
}
BY_HAND = {"unnamed", "gap", "no labels"}
"""Those whose remedy needs what only the user knows."""


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_no_world_can_have_is_refused_with_a_remedy_that_works(case: str) -> None:
    spoil, message = REFUSED[case]
    real = spoil(scenes.scene())
    with pytest.raises(WorldError, match=message) as said:
        real.geoinfinite.zoom(4)
    if case in BY_HAND:
        return
    advice = str(said.value).rpartition(": ")[2]
    advised = next(
        part for part in advice.split(" for ")[0].split(", or ") if part.startswith(("real", "(real"))
    )
    if case == "no CRS":
        advised = advised.replace("4326", "32633")
    mended = eval(advised, {"real": real})
    if case == "times":
        assert mended.dims == ("band", "y", "x")
    if case == "double":
        mended = real.astype("float32")
    if case == "one band":
        assert mended.shape == (3, 38, 61)
    assert mended.geoinfinite.zoom(4).shape[1] >= 76


@pytest.mark.filterwarnings("ignore:Transform that is non-rectilinear")
def test_a_rotated_raster_is_refused_and_can_be_warped(tmp_path: Path) -> None:
    real = scenes.opened(rotated(tmp_path / "scene.tif"))
    with pytest.raises(WorldError, match=r"the array is rotated by 20 degrees; warp it north-up: real.rio"):
        real.geoinfinite.zoom(4)
    warped = real.rio.reproject(real.rio.crs)
    assert warped.geoinfinite.zoom(4).shape == (3, 4 * warped.sizes["y"], 4 * warped.sizes["x"])


def test_holes_must_be_those_of_the_array() -> None:
    real = scenes.scene()
    for holes, message in (
        (np.zeros((38, 61), bool), r"holes=ndarray must be a DataArray of booleans with dimensions y, x"),
        (real[0] == 9, None),
        (real[0, :5] == 9, r"holes has \{'y': 5, 'x': 61\} pixels, the array"),
        ((real[0] == 9).assign_coords(x=real.x + 15), r"holes has other x than the array"),
    ):
        if message is None:
            assert real.geoinfinite.fill(holes=holes, model=GAUSSIAN).shape == real.shape
            continue
        with pytest.raises(WorldError, match=message):
            real.geoinfinite.fill(holes=holes, model=GAUSSIAN)


def test_numbers_that_are_none_of_the_file_are_refused(tmp_path: Path) -> None:
    real = scenes.opened(nodata(tmp_path / "scene.tif"), masked=True)
    off = real.copy(data=real.values + 0.25)
    off.encoding = real.encoding
    with pytest.raises(WorldError, match=r"holds float32 values that are no uint8, as its file has; convert"):
        off.geoinfinite.zoom(4, model=GAUSSIAN)
    mended = off.fillna(0).round().clip(0, 255).astype("uint8")
    assert mended.geoinfinite.zoom(4, model=GAUSSIAN).shape == (3, 152, 244)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="modle"):
        scenes.scene().geoinfinite.zoom(4, modle=GAUSSIAN)


def test_arrays_have_the_accessor_though_xarray_is_imported_later() -> None:
    code = "import geoinfinite, rioxarray, xarray; print(type(xarray.DataArray([1]).geoinfinite).__name__)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "GeoInfiniteAccessor"
