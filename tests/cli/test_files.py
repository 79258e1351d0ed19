"""Files that commands write: archives of map tiles with their settings, STAC items."""

from __future__ import annotations

import json
from pathlib import Path

import pystac
import pytest
from command_line import BBOX
from map_archives import decoded, header_of, read_mbtiles, read_pmtiles
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from geoinfinite.cli import main
from geoinfinite.recipe.recipe import Recipe

RENDER = ["render", "ring.toml", "--level", "1", *BBOX, "--quiet"]


def said(capsys: pytest.CaptureFixture) -> str:
    """What a command that failed said, and nothing else."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return str(err.removeprefix("geoinfinite: ").rstrip("\n"))


def test_map_tiles_are_as_the_options_say(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    zooms = ["--min-zoom", "2", "--max-zoom", "3", "--tile-size", "512", "--tile-format", "webp"]
    outputs = ["--out", "a.pmtiles", "--out", "a.mbtiles", "--out", "a.zarr"]
    assert main([*RENDER, *zooms, *outputs]) == 0
    header, tiles = header_of(Path("a.pmtiles")), read_pmtiles(Path("a.pmtiles"))
    assert (header["min_zoom"], header["max_zoom"]) == (2, 3)
    assert {decoded(data)[0].shape for data in tiles.values()} == {(3, 512, 512)}
    assert all(data[8:12] == b"WEBP" for data in tiles.values())
    assert read_mbtiles(Path("a.mbtiles")) == tiles
    assert sorted(p.name for p in Path().iterdir()) == [
        "a.mbtiles",
        "a.pmtiles",
        "a.zarr",
        "ring.tif",
        "ring.toml",
    ]
    capsys.readouterr()
    assert main([*RENDER, "--out", "a.pmtiles"]) == 5
    assert said(capsys) == "--out=a.pmtiles exists; choose another path, or add --overwrite"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--max-zoom", "3", "--out", "a.tif"],
            "--max-zoom is for .pmtiles and .mbtiles: leave it out, or add",
        ),
        (["--tile-size", "512", "--out", "a.zarr"], "--tile-size is for .pmtiles and .mbtiles: leave it out"),
        (
            ["--min-zoom", "9", "--max-zoom", "3", "--out", "a.pmtiles"],
            "--min-zoom=9 is above --max-zoom=3; swap",
        ),
        (
            ["--max-zoom", "99", "--out", "a.mbtiles"],
            "--max-zoom=99 must be an integer from 0 to 24; take",
        ),
        (["--max-zoom", "24", "--out", "a.mbtiles"], "map tiles; take --max-zoom="),
    ],
)
def test_settings_that_do_nothing_or_too_much_are_refused_before_anything_is_drawn(
    options: list[str], message: str, world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    before = sorted(Path().rglob("*"))
    assert main([*RENDER, *options]) == 1
    assert message in said(capsys)
    assert sorted(Path().rglob("*")) == before


def test_an_item_describes_files_beside_each_other(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    Path("there").mkdir()
    outputs = ["there/a.zarr", "there/a.tif", "there/a.png"]
    assert main([*RENDER, *(word for out in outputs for word in ("--out", out))]) == 0
    assert main(["stac", *outputs]) == 0
    assert 'wrote there/a.json; open it with pystac.Item.from_file("there/a.json")' in capsys.readouterr().out
    item = pystac.Item.from_file("there/a.json")
    JsonSchemaSTACValidator().validate_core(item.to_dict(), pystac.STACObjectType.ITEM, "1.1.0")
    assert [asset.href for asset in item.assets.values()] == ["a.zarr", "a.tif", "a.png"]
    assert item.properties["geoinfinite_token"] == world.token
    assert main(["stac", "there/a.tif"]) == 5
    assert said(capsys) == "there/a.json exists; choose another path with --out, or add --overwrite"
    elsewhere = [
        "--out",
        "b.json",
        "--href",
        "https://example.org/data/",
        "--datetime",
        "2026-06-01T12:30:00+02:00",
    ]
    assert main(["stac", "there/a.tif", *elsewhere]) == 0
    other = json.loads(Path("b.json").read_text())
    assert other["assets"]["cog"]["href"] == "https://example.org/data/a.tif"
    assert other["properties"]["datetime"] == "2026-06-01T10:30:00Z"
    assert other["geometry"] == item.to_dict()["geometry"]


def test_the_item_of_a_store_elsewhere_is_written_here(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "--out", "memory://far/away.zarr"]) == 0
    assert main(["stac", "memory://far/away.zarr"]) == 0
    assert json.loads(Path("away.json").read_text())["assets"]["zarr"]["href"] == "memory://far/away.zarr"


def test_items_of_what_is_no_window_are_refused(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "--out", "a.png", "--out", "a.tif"]) == 0
    assert main([*RENDER, "--seed", "3", "--out", "b.tif"]) == 0
    capsys.readouterr()
    for arguments, code, message in (
        (["a.png"], 1, "a.png does not say which pixels it holds; name a .zarr or .tif of them too"),
        (["a.tif", "b.tif"], 1, "b.tif holds other pixels than a.tif; write an item for each"),
        (["a.tif", "ring.toml"], 1, "'ring.toml' does not end in one of .zarr, .tif"),
        (["ring.tif"], 1, "ring.tif does not say that geoinfinite wrote it"),
        (["nowhere.zarr"], 4, "nowhere.zarr does not exist; name a store that geoinfinite wrote"),
        (["a.tif", "--datetime", "noon"], 1, "--datetime='noon' is not a date and time; write one such as"),
        (["a.tif", "--datetime", "2026-06-01"], 1, "has no time zone; add one, such as +00:00"),
    ):
        assert main(["stac", *arguments]) == code
        assert message in said(capsys)
    assert not list(Path().glob("*.json"))
