"""The pages of published systems: their commands run, their worlds draw, their Python prints what it says.

Every page runs in an empty folder with the reference checkpoint of its system, in its published layout and
under the name that the page gives it. Only ``steps`` is lowered: so many as published take too long.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import REPOSITORY, Block, agrees, blocks
from published import FIXTURES
from system_pages import SUPPLIES, ground_of

import geoinfinite as gi
from geoinfinite.cli import main

SYSTEMS = REPOSITORY / "docs" / "systems"
PAGES = sorted(page for page in SYSTEMS.glob("*.md") if page.name != "README.md")
STEPS = 1
SIDE = 24
"""Of the windows that are drawn, in pixels."""
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_answers_the_same_questions_in_the_same_order(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    asked = ["Your own data", "How it is sampled", "Cost"]
    assert headings[-3:] == asked
    assert {"weights", "licence"} <= set(
        re.findall(r"^\| (weights|licence)\b", page.read_text(), re.MULTILINE)
    )


def test_the_index_lists_every_page() -> None:
    listed = re.findall(r"^\| \[[\w-]+\]\(([\w-]+)\.md\)", (SYSTEMS / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [page.stem for page in PAGES]


def test_the_readme_leads_to_every_page() -> None:
    linked = re.findall(r"\]\(docs/systems/([\w-]+)\.md\)", (REPOSITORY / "README.md").read_text())
    assert sorted(set(linked) - {"README"}) == [page.stem for page in PAGES]


@pytest.mark.slow
# The tiles of reference checkpoints are small against what their decoders read around them.
@pytest.mark.filterwarnings("ignore::geoinfinite.errors.CostWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
    parts = blocks(page, "sh", "toml", "python")
    if page.stem in SUPPLIES:
        SUPPLIES[page.stem](tmp_path, *(ground_of(part.code) for part in parts if part.language == "toml"))
    capsys.readouterr()
    names: dict[str, Any] = {}
    for part in parts:
        if part.language == "sh":
            _run(part)
        elif part.language == "toml":
            world = _load(part)
            if not any(world.name in other.code for other in parts if other.language == "python"):
                _draw(gi.World.load(world))
        else:
            exec(compile(part.code, page.name, "exec"), names)
            assert _varies(names["piece"])
            printed = capsys.readouterr().out
            assert agrees(part.says, printed), f"{page.name} says\n{part.says}\nbut prints\n{printed}"
        capsys.readouterr()


def _run(part: Block) -> None:
    for line in part.commands:
        assert main(shlex.split(line)[1:]) == 0, line


def _load(part: Block) -> Path:
    """Write a world file under the name in its first line, and load it."""
    named = re.match(r"# (\S+\.toml)\n", part.code)
    assert named is not None, f"the first line names no file: {part.code.splitlines()[0]}"
    Path(named[1]).write_text(_shortened(part.code), encoding="utf-8")
    world = gi.World.load(named[1])
    assert world.sampler_at(world.grid.levels - 1).steps == STEPS
    return Path(named[1])


def _draw(world: gi.World) -> None:
    """Draw a window in the middle of level 1, which has a parent, or of the only one."""
    level = min(1, world.grid.levels - 1)
    rows, columns = world.grid.shape
    factor = world.grid.factor**level
    y, x = rows * factor // 2, columns * factor // 2
    window = gi.Window(y - 3, y - 3 + SIDE, x - 5, x - 5 + SIDE)
    assert _varies(gi.generate(world, level, window))


def _varies(pixels: np.ndarray) -> bool:
    """Whether pixels of bytes, or of 0 to 1, differ by more than rounding."""
    whole = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    return bool(pixels.std() > whole / 255)


def _shortened(world: str) -> str:
    """A world file with fewer steps."""
    if "[sampler]" in world:
        world = re.sub(r"^steps = .*\n", "", world, flags=re.MULTILINE)
        return world.replace("[sampler]\n", f"[sampler]\nsteps = {STEPS}\n")
    assert "sampler" not in tomllib.loads(world)
    return f"{world}\n[sampler]\nsteps = {STEPS}\n"
