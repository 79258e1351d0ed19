"""Facts about tiles: the published encodings, the place of the tile, and what is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
from affine import Affine
from grounds import GRIDS
from pyproj import Geod, Transformer

from geoinfinite.conditions import Embedding, Metadata, Place
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT, GEOCORE, SCHEMAS, TEXT2EARTH

SATELLITE = Slot("metadata", "metadata", bands=DIFFUSIONSAT.names)
ZOOM = Slot("metadata", "metadata", bands=TEXT2EARTH.names)
GOLDEN = [153.3167, -27.862, 0.4114541, 0.0, 2017, 2, 11]


def test_the_published_vector() -> None:
    """The first example of the authors' notebook."""
    wanted = [925.8798, 345.2111, 411.4541, 0, 308.3333, 166.6667, 354.8387]
    np.testing.assert_allclose(DIFFUSIONSAT.encoded(GOLDEN), wanted, atol=1.1e-4)


@pytest.mark.parametrize("schema", list(SCHEMAS))
def test_encodings_are_undone(schema: str) -> None:
    facts = {
        "diffusionsat": GOLDEN,
        "crsdiff": [2017, 2, 11, 0.6, 0.3, -27.862, 153.3167],
        "geocore": [2.0, 153.3, -27.9],
        "text2earth": [16.0],
    }[schema]
    np.testing.assert_allclose(SCHEMAS[schema].decoded(SCHEMAS[schema].encoded(facts)), facts, atol=1e-4)


def test_what_is_not_known_is_the_schema_s_null() -> None:
    assert DIFFUSIONSAT.encoded([np.nan] * 7).tolist() == [0.0] * 7
    assert GEOCORE.encoded([np.nan, 0.0, 0.0]).tolist() == [-999.0, 500.0, 500.0]


def test_each_system_has_its_own_order_and_ranges() -> None:
    """By hand from the published ranges: a year after 1980 of 44, metres of 5, latitude before longitude."""
    told = SCHEMAS["crsdiff"].encoded([2002, 6, 15.5, 0.5, 0.25, 45.0, -90.0])
    np.testing.assert_allclose(told, [500, 500, 500, 100, 250, 750, 250])


def test_infinite_facts_are_refused() -> None:
    with pytest.raises(WorldError, match=r"metadata.gsd=inf would be told to diffusionsat as inf, beyond"):
        DIFFUSIONSAT.encoded([*GOLDEN[:2], np.inf, *GOLDEN[3:]])


def test_a_day_that_a_system_does_not_know_is_found_before_anything_is_drawn() -> None:
    condition = Metadata("metadata", "diffusionsat", date="1970-02-11")
    with pytest.raises(
        WorldError, match=r"condition.metadata: metadata.year=1970 would be told .*1980 to 2100"
    ):
        condition.check(SATELLITE, GRIDS["EPSG:32632"], 0)
    Metadata("metadata", "diffusionsat", date="1980-02-11").check(SATELLITE, GRIDS["EPSG:32632"], 0)


def test_a_raster_of_clouds_is_looked_for_before_anything_is_drawn(tmp_path: Path) -> None:
    condition = Metadata("metadata", "diffusionsat", cloud_cover=str(tmp_path / "none.tif"))
    with pytest.raises(WorldError, match=r"condition.metadata.cloud_cover='.*none.tif' does not exist"):
        condition.check(SATELLITE, GRIDS["EPSG:32632"], 0)


def test_numbers_that_were_scaled_already_are_refused() -> None:
    """The notebook's second example passes raw numbers where scaled ones belong, and the reverse."""
    with pytest.raises(WorldError, match=r"metadata.year=3995 would be told .* as 16791\.7, beyond"):
        DIFFUSIONSAT.encoded([*GOLDEN[:4], 3995, 2, 11])
    with pytest.raises(WorldError, match=r"metadata.lon=925.88 would be told"):
        DIFFUSIONSAT.encoded([925.88, *GOLDEN[1:]])


@pytest.mark.parametrize("name", list(GRIDS))
def test_facts_are_those_of_the_middle_of_the_tile(name: str) -> None:
    grid, window = GRIDS[name], Window(40, 104, 24, 88)
    condition = Metadata("metadata", "diffusionsat", date="2017-02-11", cloud_cover=0.25)
    lon, lat, gsd, cloud, *date = condition.told(Place(grid, 1, window), SATELLITE)
    x, y = grid.transform(1) * (56, 72)
    to_lonlat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform
    np.testing.assert_allclose((lon, lat), to_lonlat(x, y), atol=1e-9)
    # A hundred pixels each way, measured on the ellipsoid.
    step = grid.resolution_at(1) * 50
    across = Geod(ellps="WGS84").inv(*to_lonlat(x - step, y), *to_lonlat(x + step, y))[2] / 100
    along = Geod(ellps="WGS84").inv(*to_lonlat(x, y - step), *to_lonlat(x, y + step))[2] / 100
    assert gsd == pytest.approx((across * along) ** 0.5, rel=1e-4)
    assert (cloud, date) == (0.25, [2017, 2, 11])


