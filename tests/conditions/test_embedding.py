"""Fields of vectors: at the place of every cell, stored vectors bit for bit, between directions if asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
from affine import Affine
from grounds import GRIDS
from pyproj import Transformer
from scipy.ndimage import map_coordinates
from scipy.spatial import geometric_slerp

from geoinfinite.conditions import Embedding, Place
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "large_image_diffusion"
ONE = Slot("embedding", "embedding", channels=6, cells=1)
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=2, periodic=True)


def vectors(shape: tuple[int, int], channels: int = 6, seed: int = 4) -> np.ndarray:
    """Vectors of many lengths, float32 ``(channel, y, x)``, with components of very different sizes."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-6, 1, (channels, *shape))
    return np.asarray(rng.normal(size=(channels, *shape)) * sizes, np.float32)


class TestSlerp(ConditionContract):
    slot = Slot("embedding", "embedding", channels=6, cells=4)

    def condition(self, tmp_path: Any) -> Embedding:
        transform = grounds.about("EPSG:4326", 8e-4, 100, angle=20.0)
        path = grounds.write(tmp_path / "e.tif", vectors((100, 100)), "EPSG:4326", transform)
        return Embedding("embedding", path, interpolation="slerp")

    def change(self, condition: Any) -> None:
        with rasterio.open(condition.path, "r+") as raster:
            raster.write(vectors(raster.shape, seed=9))


class TestFieldOnTheEarth(TestSlerp):
    """Across the antimeridian."""

    grid = EARTH
    level = 0
    window = Window(40, 104, 440, 504)

    def condition(self, tmp_path: Any) -> Embedding:
        path = grounds.write(
            tmp_path / "e.tif", vectors((18, 36)), "EPSG:4326", Affine(10, 0, -180, 0, -10, 90)
        )
        return Embedding("embedding", path)


class TestVectorsForMetresOfGround(TestSlerp):
    """A tile of 57 px of 5 m is told 4 x 4 vectors, and one of 37 px 3 x 3."""

    slot = Slot("embedding", "embedding", channels=6, cell_m=70.0)


@pytest.mark.skipif(not FIXTURE.is_dir(), reason="the published fixtures are not beside the project")
def test_windows_of_large_image_diffusion(tmp_path: Path) -> None:
    """A vector stands in the middle of 256 px; a window of 256 px begins at any latent cell of 4 px."""
    from safetensors.numpy import load_file

    given, wanted = (load_file(FIXTURE / f"{name}.safetensors") for name in ("inputs", "outputs"))
    field = np.moveaxis(given["embedding_grid"], -1, 0)
    transform = Affine(256 * 0.6, 0, 500_000, 0, -256 * 0.6, 5_200_000)
    path = grounds.write(tmp_path / "ssl.tif", field, "EPSG:32632", transform)
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 0.6, (1024, 1024))
    slot = Slot("embedding", "embedding", channels=48, cells=1)
    condition = Embedding("embedding", path, interpolation="slerp")
    for (row, column), embedding in zip(
        given["window_row_col"].tolist(), wanted["window_embedding_slerp"], strict=True
    ):
        window = Window(4 * row, 4 * row + 256, 4 * column, 4 * column + 256)
        told = condition.told(Place(grid, 0, window), slot)
        np.testing.assert_allclose(told[:, 0, 0], embedding, rtol=0, atol=1e-5)


def test_between_two_vectors_it_is_scipy_s(tmp_path: Path) -> None:
    """Along a row, for vectors of length 1; the vectors of the other row are the same."""
    pair = np.random.default_rng(1).normal(size=(2, 6))
    pair /= np.linalg.norm(pair, axis=1)[:, None]
    field = np.repeat(pair.T[:, None], 3, axis=1).astype(np.float32)
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:32632", Affine(640, 0, 5e5, 0, -640, 5.2e6))
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 10.0, (192, 128))
    for start in (0, 8, 20, 37):
        place = Place(grid, 0, Window(40, 104, start, start + 64))
        told = Embedding("embedding", path, interpolation="slerp").told(place, ONE)
        wanted = geometric_slerp(pair[0], pair[1], start / 64)
        np.testing.assert_allclose(told[:, 0, 0], wanted, rtol=0, atol=1e-6)


def test_rows_come_first_and_vectors_that_are_nearly_alike_are_mixed(tmp_path: Path) -> None:
    """In the middle of four: by hand, with vectors of right angles, and of none."""
    unit = np.eye(4)
    corners = {(0, 0): unit[0], (0, 1): 2 * unit[1], (1, 0): 3 * unit[2], (1, 1): 3 * unit[2]}
    field = np.zeros((4, 2, 2), np.float32)
    for (row, column), vector in corners.items():
        field[:, row, column] = vector
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:32632", Affine(640, 0, 5e5, 0, -640, 5.2e6))
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 10.0, (128, 128))
    told = Embedding("embedding", path, interpolation="slerp").told(
        Place(grid, 0, Window(32, 96, 32, 96)), Slot("embedding", "embedding", channels=4, cells=1)
    )
    half = np.sqrt(0.5)
    top = half * (unit[0] + 2 * unit[1])
    np.testing.assert_allclose(told[:, 0, 0], half * (top + 3 * unit[2]), atol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "slerp"])
