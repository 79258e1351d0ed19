"""Texts: for a world, by region with shares that sum to one, and from attributes of the ground."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio.features
from affine import Affine
from grounds import GRIDS
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.conditions import Place, Text
from geoinfinite.conditions.footprint import union_count
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Regions, Slot

PROMPT = Slot("prompt", "text", dropped=True)
EARTH = Grid("EPSG:4326", (-180.0, 90.0), 1 / 12, (2160, 4320), factor=4, levels=8, periodic=True)


def by_region(folder: Path) -> Text:
    return Text("prompt", "grey", source=grounds.regions(folder), column="text")


def shares(told: Any, text: str, shape: tuple[int, int]) -> np.ndarray:
    """The share of a text, also where it is the only one or none."""
    if isinstance(told, Regions):
        found = [share for prompt, share in zip(told.prompts, told.shares, strict=True) if prompt == text]
        return found[0] if found else np.zeros(shape, np.float32)
    return np.full(shape, told == text, np.float32)


@pytest.mark.parametrize("name", list(GRIDS))
def test_shares_are_a_function_of_the_pixel_and_sum_to_one(tmp_path: Path, name: str) -> None:
    condition, grid = by_region(tmp_path), GRIDS[name]
    full = grid.full(0)
    whole = condition.told(Place(grid, 0, full), PROMPT)
    assert whole.prompts == ("grey", "red", "blue", "green")
    np.testing.assert_array_equal(whole.shares.sum(0), np.ones(full.shape, np.float32))
    assert all(0.001 < share.mean() < 0.999 for share in whole.shares)
    for part in grounds.tiles(full, 41):
        told = condition.told(Place(grid, 0, part), PROMPT)
        for text in whole.prompts:
            wanted = shares(whole, text, full.shape)[part.slices(full)]
            np.testing.assert_array_equal(shares(told, text, part.shape), wanted)


def test_shares_are_those_of_polygons_burnt_finely(tmp_path: Path) -> None:
    condition, grid = by_region(tmp_path), GRIDS["EPSG:4326"]
    told = condition.told(Place(grid, 0, grid.full(0)), PROMPT)
    features = json.loads(Path(condition.source).read_text())["features"]
    numbers = {"red": 1, "blue": 2, "green": 3}
    shapes = [(f["geometry"], numbers[f["properties"]["text"]]) for f in features]
    rows, columns = (side * 16 for side in grid.shape)
    fine = Affine(grid.resolution / 16, 0, grid.origin[0], 0, -grid.resolution / 16, grid.origin[1])
    burnt = rasterio.features.rasterize(shapes, (rows, columns), transform=fine)
    for text, number in numbers.items():
        wanted = (burnt == number).reshape(rows // 16, 16, columns // 16, 16).mean(axis=(1, 3))
        error = np.abs(shares(told, text, grid.shape) - wanted)
        assert error.max() < 0.3
        assert error.mean() < 1e-3


@pytest.mark.parametrize("name", list(GRIDS))
def test_tiles_are_counted_as_they_are_told(tmp_path: Path, name: str) -> None:
    condition, grid = by_region(tmp_path), GRIDS[name]
    counts = condition.counts(grid, 1)
    assert counts is not None
    block = TileBlock(96, 80, (-70, -33), range(0, 9), range(-1, 9))
    told = [
        condition.told(Place(grid, 1, block.window((y, x))), PROMPT)
        for y in block.rows
        for x in block.columns
    ]
    texts = [len(t.prompts) if isinstance(t, Regions) else 1 for t in told]
    assert texts == [counts.of(block.window((y, x))) for y in block.rows for x in block.columns]
    assert counts.total(block) == sum(texts)
    assert {1, 2, 3} <= set(texts)


def test_a_region_across_the_antimeridian_is_met_from_both_sides(tmp_path: Path) -> None:
    parts = [grounds.polygon(179.0, -17.0, 3.0, "reef"), grounds.polygon(-179.5, -17.0, 3.0, "reef", seed=9)]
    condition = Text(
        "prompt", "sea", source=grounds.write_polygons(tmp_path / "f.geojson", parts), column="text"
    )
    counts = condition.counts(EARTH, 0)
    assert counts is not None
    there = Window(1240, 1304, 4290, 4354)
    told, again = (condition.told(Place(EARTH, 0, w), PROMPT) for w in (there, Window(1240, 1304, -30, 34)))
    np.testing.assert_array_equal(shares(told, "reef", there.shape), shares(again, "reef", there.shape))
    assert (
        shares(told, "reef", there.shape)[:, :28].mean()
        > 0.1
        < shares(told, "reef", there.shape)[:, 36:].mean()
    )
    block = TileBlock(64, 48, (0, 0), range(-1, 45), range(-3, 87))
    assert counts.total(block) == sum(
        counts.of(block.window((y, x))) for y in block.rows for x in block.columns
    )


def test_the_whole_earth_is_counted_at_its_finest_level(tmp_path: Path) -> None:
    spots = ((10, 45, "a"), (178, -40, "b"), (-100, 40, "a"))
    features = [grounds.polygon(lon, lat, 8.0, text, 20) for lon, lat, text in spots]
    condition = Text(
        "prompt", "sea", source=grounds.write_polygons(tmp_path / "e.geojson", features), column="text"
    )
    counts = condition.counts(EARTH, 7)
    rows, columns = EARTH.shape_at(7)
    block = TileBlock(128, 120, (0, 0), range(-1, rows // 120 + 1), range(columns // 120))
    assert counts is not None
    # Three regions of about 8 degrees are a hundredth of the Earth.
    assert 1.0 < counts.total(block) / block.count < 1.02


@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), max_size=8))
@settings(deadline=None, max_examples=60)
def test_unions_of_blocks_are_counted(corners: list[tuple[int, int, int, int]]) -> None:
    blocks = [(min(a, b), max(a, b), min(c, d), max(c, d)) for a, b, c, d in corners if a != b and c != d]
    cells = {(y, x) for a, b, c, d in blocks for y in range(a, b) for x in range(c, d)}
    assert union_count(np.array(blocks).reshape(-1, 4)) == len(cells)


def test_a_template_takes_the_attributes_of_the_largest_polygon(tmp_path: Path) -> None:
    path = grounds.regions(tmp_path)
    condition = Text("prompt", "a picture[ of {use} ground][ in {country}]", source=path)
    with pytest.raises(WorldError, match=r"'country' is no attribute of .*; it has text, use"):
        condition.check(PROMPT, GRIDS["EPSG:4326"], 0)
    condition, grid = Text("prompt", "a picture[ of {use} ground]", source=path), GRIDS["EPSG:4326"]
    condition.check(PROMPT, grid, 0)
    column, row = (int(v) for v in ~grid.transform(0) * (grounds.LON - 0.02, grounds.LAT))
    place = Place(grid, 0, Window(row - 9, row + 9, column - 9, column + 9))
    assert condition.told(place, PROMPT) == "a picture of red ground"
    assert condition.told(Place(grid, 0, Window(0, 4, 0, 4)), PROMPT) == "a picture"


def test_an_attribute_that_is_not_known_is_asked_for_or_left_out(tmp_path: Path) -> None:
    path, grid = grounds.regions(tmp_path), GRIDS["EPSG:4326"]
    corner = Place(grid, 0, Window(0, 4, 0, 4))
    with pytest.raises(
        WorldError, match=r"'use' is not known at 9.000\d+, 46.949\d+ .* in brackets, \[ of a {use}\]"
    ):
        Text("prompt", "a picture of a {use}", source=path).told(corner, PROMPT)
    assert Text("prompt", "a picture[ of a {use}]", source=path).told(corner, PROMPT) == "a picture"


def test_the_first_of_equal_polygons_names_a_tile(tmp_path: Path) -> None:
    """Three squares, of which the last two cover equally much of a tile, and more than the first."""
    squares = [grounds.polygon(0, 0, 1, text) for text in ("small", "left", "right")]
    for square, (west, east) in zip(squares, ((9.0, 9.001), (9.001, 9.003), (9.003, 9.005)), strict=True):
        ring = [[west, 46.94], [east, 46.94], [east, 46.95], [west, 46.95], [west, 46.94]]
        square["geometry"]["coordinates"] = [ring]
    condition = Text("prompt", "{use}", source=grounds.write_polygons(tmp_path / "s.geojson", squares))
    place = Place(GRIDS["EPSG:4326"], 0, Window(0, 20, 0, 20))
    assert condition.told(place, PROMPT) == "left"
    # Five pixels further to the right, a part of the left one is cut off.
    assert condition.told(Place(place.grid, 0, Window(0, 20, 5, 25)), PROMPT) == "right"


def test_a_template_sees_a_polygon_over_the_antimeridian_from_both_sides(tmp_path: Path) -> None:
    part = grounds.polygon(179.9, -17.0, 3.0, "reef", 30)
    condition = Text(
        "prompt", "sea[ with a {use}]", source=grounds.write_polygons(tmp_path / "f.geojson", [part])
    )
    for x in (4290, -30, 5, -4310):
        assert condition.told(Place(EARTH, 0, Window(1250, 1290, x, x + 40)), PROMPT) == "sea with a reef"
    assert condition.told(Place(EARTH, 0, Window(1250, 1290, 2000, 2040)), PROMPT) == "sea"


def test_conditions_of_texts_are_small_read_nothing_and_are_named_by_content(tmp_path: Path) -> None:
    unread = Text("prompt", "grey", source=str(tmp_path / "none.gpkg"), column="text")
    assert len(pickle.dumps(unread)) < 500
    assert pickle.loads(pickle.dumps(unread)) == unread
    one = by_region(tmp_path)
    other = Text(
        "prompt", "grey", source=shutil.copy(str(one.source), tmp_path / "copy.geojson"), column="text"
    )
    assert one.described() == other.described()
    grounds.write_polygons(tmp_path / "copy.geojson", [grounds.polygon(9.0, 46.9, 0.1, "red")])
    assert one.described() != other.described()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"prompt": "a {use}"},
            r"prompt='a {use}' names {use}, an attribute of polygons; name their file as source",
        ),
        ({"prompt": "a {use}", "source": "a.gpkg", "column": "text"}, r"of polygons; leave column out"),
        ({"prompt": 3}, r"condition.prompt.prompt=3 must be a text"),
        ({"column": "text"}, r"condition.prompt.column='text' is an attribute of polygons; name their file"),
        ({"source": "a.gpkg"}, r"condition.prompt.source='a.gpkg' is not used; name the column of the texts"),
    ],
)
def test_settings_that_have_no_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Text(**{"name": "prompt", "prompt": "x", **settings})


def damaged(folder: Path) -> str:
    path = Path(grounds.regions(folder))
    path.write_text(path.read_text()[:200])
    return str(path)


def flat(folder: Path) -> str:
    feature = grounds.polygon(9.0, 47.0, 1.0, "x")
    feature["geometry"] = {"type": "LineString", "coordinates": [[9, 47], [10, 48]]}
    return grounds.write_polygons(folder / "l.geojson", [feature])


def shapefile(folder: Path) -> str:
    path = folder / "s.shp"
    path.write_bytes(b"\0\0\x27\x0a" + b"\0" * 96)
    return str(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: str(folder / "none.gpkg"), "does not exist .*; name a file of polygons"),
        (damaged, "cannot be read .*it is damaged: copy it again"),
        (flat, r"feature 0 has no area; regions are polygons"),
        (shapefile, "is not a GeoPackage, FlatGeobuf, GeoJSON or Parquet file; convert it: ogr2ogr"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, make: Any, message: str) -> None:
    condition = Text("prompt", "grey", source=make(tmp_path), column="text")
    with pytest.raises(WorldError, match=message):
        condition.check(PROMPT, GRIDS["EPSG:4326"], 0)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    condition = Text("prompt", "grey", source=grounds.regions(tmp_path), column="words")
    with pytest.raises(WorldError, match=r"column='words': 'words' is no attribute of .*; it has text"):
        condition.check(PROMPT, GRIDS["EPSG:4326"], 0)


def test_polygons_need_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    condition = by_region(tmp_path)
    # An import of what is not installed.
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    with pytest.raises(WorldError, match=r"need pyogrio, .*: pip install 'geoinfinite\[vector\]'"):
        condition.check(PROMPT, GRIDS["EPSG:4326"], 0)


def test_a_polygon_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    feature = grounds.polygon(9.02, 46.93, 0.01, "bow")
    bow = [[9.01, 46.92], [9.03, 46.94], [9.03, 46.92], [9.01, 46.94], [9.01, 46.92]]
    feature["geometry"] = {"type": "Polygon", "coordinates": [bow]}
    path = grounds.write_polygons(tmp_path / "b.geojson", [feature])
    grid = GRIDS["EPSG:4326"]
    told = Text("prompt", "grey", source=path, column="text").told(Place(grid, 0, grid.full(0)), PROMPT)
    assert shares(told, "bow", grid.shape).sum() * grid.resolution**2 == pytest.approx(
        0.02 * 0.02 / 2, rel=0.02
    )
