"""Map tiles against rasterio's warper and SciPy's interpolation, over the antimeridian and the poles."""

from __future__ import annotations

from pathlib import Path

import morecantile
import numpy as np
import pytest
import rasterio.transform
import rasterio.warp
import rioxarray  # noqa: F401  it registers .rio
import small_worlds
import xarray as xr
from affine import Affine
from rasterio.io import MemoryFile
from scipy.ndimage import map_coordinates

import geoinfinite as gi
from geoinfinite.errors import BudgetError, WindowError
from geoinfinite.views.canvas import Canvas
from geoinfinite.views.map_tiles import MapPyramid, MapTile, locate, render, render_tile

TILES = morecantile.tms.get("WebMercatorQuad")
ARCTIC = morecantile.tms.get("UPSArcticWGS84Quad")
ALPS = morecantile.Tile(x=133, y=91, z=8)


def world(name: str = "analytic") -> gi.World:
    return gi.World.load(name)


def pyramid(levels: int = 4, **settings: object) -> MapPyramid:
    toy = world()
    return MapPyramid({level: toy.array(level) for level in range(levels)}, **settings)


def patch(folder: Path) -> gi.World:
    recipe = small_worlds.patch_world(folder)
    return gi.World(**{name: getattr(recipe, name) for name in recipe.__dataclass_fields__})


def warped(da: xr.DataArray, canvas: Canvas, how: str) -> np.ndarray:
    """The same picture by GDAL's warper, from the loaded array."""
    out = np.zeros((da.sizes["band"], *canvas.shape), da.dtype)
    across, down = canvas.pixel
    rasterio.warp.reproject(
        da.values,
        out,
        src_transform=da.rio.transform(),
        src_crs=da.rio.crs,
        dst_transform=Affine(across, 0, canvas.bounds[0], 0, -down, canvas.bounds[3]),
        dst_crs=canvas.crs,
        resampling=rasterio.warp.Resampling[how],
        tolerance=0,
    )
    return out


def around(world_: gi.World, level: int, canvas: Canvas) -> xr.DataArray:
    """The pixels of a level under a canvas and some beyond, loaded."""
    west, south, east, north = rasterio.warp.transform_bounds(canvas.crs, world_.grid.crs, *canvas.bounds)
    span = max(east - west, north - south) / 4
    return world_.array(level, bounds=(west - span, south - span, east + span, north + span)).load()


def test_the_nearest_pixels_are_those_of_the_warper() -> None:
    canvas = Canvas.of_tile(TILES, ALPS, 128)
    tile = render(pyramid(resampling="nearest"), canvas)
    assert (tile.level, tile.pixels.shape, tile.mask.all()) == (2, (3, 128, 128), True)
    # Places on the edge between two pixels may fall on either side.
    assert (tile.pixels != warped(around(world(), 2, canvas), canvas, "nearest")).mean() < 0.002


def test_interpolated_pixels_are_those_of_the_warper() -> None:
    canvas = Canvas.of_tile(TILES, morecantile.Tile(x=133 * 8 + 3, y=91 * 8 + 5, z=11), 256)
    tile = render(pyramid(3), canvas)
    expected = warped(around(world(), 2, canvas), canvas, "bilinear")
    assert tile.level == 2
    assert np.abs(tile.pixels.astype(int) - expected).max() <= 1


def test_a_grid_in_utm_is_drawn_where_it_lies_and_nowhere_else(tmp_path: Path) -> None:
    here = patch(tmp_path)
    tiles = MapPyramid({level: here.array(level) for level in range(3)}, resampling="nearest")
    west, south, east, north = rasterio.warp.transform_bounds(
        "EPSG:32633", "EPSG:3857", *here.grid.bounds(0, here.grid.full(0))
    )
    canvas = Canvas("EPSG:3857", (west - 900, south - 500, east + 300, north + 700), (70, 100))
    tile = render(tiles, canvas)
    level = here.array(tile.level).load()
    left, bottom, right, top = canvas.bounds
    x, y = np.meshgrid(
        left + (np.arange(100) + 0.5) / 100 * (right - left),
        top - (np.arange(70) + 0.5) / 70 * (top - bottom),
    )
    places = rasterio.warp.transform("EPSG:3857", "EPSG:32633", x.ravel(), y.ravel())
    rows, columns = rasterio.transform.rowcol(level.rio.transform(), *places)
    inside = (rows >= 0) & (rows < level.sizes["y"]) & (columns >= 0) & (columns < level.sizes["x"])
    expected = np.where(inside, level.values[:, rows * inside, columns * inside], 0)
    assert (tile.mask.ravel() == inside).all()
    assert (tile.pixels.reshape(3, -1) == expected).all()
    assert 0.7 < tile.mask.mean() < 0.99
    assert not tile.pixels[:, ~tile.mask].any()
    antipode = Canvas("EPSG:3857", (-18_500_000, -5_900_000, -18_400_000, -5_800_000), (32, 32))
    assert not render(tiles, antipode).mask.any()


