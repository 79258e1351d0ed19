"""The land-and-water raster: which polygon lies over which, the antimeridian, strips, and the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shoreline_files
from shapely import Polygon as Shape
from shapely import contains_xy
from shoreline_files import Line, rectangle
from training.layer import Bytes

from geoinfinite.conditions.shorelines import Shorelines, read
from training import water

PER_DEGREE = 4


@pytest.fixture
def nested(tmp_path: Path) -> Shorelines:
    """Land across the antimeridian, a lake, an island and a pond in it, the pond first; and Antarctica."""
    return shores(
        tmp_path,
        rectangle(4, 183, 14, 184, 15),
        rectangle(3, 182, 13, 185, 16),
        rectangle(2, 178, 12, 186, 18),
        rectangle(1, 170, 10, 190, 20),
        rectangle(5, 0, -90, 360, -80),
        rectangle(1, -45.25, -3.5, -40, 2.25),
    )


def shores(folder: Path, *lines: Line) -> Shorelines:
    shoreline_files.write(folder, lines)
    return read(folder / "gshhsmeta_f.dat", folder / "gshhs_f.dat")


def globe(found: Shorelines) -> Bytes:
    return water.strip(found, 0, 180 * PER_DEGREE, PER_DEGREE)


def expected(boxes: list[tuple[int, float, float, float, float]]) -> Bytes:
    """Rectangles (value, west, south, east, north) painted by hand over a globe of water."""
    values = np.full((180 * PER_DEGREE, 360 * PER_DEGREE), 255, dtype=np.uint8)
    for value, west, south, east, north in boxes:
        rows = slice(round((90 - north) * PER_DEGREE), round((90 - south) * PER_DEGREE))
        values[rows, round((west + 180) * PER_DEGREE) : round((east + 180) * PER_DEGREE)] = value
    return values


def test_kinds_lie_over_each_other_on_both_sides_of_the_antimeridian(nested: Shorelines) -> None:
    boxes = [
        (0, 170, 10, 180, 20),
        (0, -180, 10, -170, 20),
        (255, 178, 12, 180, 18),
        (255, -180, 12, -174, 18),
        (0, -178, 13, -175, 16),
        (255, -177, 14, -176, 15),
        (0, -180, -90, 180, -80),
        (0, -45.25, -3.5, -40, 2.25),
    ]
    assert np.array_equal(globe(nested), expected(boxes))


def test_pixels_have_the_kind_of_their_centre(tmp_path: Path) -> None:
    corners = ((-12.3, 4.1), (7.7, -9.6), (21.2, 33.3), (2.9, 11.4))
    lon, lat = (
        (np.arange(360 * PER_DEGREE) + 0.5) / PER_DEGREE - 180,
        90 - (np.arange(180 * PER_DEGREE) + 0.5) / PER_DEGREE,
    )
    inside = contains_xy(Shape(corners), *np.meshgrid(lon, lat))
    found = globe(shores(tmp_path, (1, corners))) == 0
    assert inside.sum() > 1000
    # Centres on an edge, to rounding, may fall on either side.
    assert (found != inside).sum() <= 2


def test_strips_join_to_the_globe(nested: Shorelines) -> None:
    heights = (100, 333, 287)
    tops = (0, 100, 433)
    parts = [water.strip(nested, top, rows, PER_DEGREE) for top, rows in zip(tops, heights, strict=True)]
    assert np.array_equal(np.concatenate(parts), globe(nested))


def test_the_file_is_the_same_every_time_and_knows_its_place(nested: Shorelines, tmp_path: Path) -> None:
    for name in ("one.tif", "folder/other.tif"):
        water.write(nested, tmp_path / name, 8)
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "folder/other.tif").read_bytes()
    with rasterio.open(tmp_path / "one.tif") as dataset:
        assert (dataset.width, dataset.height, dataset.crs.to_epsg()) == (2880, 1440, 4326)
        assert dataset.overviews(1) == [4, 16]
        assert tuple(dataset.bounds) == pytest.approx((-180, -90, 180, 90))
        values = dataset.read(1)
    with rasterio.open(tmp_path / "one.tif", overview_level=0) as dataset:
        means = dataset.read(1)
    exact = values.reshape(360, 4, 720, 4).mean((1, 3))
    assert np.abs(means - exact).max() <= 0.5
    # Strips of 40 rows do not divide blocks of 512, nor these the height.
    assert np.array_equal(values, water.strip(nested, 0, 1440, 8))