def test_a_tile_once_round_the_earth_is_the_same_tile() -> None:
    earth = Grid("EPSG:4326", (-180.0, 90.0), 1.0, (180, 360), periodic=True)
    condition = Metadata("metadata", "diffusionsat")
    one, other = (condition.told(Place(earth, 0, Window(20, 60, x, x + 40)), SATELLITE) for x in (340, -20))
    np.testing.assert_array_equal(one, other)
    assert one[0] == pytest.approx(-180.0)


@pytest.mark.parametrize(("latitude", "wanted"), [(0, 1.194), (40, 0.915), (56, 0.668)])
def test_web_mercator_pixels_shrink_towards_the_poles(latitude: float, wanted: float) -> None:
    _, y = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(0, latitude)
    grid = Grid("EPSG:3857", (-100.0, y + 100.0), 1.19432857, (160, 160))
    assert Place(grid, 0, grid.full(0)).ground_m() == pytest.approx(wanted, rel=4e-3)


def test_zoom_levels_follow_from_the_resolution_alone() -> None:
    for resolution, level in ((1.0, 17), (0.5, 18), (2.0, 16), (128.0, 10)):
        grid = Grid("EPSG:3857", (0.0, 7_500_000.0), resolution, (64, 64))
        assert Metadata("metadata", "text2earth").told(Place(grid, 0, grid.full(0)), ZOOM) == [level]
    grid = Grid("EPSG:3857", (0.0, 7_500_000.0), 300.0, (64, 64))
    with pytest.raises(WorldError, match=r"level 0 has pixels of 300 m, zoom level 9, and levels 10"):
        Metadata("metadata", "text2earth").check(ZOOM, grid, 0)
    assert np.isnan(Metadata("metadata", unknown=("google_level",)).told(Place(grid, 0, grid.full(0)), ZOOM))


def test_cloud_cover_may_be_a_raster(tmp_path: Path) -> None:
    cover = np.repeat(np.linspace(0, 1, 200, dtype=np.float32)[None, None], 200, 1)
    path = grounds.write(tmp_path / "c.tif", cover, "EPSG:32632", Affine(20, 0, 499_990, 0, -20, 5_200_010))
    grid, condition = GRIDS["EPSG:32632"], Metadata("metadata", "diffusionsat", cloud_cover=path)
    for window in (Window(0, 64, 0, 64), Window(64, 128, 96, 160)):
        told = condition.told(Place(grid, 0, window), SATELLITE)[3]
        assert told == pytest.approx(cover[0, 0, window.x0 : window.x1].mean(), abs=1e-3)
    assert condition.files()[0] == Path(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"schema": "landsat"},
            r"condition.metadata.schema='landsat' is not one of diffusionsat, crsdiff",
        ),
        (
            {"date": "11.2.2017"},
            r"condition.metadata.date='11.2.2017' is no day; write one",
        ),
        ({"cloud_cover": 25}, r"condition.metadata.cloud_cover=25 must be at least 0 and at most 1"),
        ({"gsd": 0}, r"condition.metadata.gsd=0 must be at least"),
        ({"unknown": "lon"}, r"condition.metadata.unknown='lon' is no list of facts"),
    ],
)
def test_settings_that_have_no_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Metadata("metadata", **settings)


def test_a_schema_that_the_slot_is_not_told() -> None:
    with pytest.raises(
        WorldError,
        match=r"the slot 'metadata' is told, google_level; write schema = ",
    ):
        Metadata("metadata", "diffusionsat").check(ZOOM, GRIDS["EPSG:32632"], 0)
    with pytest.raises(WorldError, match=r"is asked for 'mood', which is none of lon, lat"):
        Metadata("metadata").check(Slot("metadata", "metadata", bands=("mood",)), GRIDS["EPSG:32632"], 0)


def test_dates_are_days() -> None:
    assert Metadata("metadata", date=datetime.datetime(2020, 5, 4, 23)).date == datetime.date(2020, 5, 4)


def test_embeddings_are_read_at_the_middles_of_cells(tmp_path: Path) -> None:
    values = np.stack([np.mgrid[:50, :60][0], np.mgrid[:50, :60][1]]).astype(np.float32)
    transform = Affine(160, 0, 499_990, 0, -160, 5_200_010)
    path = grounds.write(tmp_path / "e.tif", values, "EPSG:32632", transform)
    grid, slot = GRIDS["EPSG:32632"], Slot("embedding", "embedding", channels=2, cells=2)
    told = Embedding("embedding", path).told(Place(grid, 0, Window(64, 128, 32, 96)), slot)
    # Cells of 32 px lie at pixels 80 and 112, of 8 px each in the field.
    np.testing.assert_allclose(told[0], [[9.5, 9.5], [13.5, 13.5]], atol=1e-5)
    np.testing.assert_allclose(told[1], [[5.5, 9.5], [5.5, 9.5]], atol=1e-5)
    values[:, 12:15, 8:12] = np.nan
    grounds.write(tmp_path / "e.tif", values, "EPSG:32632", transform)
    assert Embedding("embedding", path).told(Place(grid, 0, Window(64, 128, 32, 96)), slot) is None
    with pytest.raises(WorldError, match=r"has 2 bands, and the vectors of slot 'embedding' have 8 channels"):
        Embedding("embedding", path).check(Slot("embedding", "embedding", channels=8), grid, 0)
