"""The command ``chips``."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import chip_boxes
import command_line
import pytest

from geoinfinite.chips import FILTERS, FORMATS
from geoinfinite.cli import main
from geoinfinite.cli.parser import build_parser
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@pytest.fixture(autouse=True)
def here(patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chip_boxes.write(tmp_path / "boxes.gpkg")
    (tmp_path / "patch.toml").write_text(worldfile.dump(patch))


def run(text: str) -> int:
    return main(["chips", "patch.toml", "--level", "3", "--size", "64", *text.split()])


def listed(folder: str) -> dict:
    return json.loads((Path(folder) / "chips.json").read_text())


def test_labelled_chips_in_splits(capsys: pytest.CaptureFixture) -> None:
    asked = "--boxes boxes.gpkg --format yolo-obb --count 8 --split 0.5/0.25/0.25 --filter sharpness --out a"
    assert run(asked) == 0
    out, err = capsys.readouterr()
    first, last = out.splitlines()
    assert re.fullmatch(
        r"8 chips of 64 x 64 px of level 3 \(2 test, 4 train, 2 val\); classes crane, oil tank, ship", first
    )
    assert re.fullmatch(r".*/a: 8 of 8 chips, 8 drawn and 0 kept", last)
    assert "8/8 chips, 32,768/32,768 pixels, 8 chips drawn in" in err
    assert len(list(Path("a/labels/train").iterdir())) == 4
    assert all("sharpness" in row for row in listed("a")["chips"])


def test_a_limit_says_what_is_left_and_the_same_command_goes_on(capsys: pytest.CaptureFixture) -> None:
    assert run("--boxes boxes.gpkg --format coco --count 5 --limit 2 --out a") == 0
    assert (
        "2 of 5 chips, 2 drawn and 0 kept; 3 are left: run the same command again" in capsys.readouterr().out
    )
    assert run("--boxes boxes.gpkg --format coco --count 5 --out a --quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert listed("a")["complete"]


def test_masks_and_pairs_without_boxes() -> None:
    assert run("--boxes boxes.gpkg --masks ship,crane --pairs 4 --count 3 --quiet --out a") == 0
    assert listed("a")["mask_classes"] == ["background", "ship", "crane"]
    assert {p.parent.parent.name for p in Path("a").rglob("*.png")} == {"images", "masks", "coarse"}


def test_bounds_in_degrees_and_places() -> None:
    for name, more in (("a", ""), ("b", "--places-seed 1"), ("c", "--seed 9")):
        bounds = "--bbox 13.89 46.98 13.92 47.00 --count 3 --quiet"
        assert run(f"{bounds} {more} --out {name}") == 0
    places = {name: [row["window"] for row in listed(name)["chips"]] for name in "abc"}
    assert places["a"] == places["c"] != places["b"]
    assert listed("a")["world"]["token"] != listed("c")["world"]["token"]
    assert listed("c")["world"]["seed"] == "9"


def test_a_store_gives_chips() -> None:
    bounds = "--bbox 13.89 46.98 13.92 47.00"
    assert main(f"render patch.toml --level 3 {bounds} --out s.zarr --quiet".split()) == 0
    chips = f"--level 3 --size 64 --count 2 {bounds} --quiet --out"
    assert main(f"chips s.zarr {chips} a".split()) == 0
    assert main(f"chips patch.toml {chips} b".split()) == 0
    stored, drawn = listed("a"), listed("b")
    assert stored["world"] == drawn["world"]
    assert len(stored["chips"]) == 2


def test_ctrl_c_says_how_to_go_on() -> None:
    asked = "chips analytic --level 3 --count 200 --bbox 7 45 9 47 --size 64 --out a"
    process = command_line.start(*asked.split())
    command_line.wait_until(lambda: list(Path("a").rglob("*.png")), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("interrupted; chips drawn are kept in a; run the same command again to go on\n")
    assert not list(Path("a").rglob("*.partial"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            "--format coco --out a",
            "--format=coco needs objects, and the world is told none; name a file of .*",
        ),
        ("--masks ship --out a", "--masks=ship needs objects, .*: --boxes FILE"),
        (
            "--boxes boxes.gpkg --split 0.8 --out a",
            "--split=0.8 must be one to three shares that sum to 1",
        ),
        (
            "--boxes boxes.gpkg --column kind --format dota --out a",
            "--column='kind' is no attribute of .*; name",
        ),
        (
            "--boxes boxes.gpkg --classes car --format dota --out a",
            r"--classes=\('car',\) are no classes of .*",
        ),
        ("--pairs 5 --out a", "--pairs=5: level 3 has coarser levels 4, 16, 64 times coarser; take 4"),
        ("--bbox 0 0 1 1 --out a", ".*reaches outside the grid, .*; ask for a part of it"),
        ("--out patch.tif", ".*patch.tif is not a store of geoinfinite; name another path"),
        ("--out nowhere/a", "the folder .*nowhere does not exist; create it, or choose another path"),
    ],
)
def test_bad_input_gets_one_line_and_writes_nothing(
    asked: str, message: str, capsys: pytest.CaptureFixture
) -> None:
    before = sorted(Path().rglob("*"))
    assert run(asked) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1
    assert re.search(f"^geoinfinite: {message}", err[0]), err
    assert sorted(Path().rglob("*")) == before


def test_choices_are_what_there_is(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="0"):
        build_parser().parse_args(["chips", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "{" + ",".join(FORMATS) + "}" in text
    assert "{" + ",".join(FILTERS) + "}" in text