def shifted(canvas: Canvas, by: float) -> Canvas:
    left, bottom, right, top = canvas.bounds
    return Canvas(canvas.crs, (left + by, bottom, right + by, top), canvas.shape)


@pytest.mark.parametrize("turns", [-1, 0, 1])
def test_there_is_no_seam_at_the_antimeridian(turns: int) -> None:
    over = shifted(Canvas("EPSG:4326", (179.0, -17.5, 181.0, -16.5), (32, 64)), 360.0 * turns)
    whole = render(pyramid(), over)
    fiji = world().array(whole.level, bounds=(178.5, -18.0, -178.5, -16.0)).load()
    rows, columns = np.indices(over.shape)
    step, left, top = float(fiji.x[1] - fiji.x[0]), float(fiji.x[0]), float(fiji.y[0])
    places = (top - (-16.5 - (rows + 0.5) / 32)) / step, (179 + (columns + 0.5) / 32 - left) / step
    expected = [map_coordinates(band.astype(float), places, order=1) for band in fiji.values]
    assert np.abs(whole.pixels - np.array(expected)).max() <= 0.51
    halves = [
        render(pyramid(), Canvas("EPSG:4326", (west, -17.5, west + 1, -16.5), (32, 32)))
        for west in (179.0, -180.0)
    ]
    assert (np.concatenate([half.pixels for half in halves], axis=2) == whole.pixels).all()


def test_a_window_over_the_antimeridian_is_drawn_on_both_sides() -> None:
    window = world().array(2, bounds=(179.0, -17.5, -179.0, -16.5))
    tiles = MapPyramid({2: window})
    for west in (179.0, -180.0):
        canvas = Canvas("EPSG:4326", (west + 0.1, -17.3, west + 0.9, -16.9), (16, 16))
        assert (render(tiles, canvas).pixels == render(pyramid(3), canvas, level=2).pixels).all()
    assert not render(tiles, Canvas("EPSG:4326", (-1, -17, 1, -16), (16, 16))).mask.any()


def test_the_pole_is_drawn_whole_and_at_a_bounded_cost() -> None:
    tile = render_tile(pyramid(8), ARCTIC, morecantile.Tile(x=8, y=8, z=4), 256)
    assert tile.mask.all()
    assert tile.window.size <= 32 * 256**2
    # The North Pole of the root is water of one colour all round: no ray may show where columns begin.
    pole = Canvas("EPSG:5041", (1_900_000, 1_900_000, 2_100_000, 2_100_000), (64, 64))
    picture = render(pyramid(1), pole)
    assert picture.mask.all()
    assert picture.window.width > 5300
    assert np.abs(np.diff(picture.pixels.astype(int), axis=1)).max() < 30


