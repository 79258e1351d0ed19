"""Rasters in any CRS: a value is a function of its pixel, at the right place, and bad files are named."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
import rasterio.warp
import rasterio.windows
from affine import Affine
from grounds import GRIDS, HINT
from pyproj import Transformer

import geoinfinite as gi
from geoinfinite.conditions import Place, Raster, check_digest
from geoinfinite.conditions.sampling import Density, density
from geoinfinite.conditions.source_raster import source_raster
from geoinfinite.errors import CostWarning, WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

FILL = (0,)
WHOLE = Window(11, 107, 23, 135)


def assert_window_law(
    condition: Any, grid: Grid, window: Window, slot: Slot = HINT, level: int = 0
) -> np.ndarray:
    """Any window's values are the crop of a larger one's, bit for bit."""
    whole = condition.told(Place(grid, level, window), slot)
    for part in grounds.tiles(window, 29):
        found = condition.told(Place(grid, level, part), slot)
        np.testing.assert_array_equal(found, whole[:, *part.slices(window)])
    assert whole.std() > 0
    return whole


@pytest.mark.parametrize("crs", list(grounds.STEPS))
@pytest.mark.parametrize("grid", list(GRIDS))
def test_values_are_a_function_of_the_pixel_in_every_crs(tmp_path: Path, crs: str, grid: str) -> None:
    assert_window_law(Raster("hint", grounds.source(tmp_path, crs), fill=FILL), GRIDS[grid], WHOLE)


@pytest.mark.parametrize("resampling", ["bilinear", "nearest", "average", "majority"])
@pytest.mark.parametrize("how", [{"angle": -30.0}, {"finer": 3.0}, {"finer": 3.0, "overviews": [2, 4]}])
def test_and_however_it_is_sampled(tmp_path: Path, resampling: str, how: dict[str, Any]) -> None:
    condition = Raster("hint", grounds.source(tmp_path, "EPSG:4326", **how), resampling=resampling, fill=FILL)
    assert_window_law(condition, GRIDS["EPSG:32632"], WHOLE)


def test_a_warp_of_every_window_breaks_the_law(tmp_path: Path) -> None:
    """What GDAL's warp does, which fits an approximation to the window: the law's test sees it."""
    path = grounds.source(tmp_path, "EPSG:4326")

    class Warped:
        def told(self, place: Place, slot: Slot) -> np.ndarray:
            with rasterio.open(path) as raster:
                out = np.zeros((3, *place.window.shape), np.float32)
                rasterio.warp.reproject(
                    rasterio.band(raster, (1, 2, 3)),
                    out,
                    dst_transform=place.grid.transform(place.level, place.window),
                    dst_crs=place.grid.crs,
                    resampling=rasterio.warp.Resampling.bilinear,
                )
            return out

    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_window_law(Warped(), GRIDS["EPSG:32632"], WHOLE)


def test_bilinear_values_are_scipy_s(tmp_path: Path) -> None:
    from scipy.ndimage import map_coordinates

    path, grid = grounds.source(tmp_path, "EPSG:4326", finer=0.5), GRIDS["EPSG:32632"]
    found = Raster("hint", path, fill=FILL).told(Place(grid, 0, WHOLE), HINT)
    with rasterio.open(path) as raster:
        values, back = raster.read().astype(float), ~raster.transform
    x = grid.origin[0] + (np.arange(WHOLE.x0, WHOLE.x1) + 0.5) * grid.resolution
    y = grid.origin[1] - (np.arange(WHOLE.y0, WHOLE.y1) + 0.5) * grid.resolution
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(*np.meshgrid(x, y))
    column, row = back * (lon, lat)
    wanted = [map_coordinates(band, [row - 0.5, column - 0.5], order=1) / 255 for band in values]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize("crs", list(grounds.STEPS))
def test_a_blob_lies_where_pyproj_says(tmp_path: Path, crs: str) -> None:
    transform = grounds.about(crs, grounds.STEPS[crs])
    x0, y0 = grounds.around(crs)
    rows, columns = np.mgrid[:420, :420] + 0.5
    x, y = transform * (columns, rows)
    away = np.hypot(x - x0, y - y0) / (6 * grounds.STEPS[crs])
    values = np.repeat((255 * np.exp(-(away**2)))[None], 3, 0).astype(np.float32)
    path = grounds.write(tmp_path / "blob.tif", values, crs, transform)
    for name, grid in GRIDS.items():
        told = Raster("hint", path, fill=FILL).told(Place(grid, 0, grid.full(0)), HINT)[0]
        wanted = ~grid.transform(0) * grounds.around(name)
        mass = told / told.sum()
        column = (mass.sum(0) * (np.arange(told.shape[1]) + 0.5)).sum()
        row = (mass.sum(1) * (np.arange(told.shape[0]) + 0.5)).sum()
        assert np.hypot(column - wanted[0], row - wanted[1]) < 0.1


def test_a_source_once_round_the_earth_is_read_across_its_seam(tmp_path: Path) -> None:
    path = grounds.write(
        tmp_path / "e.tif", grounds.noise((3, 180, 360)), "EPSG:4326", Affine(1, 0, -180, 0, -1, 90)
    )
    earth = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=2, periodic=True)
    whole = assert_window_law(Raster("hint", path), earth, Window(40, 80, 440, 520))
    told = Raster("hint", path).told(Place(earth, 0, Window(40, 80, -40, 40)), HINT)
    np.testing.assert_array_equal(told, whole)


def test_a_source_beyond_the_antimeridian_is_found(tmp_path: Path) -> None:
    values = grounds.noise((3, 40, 40))
    path = grounds.write(tmp_path / "f.tif", values, "EPSG:4326", Affine(0.5, 0, 170, 0, -0.5, 10))
    grid = Grid("EPSG:4326", (-185.0, 8.0), 0.5, (20, 20))
    told = Raster("hint", path).told(Place(grid, 0, grid.full(0)), HINT)
    np.testing.assert_allclose(told * 255, values[:, 4:24, 10:30], atol=1e-4)


def test_beyond_the_level_the_nearest_pixel_is_told(tmp_path: Path) -> None:
    grid = GRIDS["EPSG:32632"]
    condition = Raster("hint", grounds.source(tmp_path, "EPSG:32632"), fill=FILL)
    inner = condition.told(Place(grid, 0, Window(0, 9, 0, 9)), HINT)
    outer = condition.told(Place(grid, 0, Window(-5, 9, -4, 9)), HINT)
    np.testing.assert_array_equal(outer, np.pad(inner, ((0, 0), (5, 0), (4, 0)), mode="edge"))


def test_finer_sources_are_averaged_and_overviews_come_near(tmp_path: Path) -> None:
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 20.0, (60, 60))
    values = grounds.noise((3, 480, 480))
    transform = Affine(2.5, 0, 500_000, 0, -2.5, 5_200_000)
    means = values.reshape(3, 60, 8, 60, 8).mean(axis=(2, 4)) / 255
    place = Place(grid, 0, grid.full(0))
    plain = grounds.write(tmp_path / "a.tif", values, "EPSG:32632", transform)
    with pytest.warns(CostWarning, match=r"8 times finer than level 0, which reads 64 samples"):
        told = Raster("hint", plain, resampling="average").told(place, HINT)
    np.testing.assert_allclose(told, means, atol=1e-6)
    with_overviews = grounds.write(tmp_path / "b.tif", values, "EPSG:32632", transform, overviews=[2, 4])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = Raster("hint", with_overviews, resampling="average").told(place, HINT)
    assert np.abs(near - means).max() < 1.5 / 255
    header = source_raster(Path(with_overviews), "x")
    assert density(header, grid, 0, 1, True) == Density(overview=1, parts=2)


def test_split_reads_give_the_same_bits(tmp_path: Path) -> None:
    """Far apart points need more of the source than is read at once."""
    values, transform = grounds.noise((1, 3000, 3000)), Affine(2.0, 0, 500_000, 0, -2.0, 5_200_000)
    path = grounds.write(tmp_path / "big.tif", values, "EPSG:32632", transform)
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 100.0, (58, 58))
    slot = Slot("map", "raster", channels=1)
    assert_window_law(Raster("map", path, resampling="nearest"), grid, Window(1, 57, 2, 58), slot)


def test_classes_have_values(tmp_path: Path) -> None:
    classes = grounds.noise((1, 420, 420)) % 3
    path = grounds.write(tmp_path / "c.tif", classes, "EPSG:4326", grounds.about("EPSG:4326", 2e-4))
    table = {0: (255, 0, 0), 1: (0, 255, 0), 2: (0, 0, 255)}
    condition = Raster("hint", path, resampling="nearest", colours=table, fill=FILL)
    told = assert_window_law(condition, GRIDS["EPSG:32632"], WHOLE)
    assert set(np.unique(told)) == {0.0, 1.0}
    np.testing.assert_array_equal(told.sum(0), np.ones(WHOLE.shape, np.float32))
    partial = Raster("hint", path, colours={0: (1, 2, 3), 1: (1, 2, 3)}, fill=FILL)
    with pytest.raises(WorldError, match=r"holds the class 2, for which colours has no values; add it"):
        partial.told(Place(GRIDS["EPSG:32632"], 0, WHOLE), HINT)


def test_the_colours_of_a_palette_are_told(tmp_path: Path) -> None:
    classes, transform = grounds.noise((1, 420, 420)) % 2, grounds.about("EPSG:32632", 17.0)
    colours = {0: (10, 20, 30, 255), 1: (200, 100, 50, 255)}
    path = grounds.write(tmp_path / "p.tif", classes, "EPSG:32632", transform, colours=colours)
    place = Place(GRIDS["EPSG:32632"], 0, WHOLE)
    told = Raster("hint", path, resampling="nearest", fill=FILL).told(place, HINT)
    found = {tuple(np.rint(colour * 255).astype(int)) for colour in told.reshape(3, -1).T}
    assert found == {(10, 20, 30), (200, 100, 50)}


def test_bands_are_told_by_name(tmp_path: Path) -> None:
    slot, grid = Slot("hint", "raster", bands=("red", "nir"), channels=2), GRIDS["EPSG:32632"]
    values, transform = grounds.noise((3, 420, 420)), grounds.about("EPSG:32632", 17.0)
    one = grounds.write(tmp_path / "1.tif", values, "EPSG:32632", transform, names=("red", "green", "nir"))
    other = grounds.write(
        tmp_path / "2.tif", values[[2, 0, 1]], "EPSG:32632", transform, names=("nir", "red", "green")
    )
    first, second = (
        Raster("hint", path, fill=FILL).told(Place(grid, 0, WHOLE), slot) for path in (one, other)
    )
    np.testing.assert_array_equal(first, second)
    by_number = Raster("hint", one, bands=(1, 3), fill=FILL).told(Place(grid, 0, WHOLE), slot)
    np.testing.assert_array_equal(first, by_number)


def test_what_is_not_known_is_filled_or_refused(tmp_path: Path) -> None:
    grid, mask = GRIDS["EPSG:32632"], np.ones((420, 420), bool)
    mask[180:240, 150:260] = False
    path, place = grounds.source(tmp_path, "EPSG:32632", mask=mask), Place(grid, 0, grid.full(0))
    with pytest.raises(WorldError, match=r"knows nothing at \d+ samples of level 0, .*fill = 0"):
        Raster("hint", path).told(place, HINT)
    told = Raster("hint", path, fill=(255, 0, 51)).told(place, HINT)
    colour = np.array([1, 0, 0.2], np.float32)[:, None, None]
    row, column = (int(v) for v in reversed(~grid.transform(0) * grounds.around("EPSG:32632")))
    inside = told[:, row - 9 : row + 9, column - 20 : column + 20]
    np.testing.assert_allclose(inside, np.broadcast_to(colour, inside.shape), atol=1e-6)


def test_integers_are_mapped_to_the_slot_and_floats_are_not(tmp_path: Path) -> None:
    place = Place(GRIDS["EPSG:32632"], 0, WHOLE)
    values, transform = (
        grounds.noise((3, 420, 420)).astype(np.uint16) * 257,
        grounds.about("EPSG:32632", 17.0),
    )
    path = grounds.write(tmp_path / "u.tif", values, "EPSG:32632", transform)
    told = Raster("hint", path).told(place, HINT)
    assert 0 <= told.min() < told.max() <= 1
    scaled = Raster("hint", path, scale=2.0, offset=1.0).told(place, HINT)
    np.testing.assert_allclose(scaled, told * 65535 * 2 + 1, rtol=1e-5)
    floats = grounds.write(tmp_path / "f.tif", values.astype(np.float32), "EPSG:32632", transform)
    np.testing.assert_allclose(Raster("hint", floats).told(place, HINT), told * 65535, rtol=1e-5)


def test_building_and_planning_read_no_pixel(tmp_path: Path) -> None:
    """A file whose pixels are gone serves until one of them is asked for."""
    path = Path(grounds.source(tmp_path, "EPSG:4326"))
    with path.open("r+b") as file:
        file.truncate(2000)
    world = gi.World.for_model(
        "analytic:conditional",
        crs="EPSG:32632",
        bounds=(500_000, 5_196_000, 504_000, 5_200_000),
        resolution=20,
        conditions=[Raster("hint", str(path), fill=0)],
    )
    assert gi.plan(world.array(0)).evaluations > 0
    with pytest.raises(WorldError, match=r"condition.hint.source=.* cannot be read at .*truncated"):
        gi.generate(world, 0, Window(0, 8, 0, 8))


def test_a_condition_is_small_and_its_content_is_its_name(tmp_path: Path) -> None:
    path = grounds.source(tmp_path, "EPSG:4326")
    condition = Raster("hint", path, fill=FILL)
    assert len(pickle.dumps(condition)) < 1000
    assert pickle.loads(pickle.dumps(condition)) == condition
    copy = shutil.copy(path, tmp_path / "copy.tif")
    assert Raster("hint", copy, fill=FILL).described() == condition.described()
    with rasterio.open(copy, "r+") as raster:
        raster.write(raster.read() + 1)
    assert Raster("hint", copy, fill=FILL).described() != condition.described()


def test_what_lies_beside_a_file_of_a_stated_digest_is_content(tmp_path: Path) -> None:
    path = grounds.source(tmp_path, "EPSG:4326")
    condition = Raster("hint", path, digest="sha256:" + "0" * 64)
    before = condition.described()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as raster:
        raster.write_mask(np.full(raster.shape, 255, np.uint8))
    assert condition.described() != before


def test_memory_is_bounded_whatever_the_source(tmp_path: Path) -> None:
    """2.5 gigabytes of pixels, of which a coarse tile reads a few all over."""
    path, side = tmp_path / "huge.tif", 50_000
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(
        path,
        "w",
        **profile,
        crs="EPSG:32632",
        transform=Affine(1, 0, 500_000, 0, -1, 5_200_000),
        sparse_ok=True,
        compress="deflate",
    ) as raster:
        raster.write(np.full((1, 8, 8), 9, np.uint8), window=rasterio.windows.Window(25_000, 25_000, 8, 8))
    grid = Grid("EPSG:32632", (500_003.0, 5_199_997.0), 1000.0, (49, 49))
    condition, slot = Raster("map", str(path), resampling="nearest"), Slot("map", "raster", channels=1)
    tracemalloc.start()
    try:
        told = condition.told(Place(grid, 0, grid.full(0)), slot)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.sum() == 0
    assert most < 64 * 2**20


def test_a_stated_digest_is_believed(tmp_path: Path) -> None:
    path = grounds.source(tmp_path, "EPSG:4326")
    plain = Raster("hint", path)
    right = Raster("hint", path, digest="sha256:" + hashlib.sha256(Path(path).read_bytes()).hexdigest())
    assert right.described() == plain.described()
    check_digest(plain)
    check_digest(right)
    wrong = Raster("hint", path, digest="sha256:" + "0" * 64)
    assert wrong.described() != plain.described()
    with pytest.raises(
        WorldError, match=r"condition.hint.digest=.* is not that of .*write digest ="
    ) as caught:
        check_digest(wrong)
    written = str(caught.value).split('"')[-2]
    assert Raster("hint", path, digest=written) == right
    with pytest.raises(WorldError, match=r"condition.hint.digest='sha1:00' must be"):
        Raster("hint", path, digest="sha1:00")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, r"condition.name='' is not the name of a slot"),
        ({"source": 7}, r"condition.hint.source=7 is not the path of a file"),
        ({"levels": (-1,)}, r"condition.hint.levels=\(-1,\) is no list of levels"),
        ({"resampling": "cubic"}, r"condition.hint.resampling='cubic' is not one of bilinear, nearest"),
        ({"strength": -1}, r"condition.hint.strength=-1 must be at least 0"),
        ({"guidance": "much"}, r"condition.hint.guidance='much' must be a finite number"),
        ({"scale": float("nan")}, r"condition.hint.scale=nan must be a finite number"),
        ({"fill": "white"}, r"condition.hint.fill='white' must be a number, or a list"),
        ({"bands": (0,)}, r"condition.hint.bands=\(0,\) must be numbers from 1, or names"),
        ({"colours": ((1, 2, 3),)}, r"condition.hint.colours=.* must name a list of values for every class"),
        ({"colours": {"a": (1,)}}, r"condition.hint.colours=.*: classes are integers"),
    ],
)
def test_settings_that_have_no_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Raster(**{"name": "hint", "source": "x.tif", **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"bands": ("blue",)},
            r"'blue' is no band of .* has 3 bands and no names",
        ),
        (
            {"bands": (1, 2)},
            r"gives 2 bands, and the slot 'hint' is told 3; choose them",
        ),
        ({"fill": (1, 2)}, r"condition.hint.fill=\(1.0, 2.0\) has 2 values for 3 bands"),
    ],
)
def test_files_that_do_not_fit_the_slot(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    condition = Raster("hint", grounds.source(tmp_path, "EPSG:4326"), **settings)
    with pytest.raises(WorldError, match=message):
        condition.check(HINT, GRIDS["EPSG:32632"], 0)


def test_files_without_a_place(tmp_path: Path) -> None:
    grid = GRIDS["EPSG:32632"]
    path = grounds.write(
        tmp_path / "n.tif", grounds.noise((3, 9, 9)), None, grounds.about("EPSG:4326", 1e-3, 9)
    )
    with pytest.raises(WorldError, match=r"condition.hint.source=.*n.tif' has no CRS"):
        Raster("hint", path).check(HINT, grid, 0)
    with pytest.raises(WorldError, match=r"condition.hint.source=.*none.tif' does not exist"):
        Raster("hint", str(tmp_path / "none.tif")).check(HINT, grid, 0)
    with pytest.raises(WorldError, match="kind='raster' cannot fill the slot 'prompt', which is told text"):
        Raster("prompt", path).check(Slot("prompt", "text"), grid, 0)
    assert gi.conditions.Raster is Raster
