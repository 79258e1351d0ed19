"""``geoinfinite new``: a world file that fits a model, and the command that draws from it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import geoinfinite as gi
from geoinfinite.cli import main

PLACE = ["--bbox", "7", "46", "7.02", "46.01", "--resolution", "20"]


def test_a_world_for_a_model_is_written_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "analytic:planet", *PLACE, "--out", "alps.toml", "--seed", "7"]) == 0
    world = gi.World.load("alps.toml")
    assert (world.name, world.seed, world.grid.crs) == ("alps", 7, "EPSG:32632")
    left, bottom, right, top = world.grid.bounds(0, world.grid.full(0), "EPSG:4326")
    assert left <= 7 < 7.02 <= right
    assert bottom <= 46 < 46.01 <= top
    assert [edge % 20 for edge in world.grid.origin] == [0, 0]
    shown = capsys.readouterr().out
    command = next(line for line in shown.splitlines() if "draw it" in line).partition("geoinfinite ")[2]
    assert main([*shlex.split(command), "--quiet"]) == 0
    assert (tmp_path / "alps.png").stat().st_size > 1000


def test_a_file_that_exists_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "world.toml"
    out.write_text("mine")
    arguments = ["new", "analytic:planet", *PLACE, "--out", str(out)]
    assert main(arguments) == 5
    assert "exists; name another file, or add --overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*arguments, "--overwrite"]) == 0
    assert gi.World.load(out).name == "world"


def test_across_the_antimeridian_the_zone_of_the_middle_is_taken(tmp_path: Path) -> None:
    place = ["--bbox", "179.99", "-17", "-179.99", "-16.99", "--resolution", "30"]
    assert main(["new", "analytic:planet", *place, "--out", str(tmp_path / "fiji.toml")]) == 0
    world = gi.World.load(tmp_path / "fiji.toml")
    assert world.grid.crs in ("EPSG:32701", "EPSG:32760")
    assert 60 < world.grid.shape[1] < 90


def test_what_a_model_needs_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "world.toml")
    assert main(["new", "analytic:planet", "--out", out]) == 1
    assert "draws without a parent; say crs, bounds, resolution, and no root" in capsys.readouterr().err
    assert main(["new", "bundled:earth-small", *PLACE, "--out", out]) == 1
    assert "draws on a parent; say root=RASTER" in capsys.readouterr().err
    assert not Path(out).exists()


def test_any_condition_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["new", "analytic:conditional", *PLACE, "--out", "told.toml"]
    said = ["--condition", "metadata:metadata", "date=2019-07-14", "cloud_cover=0.25"]
    text = ["--condition", "text:prompt", "prompt=a harbour", "guidance=2"]
    assert main([*arguments, *said, *text]) == 0
    metadata, prompt = gi.World.load("told.toml").conditions
    assert metadata == gi.conditions.Metadata("metadata", date="2019-07-14", cloud_cover=0.25)
    assert prompt == gi.conditions.Text("prompt", "a harbour", guidance=2.0)
    capsys.readouterr()
    assert main([*arguments, "--overwrite", "--condition", "metadata:metadata", "2019"]) == 1
    assert "'2019' is not KEY=VALUE, such as source=osm.tif" in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "--condition", "clouds:metadata"]) == 1
    assert "condition.metadata.kind='clouds' is not one of boxes, embedding" in capsys.readouterr().err
