"""``--part I/N``: a store drawn by several commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import start

from geoinfinite.cli import main
from geoinfinite.recipe.recipe import Recipe

RENDER = ["render", "ring.toml", "--level", "3", "--bbox", "-170", "-70", "0", "80", "--out"]


def objects(store: str) -> dict[str, bytes]:
    files = (path for path in Path(store).rglob("*") if path.is_file())
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files}


def test_parts_drawn_one_after_the_other_are_the_whole(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "whole.zarr", "--quiet"]) == 0
    assert main([*RENDER, "parts.zarr", "--part", "2/3"]) == 0
    assert "part 2/3 of parts.zarr is drawn: " in capsys.readouterr().out
    assert main(["verify", "parts.zarr"]) == 3
    assert main(["resume", "parts.zarr", "--part", "3/3", "--quiet"]) == 0
    capsys.readouterr()
    assert main([*RENDER, "parts.zarr", "--part", "1/3"]) == 0
    assert "part 1/3 of parts.zarr is drawn, and all of its " in capsys.readouterr().out
    assert main(["verify", "parts.zarr"]) == 0
    assert objects("parts.zarr") == objects("whole.zarr")


def test_parts_drawn_at_the_same_time_are_the_whole(world: Recipe) -> None:
    assert main([*RENDER, "whole.zarr", "--quiet"]) == 0
    running = [start(*RENDER, "parts.zarr", "--quiet", "--part", f"{part}/2") for part in (1, 2)]
    assert [(process.communicate(), process.returncode) for process in running] == [(("", ""), 0)] * 2
    assert objects("parts.zarr") == objects("whole.zarr")


def test_a_picture_needs_all_parts(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main([*RENDER, "a.tif", "--part", "1/2"]) == 1
    assert "--part=1/2 is for a .zarr alone: a.tif needs all parts; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "-1/2", "1/0", "a/b"])
def test_a_part_is_one_of_a_number(part: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["resume", "a.zarr", f"--part={part}"])
    assert f"'{part}' is not I/N with 1 <= I <= N" in capsys.readouterr().err