def test_the_whole_earth_is_read_from_the_root_alone_and_averaged() -> None:
    tile = render_tile(pyramid(8), TILES, morecantile.Tile(x=0, y=0, z=0))
    assert (tile.level, tile.evaluations, tile.mask.all()) == (0, 0, True)
    block = locate(pyramid(8), Canvas.of_tile(TILES, morecantile.Tile(0, 0, 0), 256)).block
    assert 10 < block < 21
    assert 5400 % block == 0
    root = world().array(0).coarsen(x=block, y=block).mean()
    x = (np.arange(256) + 0.5) / 256 * (5400 // block)
    y = (90 - np.degrees(2 * np.arctan(np.exp(np.pi * (1 - (np.arange(256) + 0.5) / 128))) - np.pi / 2)) / 180
    places = np.broadcast_arrays(y[:, None] * (2700 // block) - 0.5, x[None] - 0.5)
    expected = [map_coordinates(band, places, order=1, mode="grid-wrap") for band in root.values]
    assert np.abs(tile.pixels - np.array(expected))[:, 8:-8].max() <= 0.6


@pytest.mark.parametrize(("zoom", "level"), [(2, 0), (6, 1), (7, 2), (8, 2), (9, 3), (24, 3)])
def test_the_level_is_the_coarsest_that_is_fine_enough(zoom: int, level: int) -> None:
    equator = morecantile.Tile(x=2**zoom // 3, y=2**zoom // 2, z=zoom)
    assert locate(pyramid(), Canvas.of_tile(TILES, equator, 256)).key == level


def test_a_stretch_takes_coarser_levels() -> None:
    canvas = Canvas.of_tile(TILES, ALPS._replace(x=266, y=182, z=9), 256)
    assert [locate(pyramid(stretch=s), canvas).key for s in (1.0, 2.0)] == [3, 2]


def test_evaluations_are_those_of_the_plan_and_none_of_what_is_stored() -> None:
    lazy = render_tile(pyramid(), TILES, ALPS, 128)
    window = (
        world()
        .array(lazy.level)
        .isel(y=slice(lazy.window.y0, lazy.window.y1), x=slice(lazy.window.x0, lazy.window.x1))
    )
    assert lazy.evaluations == gi.plan(window).cold_evaluations > 0
    stored = MapPyramid({lazy.level: window.load()})
    canvas = Canvas.of_tile(TILES, ALPS, 128)
    assert render(stored, canvas).evaluations == 0
    assert (render(stored, canvas).pixels == lazy.pixels).all()


def revealing(dtype: str, bands: int = 3, scale: float = 1.0) -> xr.DataArray:
    values = small_worlds.revealing(12, 20)[:bands].astype(dtype) * np.dtype(dtype).type(scale)
    x, y = 7.0 + 0.1 * (np.arange(20) + 0.5), 46.0 - 0.1 * (np.arange(12) + 0.5)
    return xr.DataArray(values, {"y": y, "x": x}, ("band", "y", "x")).rio.write_crs("EPSG:4326")


CELLS = Canvas("EPSG:4326", (7.0, 44.8, 9.0, 46.0), (12, 20))


@pytest.mark.parametrize(("dtype", "scale"), [("uint8", 1), ("uint16", 257), ("float32", 1 / 255)])
def test_the_range_of_every_dtype_becomes_8_bits(dtype: str, scale: float) -> None:
    tile = render(MapPyramid({0: revealing(dtype, 3, scale)}), CELLS)
    assert (tile.pixels == small_worlds.revealing(12, 20)).all()


def test_arrays_of_other_programs_are_drawn_with_limits() -> None:
    south_up = revealing("int32", 1).isel(y=slice(None, None, -1))
    with pytest.raises(WindowError, match=r"array of int32 .* MapPyramid\(arrays, limits=\(LOW, HIGH\)\)"):
        render(MapPyramid({0: south_up}), CELLS)
    tile = render(MapPyramid({0: south_up}, limits=(0, 255)), CELLS)
    assert (tile.pixels == small_worlds.revealing(12, 20)[:1]).all()


def test_pixels_that_are_no_number_are_transparent() -> None:
    holed = revealing("float32", 3, 1 / 255)
    holed[1, 4, 7] = np.nan
    tile = render(MapPyramid({0: holed}), CELLS)
    assert np.argwhere(~tile.mask).tolist() == [[4, 7]]


def decoded(tile: MapTile, image_format: str) -> tuple[np.ndarray, list[str]]:
    with MemoryFile(tile.encode(image_format)) as memory, memory.open() as raster:
        return raster.read(), [interpretation.name for interpretation in raster.colorinterp]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("bands", "names"), [(3, ["red", "green", "blue"]), (1, ["gray"])])
def test_files_of_pictures_hold_their_pixels(bands: int, names: list[str]) -> None:
    inside = render(MapPyramid({0: revealing("uint8", bands)}), CELLS)
    pixels, found = decoded(inside, "png")
    assert found == names
    assert (pixels == inside.pixels).all()
    over = Canvas("EPSG:4326", (8.0, 44.8, 10.0, 46.0), (12, 20))
    beside = render(MapPyramid({0: revealing("uint8", bands)}), over)
    pixels, found = decoded(beside, "png")
    assert found == [*names, "alpha"]
    assert (pixels[-1] == 255 * beside.mask).all()
    assert (pixels[:-1] == beside.pixels).all()
    for image_format, most in (("webp", 60), ("jpeg", 60)):
        pixels, _ = decoded(beside, image_format)
        assert np.abs(pixels[0].astype(int) - beside.pixels[0]).mean() < most
    with pytest.raises(WindowError, match="format='gif' is not one of png, webp, jpeg; take one of them"):
        beside.encode("gif")


def test_a_picture_that_would_read_too_much_is_refused() -> None:
    toy = world()
    with pytest.raises(BudgetError, match=r"takes 13,.* pixels of level 0, more than 1,000; zoom in, or add"):
        render_tile(MapPyramid({0: toy.array(0)}, most_pixels=1000), TILES, morecantile.Tile(0, 0, 0))


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(WindowError, match="level=9 is not there; take one of 0, 1, 2, 3"):
        render(pyramid(), CELLS, level=9)


@pytest.mark.parametrize(
    ("da", "message"),
    [
        (revealing("uint8").drop_vars("spatial_ref"), "the array has no CRS; say it: da.rio.write_crs"),
        (revealing("uint8").rename(y="lat"), r"dimensions band, lat, x has no place .* da.rename\(lat="),
        (revealing("uint8").isel(x=[0, 1, 5]), "the labels of x are not evenly spaced"),
        (revealing("uint8").isel(y=[3]), "y has 1 labels, from which no pixel size follows; take more"),
    ],
)
def test_arrays_without_a_place_are_refused(da: xr.DataArray, message: str) -> None:
    with pytest.raises(WindowError, match=message):
        MapPyramid({0: da})
