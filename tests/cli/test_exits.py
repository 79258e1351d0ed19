"""Exit codes, and the one line that an error is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command_line import BBOX, RUN

from geoinfinite.cli import main
from geoinfinite.recipe.recipe import Recipe

STORE = ["render", "ring.toml", "--level", "2", *BBOX, "--quiet", "--out"]
PICTURE = ["render", "ring.toml", "--level", "1", *BBOX, "--quiet", "--out"]


def refused(capsys: pytest.CaptureFixture, code: int, *arguments: str) -> str:
    """The line of a command that fails with a code and writes nothing."""
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert sorted(Path().rglob("*")) == before
    return str(err.removeprefix("geoinfinite: ").rstrip("\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["draw"],
        ["render", "analytic"],
        ["render", "analytic", "--level", "1", "--bbox", "1", "2", "3", "--out", "a.png"],
        ["render", "analytic", "--level", "one", *BBOX, "--out", "a.png"],
        ["render", "analytic", "--level", "1", *BBOX, "--out", "a.png", "--workers", "0"],
        ["render", "analytic", "--level", "1", *BBOX, "--out", "a.png", "-x"],
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("number", ["-1e1", "-10", "-1.0E+1", "-10.", "-100e-1"])
def test_every_way_to_write_a_negative_number_is_a_number(
    number: str, world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    plan = ["plan", "ring.toml", "--level", "2", "--bbox"]
    assert main([*plan, "-10.0", "-5", "10", "5"]) == 0
    wanted = capsys.readouterr().out
    assert main([*plan, number, "-5", "10", "5"]) == 0
    assert capsys.readouterr().out == wanted


def test_not_sound_no_store_and_there_already_are_told_apart(
    world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    assert main([*STORE, "a.zarr"]) == 0
    Path("a.zarr/2/image/c/0/0/0").unlink()
    assert main(["verify", "a.zarr"]) == 3
    for command in ("verify", "resume", "info"):
        assert "does not exist; name a store" in refused(capsys, 4, command, "nowhere.zarr")
        assert "is not a store of geoinfinite; name" in refused(capsys, 4, command, ".")
    assert main([*PICTURE, "a.png"]) == 0
    assert (
        refused(capsys, 5, *PICTURE, "a.png") == "--out=a.png exists; choose another path, or add --overwrite"
    )
    assert main([*PICTURE, "a.png", "--overwrite"]) == 0
    assert "a .zarr is resumed, never replaced" in refused(capsys, 5, *STORE, "a.zarr", "--overwrite")
    assert "world 'erth' does not exist; " in refused(capsys, 1, "plan", "erth", "--level", "1")


def test_a_folder_is_no_picture_to_overwrite(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    Path("a.tif").mkdir()
    for overwrite in ([], ["--overwrite"]):
        assert refused(capsys, 5, *PICTURE, "a.tif", *overwrite) == (
            "--out=a.tif is a folder; choose another path, or delete it first"
        )


@pytest.mark.parametrize("out", ["typo/a.tif", "typo/a.zarr", "typo/deeper/a.png"])
def test_a_folder_that_is_not_there_is_not_made(
    out: str, world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    said = refused(capsys, 1, *STORE, out)
    assert said.startswith(
        f"--out={out}: the folder {Path(out).absolute().parent} does not exist; create it: "
    )
    subprocess.run(said.rpartition("create it: ")[2], shell=True, check=True)
    assert main([*STORE, out]) == 0


def test_an_output_given_twice_is_refused(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    said = refused(capsys, 1, *PICTURE, "a.tif", "--out", "./a.tif")
    assert said == "--out=./a.tif is given twice; leave one out"


def test_a_png_that_is_too_large_is_refused_before_anything_is_drawn(
    world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    huge = ["render", "analytic", "--level", "4", "--bbox", "0", "0", "90", "60", "--out"]
    assert "a PNG of " in refused(capsys, 1, *huge, "a.zarr", "--out", "a.png")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    plain = subprocess.run([*RUN, "info", "erth"], capture_output=True, text=True)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr.startswith("geoinfinite: world 'erth' does not exist; ")
    assert len(plain.stderr.splitlines()) == 1
    debug = subprocess.run([*RUN, "info", "erth", "--debug"], capture_output=True, text=True)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([*RUN, "info", "analytic"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (process.returncode, process.stderr) == (1, b"")
