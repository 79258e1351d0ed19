"""Features near a window: none that meets it is missing, few others are read, in every CRS and format."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Transformer
from vector_files import point, write

from geoinfinite.conditions.vector_file import distinct_values, vector_file
from geoinfinite.conditions.vectors_near import check_carried, features_near
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

TURN = 40_075_016.685578488
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 0.5, (360, 720), levels=2, periodic=True)
GRIDS = {
    "the Earth": EARTH,
    "mercator": Grid("EPSG:3857", (-TURN / 2, TURN / 4), TURN / 1024, (512, 1024), levels=2, periodic=True),
    "degrees beyond 180": Grid("EPSG:4326", (160.0, 0.0), 0.25, (160, 160), levels=2),
    "zone 1": Grid("EPSG:32701", (-600_000.0, 9_000_000.0), 10_000.0, (160, 180), levels=2),
    "north pole": Grid("EPSG:3413", (-3e6, 3e6), 20_000.0, (300, 300), levels=2),
    "equal earth": Grid("EPSG:8857", (-17.3e6, 8.4e6), 50_000.0, (336, 692), levels=2),
}
WINDOWS = {
    "the Earth": (Window(200, 230, 700, 740), Window(-5, 20, 300, 400), Window(210, 250, -30, 5)),
    "mercator": (Window(100, 220, 1010, 1040), Window(100, 130, 200, 240)),
    "degrees beyond 180": (Window(40, 80, 60, 110), Window(20, 60, 0, 30)),
    "zone 1": (Window(20, 110, 20, 110), Window(60, 80, 90, 170)),
    "north pole": (Window(120, 180, 130, 190), Window(100, 149, 150, 170), Window(40, 80, 200, 240)),
    "equal earth": (Window(0, 60, 100, 360), Window(150, 200, 660, 692), Window(100, 140, 300, 360)),
}
CRSS = ("EPSG:4326", "EPSG:3857", "EPSG:32701", "EPSG:32632", "EPSG:5070", "EPSG:3413", "EPSG:3031")


@pytest.fixture(scope="module")
def earth(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Points all over the Earth, evenly on the ground, and files of those that a CRS has."""
    rng, folder = np.random.default_rng(4), tmp_path_factory.mktemp("earth")
    lon, lat = rng.uniform(-180, 180, 6000), np.degrees(np.arcsin(rng.uniform(-1, 1, 6000)))
    lon[:1500] = rng.uniform(170, 190, 1500)
    lon, lat[1000:1500] = (lon + 180) % 360 - 180, rng.uniform(80, 90, 500)
    files = {}
    for crs in CRSS:
        x, y = point(lon, lat, crs)
        back = point_back(x, y, crs)
        # A CRS about a pole has no bounds at the other one.
        held = (np.abs(x) < 3e7) & (np.abs(y) < 3e7) & (np.hypot(back[0] - lon, back[1] - lat) < 1e-6)
        geometries = shapely.points(np.where(held, x, np.nan), np.where(held, y, np.nan))[held]
        path = write(folder / f"{crs[5:]}.fgb", crs, geometries, {"number": np.flatnonzero(held)})
        files[crs] = vector_file(Path(path), "source"), held
    return lon, lat, files


def point_back(x: Any, y: Any, crs: str) -> np.ndarray:
    return np.stack(Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y))


@pytest.mark.parametrize("crs", CRSS)
@pytest.mark.parametrize("name", list(GRIDS))
def test_nothing_that_lies_in_a_window_is_missing(earth: Any, name: str, crs: str) -> None:
    lon, lat, files = earth
    file, held = files[crs]
    met = 0
    for level, window in ((0, w) for w in WINDOWS[name]):
        grid = GRIDS[name]
        east = np.where(lon < 0, lon + 360, lon) if name == "degrees beyond 180" else lon
        there = np.stack(point(east, lat, grid.crs))
        x, y = np.where(np.isfinite(there), there, 1e12)
        column, row = ~grid.transform(level) * (x, y)
        if grid.periodic:
            column = (column - window.x0) % grid.shape[1] + window.x0
        inside = (row >= window.y0) & (row < window.y1) & (column >= window.x0) & (column < window.x1)
        wanted = np.flatnonzero(inside & held)
        (layer,) = file.layers
        found = features_near(file, layer, ("number",), grid, (level, window)).attributes["number"]
        assert set(wanted) <= set(found)
        assert len(set(found)) == len(found)
        met += len(wanted)
        # A CRS about the south pole has windows at the north pole without bounds.
        assert len(found) < 4 * len(wanted) + 1500 or crs == "EPSG:3031"
    assert met or crs != "EPSG:4326"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("b.gpkg", {}),
        ("b.fgb", {}),
        ("b.geojson", {}),
        ("n.gpkg", {"SPATIAL_INDEX": "NO"}),
        ("n.fgb", {"SPATIAL_INDEX": "NO"}),
    ],
)
def test_every_format_says_the_same_with_and_without_an_index(
    tmp_path: Path, name: str, settings: Any
) -> None:
    """A hundred points of which every third is named; those near a window are given in the file's order."""
    x, y = np.meshgrid(np.linspace(-170, 170, 20), np.linspace(-60, 60, 5))
    texts = [None if n % 3 else f"{n:03}" for n in range(100)]
    path = write(
        tmp_path / name,
        "EPSG:4326",
        shapely.points(x, y).ravel(),
        {"text": texts, "n": range(100)},
        **settings,
    )
    file = vector_file(Path(path), "source")
    (layer,) = file.layers
    assert (layer.count, layer.columns) == (100, ("text", "n"))
    assert layer.is_indexed == (name in ("b.gpkg", "b.fgb"))
    assert set(distinct_values(file, layer, "text")) == set(texts)
    found = features_near(file, layer, ("text", "n"), EARTH, (0, Window(100, 320, 330, 450)))
    assert sorted(found.attributes["n"]) == [n for n in range(80) if -15 <= x.ravel()[n] <= 45]
    assert (np.diff(found.ids) > 0).all()
    read = dict(zip(found.attributes["n"], found.attributes["text"], strict=True))
    assert read == {n: texts[n] for n in read}
    np.testing.assert_array_equal(shapely.get_x(found.geometries), x.ravel()[found.attributes["n"]])
    assert not len(features_near(file, layer, (), EARTH, (0, Window(-90, -80, 0, 9))).ids)


