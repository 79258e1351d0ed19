"""Styles of maps, tags of OpenStreetMap, settings and files that cannot be painted."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from map_towns import BUILDING, GRID, LAND, WATER, X, Y, told, town
from pyproj import Transformer
from vector_files import turned_box, write

from geoinfinite.conditions import KINDS, Map
from geoinfinite.conditions.map_style_file import STYLES, bundled
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables
from geoinfinite.told import Slot


def test_styles_of_the_package_are_complete(tmp_path: Path) -> None:
    for name in STYLES:
        style = bundled(name)
        assert len(style.rules) > 8
        assert {"building", "highway", "natural"} <= style.painted_keys
    assert bundled("plain").samples == 1


def test_the_style_of_the_documentation_is_one(tmp_path: Path) -> None:
    """A driveway of 2 m, and other roads of 6 m above it."""
    page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text()
    (text,) = re.findall(r"```toml\n(background = .*?)```", page, re.DOTALL)
    (tmp_path / "mine.toml").write_text(text)
    roads = [shapely.LineString([(X, Y - y), (X + 60, Y - y)]) for y in (10.5, 30.5)]
    tags = {"highway": ["service"] * 2, "service": ["driveway", None]}
    path = write(tmp_path / "m.fgb", GRID.crs, roads, tags)
    found = told(path, Window(160, 220, 210, 270), style="", style_file=str(tmp_path / "mine.toml"))
    white = (found[:, 30] == 255).all(axis=-1)
    assert (int(white[:20].sum()), int(white[20:].sum())) == (1, 5)


OSM = """<osm version="0.6">{nodes}
<way id="11"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="yes"/></way>
<way id="12"><nd ref="5"/><nd ref="6"/><tag k="highway" v="residential"/><tag k="surface" v="asphalt"/></way>
<way id="13"><nd ref="7"/><nd ref="8"/><nd ref="9"/><nd ref="10"/><nd ref="7"/><tag k="area" v="yes"/>
<tag k="highway" v="pedestrian"/></way></osm>"""


@pytest.mark.skipif("OSM" not in pyogrio.list_drivers(read=True), reason="this GDAL reads no OpenStreetMap")
def test_an_extract_of_openstreetmap_is_painted_as_gdal_converts_it(tmp_path: Path) -> None:
    """A building, a road, and a square whose tag stands among others in ``other_tags``."""
    corners = [
        (10, 10),
        (30, 10),
        (30, 30),
        (10, 30),
        (0, 45),
        (70, 45),
        (40, 5),
        (60, 5),
        (60, 25),
        (40, 25),
    ]
    x, y = np.array(corners, float).T * np.array([[1], [-1]]) + np.array([[X], [Y]])
    places = zip(*point_in_degrees(x, y), strict=True)
    nodes = "".join(f'<node id="{n}" lon="{a}" lat="{b}"/>' for n, (a, b) in enumerate(places, 1))
    (tmp_path / "city.osm").write_text(OSM.format(nodes=nodes))
    for layer in ("multipolygons", "lines"):
        facts, _, shapes, values = pyogrio.raw.read(str(tmp_path / "city.osm"), layer=layer)
        columns = dict(zip(facts["fields"], values, strict=True))
        known = {name: list(columns[name]) for name in columns if any(v is not None for v in columns[name])}
        path = tmp_path / "city.gpkg"
        write(path, "EPSG:4326", shapely.from_wkb(shapes), known, layer=layer, append=path.exists())
    found = told(str(path), Window(160, 220, 210, 280))
    assert tuple(found[20, 20]) == BUILDING
    assert tuple(found[45, 35]) == (255, 255, 255)
    assert tuple(found[15, 50]) == (221, 221, 232)


def point_in_degrees(x: Any, y: Any) -> Any:
    return Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(x, y)


def test_a_world_file_holds_it(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, *town())
    condition = Map(
        "hint", path, style="plain", column="landuse", colours={"forest": (0, 90, 0), "7": (1, 1, 1)}
    )
    (table,) = condition_tables.written([condition], tmp_path)
    assert table["source"] == "m.gpkg"
    table["colours"] = dict(table["colours"])
    (again,) = condition_tables.read(json.loads(json.dumps([table])), KINDS, tmp_path)
    assert again == condition == pickle.loads(pickle.dumps(condition))
    own = {"kind": "map", "name": "hint", "source": "m.gpkg", "style_file": "s.toml"}
    (styled,) = condition_tables.read([own], KINDS, tmp_path)
    assert styled.style_file == str(tmp_path / "s.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"condition.hint.style='' and style_file='': name one of the two; styles are osm-carto-z17"),
        ({"style": "plain", "style_file": "s.toml"}, r"style='plain' and style_file='s.toml': name one"),
        ({"style": "carto"}, r"condition.hint.style='carto' is not one of osm-carto-z17, geosynth, plain"),
        ({"style": "plain", "column": "class"}, r"column='class' and colours belong together: name the attr"),
        ({"style": "geosynth", "column": "c", "colours": {"a": (1, 2, 3)}}, r'write style = "plain"'),
        ({"style": "plain", "column": "c", "colours": {"a": (1, 2), "b": (1,)}}, r"equally many values"),
        ({"style": "plain", "column": "c", "colours": {"a": (1, 2, 300)}}, r"whole numbers from 0 to 255"),
        ({"style": "plain", "column": "c", "colours": {"a": ()}}, r"must name a colour for every class"),
        ({"style": "plain", "column": "c", "colours": "red"}, r"colours='red' must name a colour for every"),
        (
            {"style": "plain", "background": (0.5, 0, 0)},
            r"background=\(0.5, 0, 0\): a colour has whole numbers",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Map("hint", "m.gpkg", **settings)


def style(paints: str, rule: str, **more: Any) -> str:
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    return f'{settings}layer = [{{ paints = "{paints}", rules = [{{ {rule} }}] }}]'


ANY = 'tags = { building = "*" }'
STYLE_FILES = {
    "": r"s.toml' has no list of layer tables; add some",
    "]": r"s.toml' is no TOML \(.*\); mend it",
    "layer = []": r"has 0 rules; a style has at least one",
    "layer = [3]": r"s.toml': layer 1 is no table; write { paints = ... }",
    "colour = 3": r"'colour' is not one of background, unit, samples, layer",
    style("areas", ANY + ', fill = "#ffffff"'): r"background is missing; say its colour",
    style("areas", ANY + ', fill = "red"'): r"layer 1, rule 1: fill='red' is no colour; write one such as",
    style("areas", ANY): r"rule 1 paints areas, which have a fill and no casing",
    style("lines", ANY + ', fill = "#ffffff"'): r"rule 1 paints lines, which have a line and no fill",
    style("lines", ANY + ', line = "#ffffff"'): r"width=0; a colour and a positive width belong together",
    style(
        "lines", ANY + ', line = "#ffffff", width = 1e9'
    ): r"width=1e\+09 must be at least 0 and at most 1000",
    style("lines", ANY + ', line = "#ffffff", width = "1"'): r"width='1' must be a number",
    style("points", ANY): r"layer 1: paints='points' is not one of areas, lines",
    style("areas", 'fill = "#ffffff"'): r"rule 1 has no tags; say what it paints",
    style("areas", "tags = { a = 3 }"): r"tags must name texts for attributes",
    style(
        "areas", ANY + ', fill = "#ffffff"', background="#ffffff", samples=9
    ): r"samples=9 must be from 1 to 8",
    style(
        "areas", ANY + ', fill = "#ffffff"', background="#ffffff", unit="feet"
    ): r"unit='feet' is not one of pix",
}


@pytest.mark.parametrize("text", list(STYLE_FILES))
def test_a_style_file_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X, Y, 10, 8)], {"building": ["yes"]})
    with pytest.raises(WorldError, match=STYLE_FILES[text]):
        told(path, Window(0, 9, 0, 9), style="", style_file=str(tmp_path / "s.toml"))


def test_what_errors_about_styles_advise_is_understood(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'background = "#f2efe9"\n[[layer]]\npaints = "areas"\nrules = [\n'
        '{ tags = { building = "*" }, fill = "#aad3df" },\n'
        '{ tags = { landuse = ["grass", "meadow"] }, fill = "#aad3df", line = "#aad3df", width = 1 } ]\n'
    )
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X + 15, Y - 15, 12, 12)], {"building": ["yes"]})
    found = told(path, Window(160, 190, 210, 240), style="", style_file=str(tmp_path / "s.toml"))
    assert (tuple(found[15, 15]), tuple(found[2, 2])) == (WATER, LAND)


def test_files_that_cannot_be_painted(tmp_path: Path) -> None:
    box = [turned_box(X, Y, 10, 8)]
    good = write(tmp_path / "m.gpkg", GRID.crs, box, {"class": ["ship"], "n": [3]})
    bare = write(tmp_path / "bare.gpkg", None, box, {"building": ["yes"]})
    masks = {"style": "plain", "column": "class"}
    for path, settings, message in (
        (
            good,
            {},
            r"m.gpkg' has none of the attributes that are painted, .*building.*; it has class, n: name",
        ),
        (
            good,
            masks | {"column": "kind", "colours": {"a": (1, 2, 3)}},
            r"that are painted, kind; it has class, n",
        ),
        (
            good,
            masks | {"colours": {"boat": (1, 2, 3)}},
            r"has no colour for any class of .*: ship; name some",
        ),
        (
            good,
            masks | {"colours": {"ship": (1, 2)}},
            r"gives 2 bands of colour, and the slot 'hint' is told 3 bands",
        ),
        (good, masks | {"colours": {"ship": (1, 2)}, "background": (1,)}, r"equally many values"),
        (good, {"style": "plain", "background": (1,)}, r"background=\(1.0,\) must have 3 values"),
        (bare, {}, r"bare.gpkg' has no CRS; write one into it: ogr2ogr -a_srs"),
        (str(tmp_path / "none.fgb"), {}, r"none.fgb' does not exist"),
        (good, {"style": "", "style_file": "/none.toml"}, r"style_file='/none.toml' does not exist"),
    ):
        with pytest.raises(WorldError, match=message):
            told(path, Window(0, 9, 0, 9), **settings)
    assert told(good, Window(155, 165, 205, 215), **masks, colours={"ship": (1, 2, 3)})[5, 5].tolist() == [
        1,
        2,
        3,
    ]


def test_slots_that_are_told_no_colours_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gpkg", GRID.crs, [turned_box(X, Y, 10, 8)], {"building": ["yes"]})
    for slot, message in (
        (
            Slot("hint", "raster", channels=10, encoding="sentinel2"),
            r"'hint' is told sentinel2; write kind = \"raster\"",
        ),
        (Slot("hint", "raster", channels=4), r"kind='map' gives 3 bands of colour, .* told 4 bands"),
        (Slot("hint", "text"), r"kind='map' cannot fill the slot 'hint', which is told text"),
    ):
        with pytest.raises(WorldError, match=message):
            told(path, Window(0, 9, 0, 9), slot=slot)