@pytest.mark.parametrize("origin", [(500_000.0, 5_200_000.0), (476_543.21, 5_234_567.89)])
def test_aligned_windows_are_told_the_stored_vectors(
    tmp_path: Path, interpolation: str, origin: tuple[float, float]
) -> None:
    """Bit for bit, one by one and as cells of a larger tile, though places are rounded."""
    field, step = vectors((7, 9)), 0.7
    transform = Affine(256 * step, 0, origin[0], 0, -256 * step, origin[1])
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:32632", transform)
    grid = Grid("EPSG:32632", origin, step, (7 * 256, 9 * 256))
    condition = Embedding("embedding", path, interpolation=interpolation)
    for row in range(7):
        for column in range(9):
            window = Window(256 * row, 256 * (row + 1), 256 * column, 256 * (column + 1))
            told = condition.told(Place(grid, 0, window), ONE)
            np.testing.assert_array_equal(told[:, 0, 0], field[:, row, column])
    place = Place(grid, 0, Window(256, 5 * 256, 3 * 256, 7 * 256))
    four = condition.told(place, Slot("embedding", "embedding", channels=6, cells=4))
    np.testing.assert_array_equal(four, field[:, 1:5, 3:7])


@pytest.mark.parametrize("interpolation", ["bilinear", "slerp"])
@pytest.mark.parametrize("channels", [6, 300])
def test_a_vector_does_not_depend_on_those_told_with_it(
    tmp_path: Path, interpolation: str, channels: int
) -> None:
    """Bit for bit, where places of cells are equal bit for bit: a tile of 4 x 4 cells, and one of them."""
    field = vectors((9, 9), channels)
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:32632", Affine(590, 0, 499_990, 0, -590, 5_200_100))
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 10.0, (400, 400))
    condition = Embedding("embedding", path, interpolation=interpolation)
    four, one = (Slot("embedding", "embedding", channels=channels, cells=n) for n in (4, 1))
    whole = condition.told(Place(grid, 0, Window(64, 320, 32, 288)), four)
    for row in range(4):
        for column in range(4):
            y, x = 64 + 64 * row, 32 + 64 * column
            told = condition.told(Place(grid, 0, Window(y, y + 64, x, x + 64)), one)
            np.testing.assert_array_equal(told[:, 0, 0], whole[:, row, column])


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3413", "EPSG:32760"])
def test_vectors_lie_where_pyproj_says(tmp_path: Path, crs: str) -> None:
    """On grids in other CRSs, near a pole and in the south, from a field in degrees round the Earth."""
    field = vectors((36, 72), seed=8)
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:4326", Affine(5, 0, -180, 0, -5, 90))
    origin, step = ((20.0, -30.0), 0.01) if crs == "EPSG:4326" else ((-410_000.0, 890_000.0), 2500.0)
    grid = Grid(crs, origin, step, (240, 320))
    place, slot = (
        Place(grid, 0, Window(40, 168, 24, 152)),
        Slot("embedding", "embedding", channels=6, cells=2),
    )
    told = Embedding("embedding", path).told(place, slot)
    x, y = np.array([grid.transform(0) * (c, r) for r in (72, 136) for c in (56, 120)]).T
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    at = [(90 - lat) / 5 - 0.5, (lon + 180) / 5 - 0.5]
    round_the_earth = np.pad(field, ((0, 0), (0, 0), (1, 1)), mode="wrap")
    wanted = [map_coordinates(band, [at[0], at[1] + 1], order=1, mode="nearest") for band in round_the_earth]
    np.testing.assert_allclose(told.reshape(6, 4), wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("tile", "counts"), [(256, (8, 4, 2)), (208, (6, 3, 2)), (100, (3, 2, 1))])
def test_coarser_levels_are_told_more_vectors(
    tmp_path: Path, tile: int, counts: tuple[int, int, int]
) -> None:
    """A vector stands for 96 m on every level, and for the whole tile where that has fewer metres."""
    rows, columns = np.mgrid[:60, :90].astype(np.float32)
    path = grounds.write(
        tmp_path / "e.tif", np.stack([columns, rows]), "EPSG:32632", Affine(96, 0, 5e5, 0, -96, 5.2e6)
    )
    slot = Slot("embedding", "embedding", channels=2, cell_m=96.0)
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 3.0, (1000, 1200), factor=2, levels=3)
    for level, count in enumerate(counts):
        window = Window(tile, 2 * tile, 3 * tile, 4 * tile)
        told = Embedding("embedding", path).told(Place(grid, level, window), slot)
        step = grid.resolution_at(level)
        middles = (tile + (np.arange(count) + 0.5) * tile / count) * step / 96 - 0.5
        assert told.shape == (2, count, count)
        np.testing.assert_allclose(told[1], np.repeat(middles[:, None], count, axis=1), atol=1e-5)
        shifted = middles + 2 * tile * step / 96
        np.testing.assert_allclose(told[0], np.repeat(shifted[None], count, axis=0), atol=1e-5)