def test_names_of_columns_may_hold_quotes(tmp_path: Path) -> None:
    for ending in (".gpkg", ".fgb"):
        path = write(tmp_path / f"q{ending}", "EPSG:4326", [shapely.Point(1, 2)], {'a "b"; --': ["x"]})
        file = vector_file(Path(path), "source")
        assert distinct_values(file, file.layers[0], 'a "b"; --') == ("x",)


def test_a_file_without_an_index_is_read_whole_up_to_a_size(tmp_path: Path) -> None:
    """Its remedy, another file with an index, is read at any size."""
    for ending in (".gpkg", ".fgb"):
        path = Path(
            write(tmp_path / f"b{ending}", "EPSG:4326", [shapely.Point(1, 2)], {"n": [1]}, SPATIAL_INDEX="NO")
        )
        assert not vector_file(path, "source").layers[0].is_indexed
        os.truncate(path, 2**28 + 1)
        with pytest.raises(
            WorldError, match=r"source has 256 MiB and no spatial index, .*: ogr2ogr DST.gpkg SRC"
        ):
            vector_file(path, "source")
    done = Path(write(tmp_path / "DST.gpkg", "EPSG:4326", [shapely.Point(1, 2)], {"n": [1]}))
    os.truncate(done, 2**28 + 1)
    assert vector_file(done, "source").layers[0].count == 1


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    for ending in (".gpkg", ".geojson"):
        path = Path(write(tmp_path / f"b{ending}", "EPSG:4326", [shapely.Point(1, 2)], {"n": [1]}))
        for n in (1, 7):
            write(path, "EPSG:4326", [shapely.Point(1, 2)], {"n": [n]})
            file = vector_file(path, "source")
            assert distinct_values(file, file.layers[0], "n") == (n,)


def test_files_that_cannot_be_asked(tmp_path: Path) -> None:
    good = Path(write(tmp_path / "b.gpkg", "EPSG:4326", [shapely.Point(1, 2)], {"n": [1]}))
    bare = write(tmp_path / "bare.gpkg", None, [shapely.Point(1, 2)], {"n": [1]})
    cut = tmp_path / "cut.gpkg"
    cut.write_bytes(good.read_bytes()[:3000])
    table = tmp_path / "table.gpkg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(str(table), None, [np.array([1])], ["n"], driver="GPKG")
    for path, message in (
        (tmp_path / "none.gpkg", r"source does not exist \(looked for .*none.gpkg\); name a file of vectors"),
        (bare, r"source has no CRS; write one into it: ogr2ogr -a_srs EPSG:4326 DST SRC"),
        (cut, r"source cannot be read \(.*\); it is damaged: copy it again"),
        (table, r"source has no geometries; name a file of vectors"),
    ):
        with pytest.raises(WorldError, match=message):
            vector_file(Path(path), "source")


def test_a_crs_that_is_no_place_on_the_earth_is_refused(tmp_path: Path) -> None:
    local = 'LOCAL_CS["site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    path = write(tmp_path / "b.gpkg", local, [shapely.Point(1, 2)], {"n": [1]})
    file = vector_file(Path(path), "source")
    with pytest.raises(
        WorldError, match=r"cannot be carried to the grid's, EPSG:4326; write another one .*-a_srs"
    ):
        check_carried(file, file.layers[0], EARTH)
    named = write(Path(path), "EPSG:4326", [shapely.Point(1, 2)], {"n": [1]})
    check_carried(file := vector_file(Path(named), "source"), file.layers[0], EARTH)
