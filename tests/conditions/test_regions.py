"""Regions carried to any grid: over the antimeridian, near poles, along curves; counted as they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pyogrio
import pytest
import rasterio.features
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geoinfinite.conditions import Place, Text
from geoinfinite.conditions.regions import LevelRegions
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Regions, Slot

PROMPT = Slot("prompt", "text", dropped=True)
TURN = 40_075_016.685578488
GRIDS = {
    "degrees": Grid("EPSG:4326", (-180.0, 90.0), 0.5, (360, 720), levels=2, periodic=True),
    "mercator": Grid("EPSG:3857", (-TURN / 2, TURN / 4), TURN / 1024, (512, 1024), levels=2, periodic=True),
    "beyond the antimeridian": Grid("EPSG:4326", (160.0, 0.0), 0.25, (160, 160), levels=2),
    "zone 1": Grid("EPSG:32701", (-600_000.0, 9_000_000.0), 10_000.0, (160, 180), levels=2),
}
ENDINGS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}


def write(path: Path, crs: str | None, features: list[tuple[Any, str]]) -> str:
    """A file of polygons ``text``, with a number that is missing for the first."""
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array([geometry for geometry, _ in features], object)),
        [np.array([text for _, text in features], object), np.array([np.nan, *range(1, len(features))])],
        ["text", "height"],
        crs=crs,
        geometry_type="Unknown",
        driver=ENDINGS[path.suffix],
    )
    return str(path)


def star(x: float, y: float, reach: float, corners: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.random(corners)) * 2 * np.pi
    radius = reach * (0.4 + 0.6 * rng.random(corners))
    return shapely.Polygon(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1))


def holed(x: float, y: float, reach: float, corners: int, seed: int) -> Any:
    """A ring: its hole is as star-like as its rim."""
    return shapely.difference(
        shapely.Point(x, y).buffer(reach), star(x + reach / 7, y, 0.5 * reach, corners, seed)
    )


FIJI = [(holed(179.2, -17.0, 4.0, 9, 1), "reef"), (star(177.0, -19.0, 3.0, 11, 2), "island")]
"""Over the antimeridian, beyond 180 degrees, one partly over the other."""
FIJI_IN_METRES = [
    (holed(200_000.0, 8_100_000.0, 400_000.0, 9, 1), "reef"),
    (star(50_000.0, 7_900_000.0, 300_000.0, 11, 2), "island"),
]
SOURCES = {"EPSG:4326": FIJI, "EPSG:32701": FIJI_IN_METRES}


def shares(told: Any, texts: tuple[str, ...], shape: tuple[int, int]) -> np.ndarray:
    """The share ``(text, y, x)`` of texts, also where there is only one or none."""
    if isinstance(told, str):
        return np.stack([np.full(shape, told == text, np.float32) for text in texts])
    found = dict(zip(told.prompts, told.shares, strict=True))
    return np.stack([found.get(text, np.zeros(shape, np.float32)) for text in texts])


def sampled(
    condition: Text, grid: Grid, window: Window, level: int = 0
) -> tuple[tuple[str, ...], np.ndarray]:
    """The texts and shares of a window; asserts that every smaller one agrees bit for bit."""
    whole = condition.told(Place(grid, level, window), PROMPT)
    assert isinstance(whole, Regions)
    np.testing.assert_array_equal(whole.shares.sum(0), np.ones(window.shape, np.float32))
    for part in grounds.tiles(window, 37):
        told = shares(condition.told(Place(grid, level, part), PROMPT), whole.prompts, part.shape)
        np.testing.assert_array_equal(told, whole.shares[:, *part.slices(window)])
    return whole.prompts, whole.shares


def ground_area(crs: str, geometry: Any) -> float:
    """Square metres on the ellipsoid of a geometry whose edges are straight in its CRS."""
    dense = shapely.segmentize(geometry, shapely.length(geometry) / 2000)
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    lonlat = shapely.transform(dense, lambda points: np.stack(to_lonlat(*points.T), axis=1))
    return sum(
        abs(Geod(ellps="WGS84").polygon_area_perimeter(*shapely.get_coordinates(ring).T)[0]) * sign
        for part in shapely.get_parts(lonlat)
        for sign, ring in ((1, part.exterior), *((-1, hole) for hole in part.interiors))
    )


def pixel_areas(grid: Grid, window: Window) -> np.ndarray:
    """Square metres ``(y, x)`` on the ellipsoid of the pixels of a window of level 0."""
    to_lonlat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform
    y, x = np.mgrid[window.y0 : window.y1 + 1, window.x0 : window.x1 + 1]
    lon, lat = to_lonlat(*(grid.transform(0) * (x, y)))
    geod, out = Geod(ellps="WGS84"), np.zeros(window.shape)
    for i, j in np.ndindex(window.shape):
        ring = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
        out[i, j] = abs(geod.polygon_area_perimeter(*zip(*((lon[p], lat[p]) for p in ring), strict=True))[0])
    return out


@pytest.mark.parametrize("crs", list(SOURCES))
@pytest.mark.parametrize("name", list(GRIDS))
def test_regions_over_the_antimeridian_are_whole_in_every_crs(tmp_path: Path, crs: str, name: str) -> None:
    grid = GRIDS[name]
    path = write(tmp_path / "f.gpkg", crs, SOURCES[crs])
    condition = Text("prompt", "sea", source=path, column="text")
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform
    x, y = to_grid(179.0, -17.5)
    column, row = (int(v) for v in ~grid.transform(0) * (x, y))
    reach = {"degrees": 12, "mercator": 16, "beyond the antimeridian": 24, "zone 1": 60}[name]
    window = Window(row - reach, row + reach, column - reach, column + reach)
    texts, found = sampled(condition, grid, window)
    areas = pixel_areas(grid, window)
    reef, island = (geometry for geometry, _ in SOURCES[crs])
    wanted = {"reef": shapely.difference(reef, island), "island": island}
    for text, geometry in wanted.items():
        area = (found[texts.index(text)] * areas).sum()
        assert area == pytest.approx(ground_area(crs, geometry), rel=0.02)
    counts = condition.counts(grid, 0)
    assert counts is not None
    if grid.periodic:
        around = Window(window.y0, window.y1, window.x0 - grid.shape[1], window.x1 - grid.shape[1])
        np.testing.assert_array_equal(sampled(condition, grid, around)[1], found)
        assert counts.of(around) == counts.of(window) == 3


def test_shares_are_a_plain_rasterisation_of_the_whole_level(tmp_path: Path) -> None:
    """Exactly: the same vertices, burnt by rasterio at once on quarters of pixels."""
    grid, level = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 8.0, (60, 90), levels=2), 1
    stars = [
        (star(500_000 + 8 * x, 5_200_000 - 8 * y, 140, 9, x), text)
        for x, y, text in ((20, 30, "a"), (44, 25, "b"), (30, 44, "a"), (70, 8, "c"))
    ]
    path = write(tmp_path / "s.fgb", grid.crs, stars)
    condition = Text("prompt", "d", source=path, column="text")
    texts, found = sampled(condition, grid, grid.full(level), level)
    assert sorted(texts) == ["a", "b", "c", "d"]

    def on_quarters(points: np.ndarray) -> np.ndarray:
        pixels = np.stack([(points[:, 0] - 500_000) / 2, (5_200_000 - points[:, 1]) / 2], axis=1)
        return np.round(pixels * 256) / 64

    _, order, stored, columns = pyogrio.raw.read(path, return_fids=True)
    geometries = shapely.from_wkb(stored)
    shapes = [
        (shapely.transform(geometries[i], on_quarters), texts.index(columns[0][i])) for i in range(len(order))
    ]
    rows, cols = grid.shape_at(level)
    burnt = rasterio.features.rasterize(shapes, (rows * 4, cols * 4), transform=Affine.identity())
    for number in range(4):
        wanted = (burnt == number).reshape(rows, 4, cols, 4).mean(axis=(1, 3))
        np.testing.assert_array_equal(found[number], wanted)


def test_edges_are_straight_in_the_file_and_curves_on_the_grid(tmp_path: Path) -> None:
    """Two corners 10 degrees apart: a chord between them on the grid would miss by kilometres."""
    box = shapely.box(4.0, 47.0, 14.0, 52.0)
    path = write(tmp_path / "b.gpkg", "EPSG:4326", [(box, "inside")])
    grid = Grid("EPSG:32632", (400_000.0, 5_220_000.0), 500.0, (70, 300))
    texts, found = sampled(Text("prompt", "out", source=path, column="text"), grid, grid.full(0))
    y, x = np.mgrid[: 70 * 4, : 300 * 4] / 4 + 0.125
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(
        *(grid.transform(0) * (x, y))
    )
    inside = (lon > 4) & (lon < 14) & (lat > 47) & (lat < 52)
    wanted = inside.reshape(70, 4, 300, 4).mean(axis=(1, 3))
    assert 0.2 < wanted.mean() < 0.9
    # A part of a pixel or two beside the edge, which falls between their middles.
    assert np.abs(found[texts.index("inside")] - wanted).max() <= 0.25


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:5070", "EPSG:3031"])
def test_what_has_no_place_on_a_grid_does_not_disturb_it(tmp_path: Path, crs: str) -> None:
    """Regions of the whole Earth, most of which a projected CRS cannot hold."""
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
        *{"EPSG:32632": (9.0, 47.0), "EPSG:5070": (-100.0, 40.0), "EPSG:3031": (20.0, -88.0)}[crs]
    )
    grid = Grid(crs, (x - 300_000, y + 300_000), 10_000.0, (60, 60))
    halves = [(shapely.box(-180, -90, 180, 90), "Earth"), (shapely.box(-180, -90, 10, 90), "west")]
    path = write(tmp_path / "e.geojson", "EPSG:4326", halves)
    condition = Text("prompt", "nowhere", source=path, column="text")
    counts = condition.counts(grid, 0)
    assert isinstance(counts, LevelRegions)
    found = shares(condition.told(Place(grid, 0, grid.full(0)), PROMPT), ("west", "nowhere"), (60, 60))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        *(grid.transform(0) * tuple(np.mgrid[:60, :60][::-1] + 0.5))
    )
    # Pixels that no meridian of an edge crosses.
    wide = 0.1 / np.cos(np.radians(lat))
    sure = (np.abs(lon - 10) > wide) & (180 - np.abs(lon) > wide)
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(found[0][sure], (lon < 10)[sure])
    assert found[1].max() == 0


def test_a_cap_about_a_pole_is_a_disc_on_a_polar_grid_and_refused_on_degrees(tmp_path: Path) -> None:
    grid = Grid("EPSG:3031", (-2_000_000.0, 2_000_000.0), 50_000.0, (80, 80))
    path = write(tmp_path / "c.gpkg", "EPSG:4326", [(shapely.box(-180, -90, 180, -80), "cap")])
    texts, found = sampled(Text("prompt", "out", source=path, column="text"), grid, grid.full(0))
    radius = Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True).transform(0, -80)[1]
    assert found[texts.index("cap")].sum() * 50_000**2 == pytest.approx(np.pi * radius**2, rel=2e-3)

    disc = shapely.Point(30_000, 10_000).buffer(900_000)
    path = write(tmp_path / "d.gpkg", "EPSG:3031", [(star(1e6, 1e6, 1e5, 7, 1), "x"), (disc, "cap")])
    with pytest.raises(WorldError, match=r"source=.*d.gpkg': feature 2 lies over a pole, .*ogr2ogr"):
        Text("prompt", "out", source=path, column="text").told(
            Place(GRIDS["degrees"], 0, Window(0, 9, 0, 9)), PROMPT
        )


def test_a_cut_that_no_turn_closes_is_refused_with_the_feature(tmp_path: Path) -> None:
    grid = Grid("EPSG:3832", (-19_000_000.0, -1_000_000.0), 20_000.0, (100, 1900))
    straddling = [(shapely.box(-40.0, -30.0, -20.0, -10.0), "Atlantic")]
    path = write(tmp_path / "a.gpkg", "EPSG:4326", straddling)
    with pytest.raises(WorldError, match=r"feature 1 lies over the line where the grid's CRS is cut"):
        Text("prompt", "out", source=path, column="text").told(Place(grid, 0, grid.full(0)), PROMPT)


def test_a_region_may_say_the_text_elsewhere_over_another(tmp_path: Path) -> None:
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 10.0, (256, 256))
    field = shapely.box(500_100, 5_197_600, 502_400, 5_199_900)
    pond = star(501_000, 5_198_900, 120, 8, 3)
    path = write(tmp_path / "p.gpkg", grid.crs, [(field, "field"), (pond, "water")])
    condition = Text("prompt", "water", source=path, column="text")
    texts, found = sampled(condition, grid, grid.full(0))
    assert texts == ("water", "field")
    counts = condition.counts(grid, 0)
    assert counts is not None
    block = TileBlock(32, 32, (0, 0), range(8), range(8))
    told = [counts.of(block.window((y, x))) for y in block.rows for x in block.columns]
    assert counts.total(block) == sum(told)
    assert told.count(1) > 20
    np.testing.assert_allclose(found[0].sum() * 100, 2560**2 - field.area + pond.area, rtol=1e-3)


def test_regions_smaller_than_a_pixel_are_no_lines(tmp_path: Path) -> None:
    grid = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 1000.0, (40, 40), factor=8, levels=4)
    sliver = shapely.box(510_200, 5_180_400, 525_200, 5_180_400.9)
    speck = shapely.box(505_000, 5_190_000, 505_000.4, 5_190_000.4)
    path = write(tmp_path / "s.gpkg", grid.crs, [(sliver, "path"), (speck, "post")])
    condition = Text("prompt", "grass", source=path, column="text")
    for level in range(3):
        told = condition.told(Place(grid, level, Window(0, 40, 0, 40)), PROMPT)
        np.testing.assert_array_equal(shares(told, ("grass",), (40, 40))[0], np.ones((40, 40)))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LevelRegions]:
    """Regions of five texts over a grid once round the Earth and one that ends."""
    rng = np.random.default_rng(5)
    stars = [
        (star(rng.uniform(-181, 181), rng.uniform(-60, 60), rng.uniform(1, 25), 7, i), f"text {i % 5}")
        for i in range(40)
    ]
    path = write(tmp_path_factory.mktemp("c") / "c.gpkg", "EPSG:4326", stars)
    condition = Text("prompt", "text 3", source=path, column="text")
    ends = Grid("EPSG:4326", (-40.0, 50.0), 0.5, (160, 140))
    found = {name: condition.counts(grid, 0) for name, grid in (("round", GRIDS["degrees"]), ("ends", ends))}
    assert all(isinstance(counts, LevelRegions) for counts in found.values())
    return found


@given(st.data())
@settings(max_examples=40)
def test_blocks_of_tiles_are_counted_as_tiles_are_told(crowded: dict[str, LevelRegions], data: Any) -> None:
    counts = crowded[data.draw(st.sampled_from(["round", "ends"]))]
    size = data.draw(st.integers(1, 40))
    stride = data.draw(st.integers(1, 60))
    origin = data.draw(st.tuples(st.integers(-50, 50), st.integers(-900, 900)))
    rows, columns = (
        range(start, start + data.draw(st.integers(0, 5)))
        for start in data.draw(st.tuples(st.integers(-3, 6), st.integers(-3, 20)))
    )
    block = TileBlock(size, stride, origin, rows, columns)
    windows = [block.window((y, x)) for y in rows for x in columns]
    assert counts.total(block) == sum(counts.of(window) for window in windows)
    for window in windows[:2]:
        told = counts.told(window)
        if isinstance(told, Regions):
            assert len(told.prompts) == counts.of(window)
            np.testing.assert_array_equal(told.shares.sum(0), np.ones(window.shape, np.float32))


def test_many_texts_share_the_rectangles(tmp_path: Path) -> None:
    cells = [
        (shapely.box(x, y, x + 1.0, y + 1.0), f"text {x} {y}") for x in range(-30, 30) for y in range(-12, 12)
    ]
    condition = Text("prompt", "sea", source=write(tmp_path / "m.fgb", "EPSG:4326", cells), column="text")
    earth = Grid("EPSG:4326", (-180.0, 90.0), 1 / 12, (2160, 4320), factor=4, levels=8, periodic=True)
    counts = condition.counts(earth, 7)
    assert isinstance(counts, LevelRegions)
    assert len(counts.texts) == 1441
    assert len(counts.outer.edges) < 12_000
    rows, columns = earth.shape_at(7)
    block = TileBlock(512, 448, (0, 0), range(-1, rows // 448 + 1), range(-1, columns // 448))
    # 1440 squares of a degree, each with a border of tiles that meet its neighbours.
    assert 1.0 < counts.total(block) / block.count < 1.1


def test_scattered_regions_cost_where_they_are(tmp_path: Path) -> None:
    """More polygons of a text than rectangles are divided into: each has one of its own."""
    rng = np.random.default_rng(8)
    stars = [(star(rng.uniform(0, 1e5), rng.uniform(0, 1e5), 300, 9, i), f"text {i % 3}") for i in range(900)]
    grid = Grid("EPSG:32632", (0.0, 100_000.0), 25.0, (4000, 4000))
    path = write(tmp_path / "s.gpkg", grid.crs, stars)
    counts = Text("prompt", "else", source=path, column="text").counts(grid, 0)
    assert isinstance(counts, LevelRegions)
    block = TileBlock(64, 48, (0, 0), range(20, 45), range(20, 45))
    windows = [block.window((y, x)) for y in block.rows for x in block.columns]
    told = [counts.told(window) for window in windows]
    seen = sum(1 if isinstance(t, str) else int((t.shares.max(axis=(1, 2)) > 0).sum()) for t in told)
    assert seen > 1.2 * len(windows)
    assert seen <= counts.total(block) < 1.12 * seen


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_files_of_every_format_say_the_same(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"f{ending}", "EPSG:4326", FIJI)
    grid, window = GRIDS["beyond the antimeridian"], Window(40, 100, 50, 100)
    texts, found = sampled(Text("prompt", "sea", source=path, column="text"), grid, window)
    assert sorted(texts) == ["island", "reef", "sea"]
    assert all(share.any() for share in found)


def test_files_without_a_crs_without_polygons_or_of_an_unknown_format(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        bare = write(tmp_path / "b.gpkg", None, FIJI)
    table = str(tmp_path / "t.geojson")
    Path(table).write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", '
        '"properties": {"text": "x"}, "geometry": null}]}'
    )
    parquet = tmp_path / "p.parquet"
    parquet.write_bytes(b"PAR1" + bytes(40))
    for path, message in (
        (bare, r"source=.*b.gpkg' has no CRS; write one into it: ogr2ogr -a_srs EPSG:4326 DST SRC"),
        (table, r"feature 0 has no area"),
        (
            str(parquet),
            r"is a Parquet file, which the GDAL of this pyogrio cannot read; convert it: geopandas",
        ),
    ):
        if path == str(parquet) and "Parquet" in pyogrio.list_drivers(read=True):
            continue
        with pytest.raises(WorldError, match=message):
            Text("prompt", "sea", source=path, column="text").check(PROMPT, GRIDS["degrees"], 0)