@pytest.mark.parametrize("row", [0, 80, 150, 224])
def test_latitude_does_not_change_the_number_of_vectors(tmp_path: Path, row: int) -> None:
    """A level has one ground sample distance: that of the equator on a grid in degrees."""
    path = grounds.write(tmp_path / "e.tif", vectors((18, 36)), "EPSG:4326", Affine(10, 0, -180, 0, -10, 90))
    slot = Slot("embedding", "embedding", channels=6, cell_m=6_378_137.0 * np.radians(0.75) * 8)
    told = Embedding("embedding", path).told(Place(EARTH, 0, Window(row, row + 24, 470, 494)), slot)
    assert told.shape == (6, 3, 3)


def test_across_the_antimeridian_both_sides_count(tmp_path: Path) -> None:
    field = vectors((18, 36))
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:4326", Affine(10, 0, -180, 0, -10, 90))
    told = Embedding("embedding", path).told(Place(EARTH, 0, Window(94, 106, 470, 490)), ONE)
    wanted = (field[:, 7, 35] + field[:, 7, 0]) / 2
    np.testing.assert_allclose(told[:, 0, 0], wanted, rtol=1e-5, atol=1e-7)
    turned = Embedding("embedding", path).told(Place(EARTH, 0, Window(94, 106, -10, 10)), ONE)
    np.testing.assert_array_equal(turned, told)


@pytest.mark.parametrize("interpolation", ["bilinear", "slerp"])
@pytest.mark.parametrize("unknown", ["nan", "nodata"])
def test_where_a_vector_is_not_known_nothing_is_told(
    tmp_path: Path, interpolation: str, unknown: str
) -> None:
    """A vector without weight does not count, nor does its neighbour's absence."""
    field, transform = vectors((4, 4)), Affine(640, 0, 5e5, 0, -640, 5.2e6)
    field[2 if unknown == "nan" else slice(None), 1, 2] = np.nan if unknown == "nan" else -9999
    more = {} if unknown == "nan" else {"nodata": -9999}
    path = grounds.write(tmp_path / "e.tif", field, "EPSG:32632", transform, **more)
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 10.0, (256, 256))
    condition = Embedding("embedding", path, interpolation=interpolation)
    for window, known in (
        (Window(64, 128, 128, 192), False),
        (Window(64, 128, 127, 191), False),
        (Window(70, 134, 100, 164), False),
        (Window(64, 128, 64, 128), True),
        (Window(128, 192, 128, 192), True),
        (Window(0, 64, 0, 64), True),
        (Window(-900, 64, 0, 64), True),
    ):
        told = condition.told(Place(grid, 0, window), ONE)
        assert (told is not None) == known, window


def test_a_field_that_does_not_reach_the_tile_tells_it_nothing(tmp_path: Path) -> None:
    path = grounds.write(
        tmp_path / "e.tif", vectors((4, 4)), "EPSG:32632", Affine(640, 0, 6e5, 0, -640, 5.2e6)
    )
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 10.0, (256, 256))
    assert Embedding("embedding", path).told(Place(grid, 0, Window(0, 64, 0, 64)), ONE) is None


def test_a_fine_field_is_read_in_parts(tmp_path: Path) -> None:
    """Cells far apart in a field of many channels: what lies between them is not held at once."""
    rows, columns = np.mgrid[:900, :900].astype(np.float32)
    field = np.stack([rows, columns, rows - columns, 2 * rows] * 8)
    path = grounds.write(
        tmp_path / "e.tif", field, "EPSG:32632", Affine(2.5, 0, 5e5, 0, -2.5, 5.2e6), tiled=True
    )
    grid = Grid("EPSG:32632", (5e5, 5.2e6), 10.0, (225, 225))
    slot = Slot("embedding", "embedding", channels=32, cells=4)
    told = Embedding("embedding", path).told(Place(grid, 0, Window(0, 224, 1, 225)), slot)
    middles = 4 * (28 + 56 * np.arange(4)) - 0.5
    np.testing.assert_array_equal(told[0], np.repeat(middles[:, None], 4, axis=1))
    np.testing.assert_array_equal(told[1], np.repeat(middles[None] + 4, 4, axis=0))


def test_settings_that_have_no_meaning() -> None:
    with pytest.raises(
        WorldError, match=r"condition.embedding.interpolation='cubic' is not one of bilinear, sl"
    ):
        Embedding("embedding", "e.tif", interpolation="cubic")
    with pytest.raises(
        WorldError, match=r"kind='embedding' cannot fill the slot 'hint', which is told raster"
    ):
        Embedding("hint", "e.tif").check(Slot("hint", "raster"), GRIDS["EPSG:32632"], 0)
