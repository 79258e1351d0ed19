"""Commands that only look: ``plan``, ``verify``, ``info`` and ``models``, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import BBOX

import geoinfinite as gi
from geoinfinite.cli import main
from geoinfinite.cli.parser import build_parser
from geoinfinite.models.reference import ModelReference
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe, described
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.presets import PRESETS

RENDER = ["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr"]

GENERATED = """
[grid]
crs = "EPSG:4326"
origin = [-180.0, 90.0]
resolution = 0.9375
shape = [192, 384]
levels = 3
periodic = true

[root]
source = "generated"

[level.0.model]
ref = "analytic:planet"

[level.0.sampler]
preset = "earlysync"
tile = 64
stride = 48

[sampler]
stride = 96

[level.2.model]
ref = "analytic:gaussian"

[level.2.sampler]
steps = 2
"""


def printed(capsys: pytest.CaptureFixture, *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


def document(capsys: pytest.CaptureFixture, *arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--json", code=code))
    return found


def damage(shard: Path) -> bytes:
    """Change a byte of a shard; return what it was."""
    sound = shard.read_bytes()
    shard.write_bytes(sound[:40] + bytes([sound[40] ^ 1]) + sound[41:])
    return sound


def test_plan_counts_what_render_draws(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    text = printed(capsys, "plan", "ring.toml", "--level", "2", *BBOX)
    assert text.startswith("world 'ring' ")
    planned = text.splitlines()[4].split()[-1]
    assert main(RENDER) == 0
    assert f" {planned} evaluations" in capsys.readouterr().out


def test_plan_measures_and_says_what_is_left_out(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    said = printed(capsys, "plan", "ring.toml", "--level", "2", "--measure").splitlines()[-1]
    assert " ms per evaluation here, " in said
    assert said.endswith("start-up, loading the network and writing are not included")


def test_a_plan_as_json(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    found = document(capsys, "plan", "ring.toml", "--level", "2", *BBOX)
    window = world.grid.window(2, (-7, 41, 9, 52))
    plan = plan_window(world, 2, window)
    assert found["window"] == [window.y0, window.y1, window.x0, window.x1]
    assert (found["world"], found["token"], found["level"]) == ("ring", world.token, 2)
    for key in ("shards", "tiles", "evaluations", "cold_evaluations", "pixels", "bytes"):
        assert found[key] == getattr(plan, key)
    assert [stage["level"] for stage in found["stages"]] == [1, 2]
    assert sum(stage["evaluations"] for stage in found["stages"]) == plan.evaluations
    assert found["seconds_per_evaluation"] is found["evaluation_seconds"] is None
    timed = document(capsys, "plan", "ring.toml", "--level", "2", *BBOX, "--measure")
    assert timed["evaluation_seconds"] == timed["seconds_per_evaluation"] * plan.evaluations
    assert timed["seconds_per_evaluation"] > 0


def test_info_describes_worlds_and_stores(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    text = printed(capsys, "info", "ring.toml")
    for fact in (
        world.token,
        "model of levels 1 to 3    analytic:gaussian, float32, on cpu",
        "EPSG:4326, factor 4, once round the Earth",
    ):
        assert fact in text
    rows = [line.split() for line in text.splitlines()[-4:]]
    assert rows[0] == ["0", "1,670", "km", "12", "24", "root"]
    assert rows[2] == ["2", "104", "km", "192", "384", "model"]
    assert main(RENDER) == 0
    text = printed(capsys, "info", "a.zarr")
    assert "2 of 2 written; complete" in text
    assert worldfile.dump(world).rstrip() in text


def test_info_prints_the_sampler_that_every_level_is_drawn_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("made.toml").write_text(GENERATED)
    recipe = worldfile.load("made.toml", Recipe)
    found = document(capsys, "info", "made.toml")
    of_root, of_first = recipe.sampler_at(0), recipe.sampler_at(1)
    assert len({(s.steps, s.tile) for s in (of_root, of_first, recipe.sampler_at(2))}) == 3
    lines = printed(capsys, "info", "made.toml").splitlines()
    for name, sampler in (("level 0", of_root), ("level 1", of_first), ("level 2", recipe.sampler_at(2))):
        said = next(line for line in lines if line.strip().startswith(f"sampler of {name}"))
        assert f"{sampler.preset}, {sampler.solver} {sampler.steps} steps, tiles of {sampler.tile} px" in said
    for level, facts in enumerate(found["levels"]):
        assert facts["sampler"] == json.loads(json.dumps(described(recipe.sampler_at(level))))
        assert (facts["source"], facts["model"]) == ("model", recipe.model_at(level).ref)


def test_a_world_and_a_store_as_json(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    found = document(capsys, "info", "ring.toml")
    assert {key: found[key] for key in ("kind", "name", "token", "seed", "dtype", "periodic")} == {
        "kind": "world", "name": "ring", "token": world.token, "seed": 11, "dtype": "uint8", "periodic": True,
    }  # fmt: skip
    assert [(level["rows"], level["columns"]) for level in found["levels"]] == [
        world.grid.shape_at(level) for level in range(4)
    ]
    assert [level["source"] for level in found["levels"]] == ["raster", "model", "model", "model"]
    assert found["levels"][0]["sampler"] is found["levels"][0]["model"] is None
    assert main(RENDER) == 0
    found = document(capsys, "info", "a.zarr")
    assert (found["kind"], found["shards"], found["shards_written"], found["complete"]) == (
        "store",
        2,
        2,
        True,
    )
    assert (found["levels"], found["recipe"]) == ([1, 2], worldfile.dump(world))
    Path("a.zarr/2/image/c/0/0/0").unlink()
    found = document(capsys, "info", "a.zarr")
    assert (found["shards_written"], found["complete"]) == (1, False)


def test_models_are_listed_and_inspected(capsys: pytest.CaptureFixture) -> None:
    assert printed(capsys, "models", "list").splitlines()[:2] == ["bundled:earth-small", "analytic:gaussian"]
    assert "multiples of 4 px" in printed(capsys, "models", "inspect", "analytic:gaussian")
    refs = document(capsys, "models", "list")["models"]
    assert "\n".join(refs) + "\n" == printed(capsys, "models", "list")
    for ref in refs:
        found, facts = document(capsys, "models", "inspect", ref), ModelReference(ref).facts()
        assert (found["ref"], found["digest"]) == (ref, ModelReference(ref).digest())
        assert (found["bands"], found["needs_parent"]) == (facts.bands, facts.conditioned)
        assert (found["factor"], found["multiple"]) == (facts.factor, facts.multiple)


def test_verify_fails_on_a_damaged_store_and_resume_repairs_it(
    world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    assert main([*RENDER, "--quiet"]) == 0
    assert main(["verify", "a.zarr"]) == 0
    shard = Path("a.zarr/2/image/c/0/0/0")
    sound = damage(shard)
    assert "level 2 shard (0, 0)" in printed(capsys, "verify", "a.zarr", code=3)
    assert main(["resume", "a.zarr"]) == 0
    assert "1 shards drawn and 1 kept" in capsys.readouterr().out
    assert shard.read_bytes() == sound
    assert main(["verify", "a.zarr"]) == 0


def test_a_report_as_json(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "--quiet"]) == 0
    found = document(capsys, "verify", "a.zarr")
    assert (found["sound"], found["shards"], found["problems"]) == (True, 2, [])
    damage(Path("a.zarr/2/image/c/0/0/0"))
    found = document(capsys, "verify", "a.zarr", code=3)
    assert (found["sound"], found["shards"]) == (False, 2)
    assert found["missing"] + found["damaged"] + found["foreign"] == 1
    assert [(p["level"], p["row"], p["column"]) for p in found["problems"]] == [(2, 0, 0)]
    assert not gi.verify("a.zarr").ok


def test_a_store_says_what_it_lists_and_who_reads_it(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "--preset", "gdal"]) == 0
    said = "a.zarr lists level 2; the window is not of whole pixels of level 1: aligned(1), or --align 1"
    assert said in capsys.readouterr().out
    assert "GDAL from 3.6 on (rasterio, QGIS)" in printed(capsys, "info", "a.zarr")
    found = document(capsys, "info", "a.zarr")
    assert (found["preset"], found["listed"], found["levels"]) == ("gdal", [2], [1, 2])
    Path("a.zarr").rename("b.zarr")
    assert main([*RENDER, "--align", "1"]) == 0
    assert "a.zarr lists levels 2, 1\n" in capsys.readouterr().out
    assert "cannot read shards: write with --preset gdal" in printed(capsys, "info", "a.zarr")
    assert document(capsys, "info", "a.zarr")["listed"] == [2, 1]
    assert "lists levels 2, 1" in printed(capsys, "plan", *RENDER[1:-2], "--align", "1")


def test_the_presets_of_the_command_line_are_those_of_stores() -> None:
    for preset in PRESETS:
        assert build_parser().parse_args([*RENDER, "--preset", preset]).preset == preset
