"""Tutorials run from top to bottom in an empty folder, and print what they say.

Blocks of one page share a folder and their Python names. ``sh`` blocks call the command line in this process,
``bash`` blocks are scripts of a shell, ``toml`` blocks become the file that their first line names.
What a block prints is the ``text`` block after it, or the comments behind its ``print`` calls.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import REPOSITORY, Block, agrees, blocks
from published import FIXTURES
from system_pages import SUPPLIES, ground_of

from geoinfinite.cli import main
from geoinfinite.models.diffusers.sidecar import RULES

TUTORIALS = REPOSITORY / "docs" / "tutorials"
PAGES = sorted(TUTORIALS.glob("*.md"))
CHECKPOINTS = {"published-checkpoint": "map-sat"}
"""Pages that take a published checkpoint and a place for granted, and the system whose page has both."""
ON_THE_PATH = (
    '#!/bin/sh\nexec "{python}" -c "from geoinfinite.cli import main; raise SystemExit(main())" "$@"\n'
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with the command of this source on the path."""
    command = tmp_path / "bin" / "geoinfinite"
    command.parent.mkdir()
    command.write_text(ON_THE_PATH.format(python=sys.executable))
    command.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "src"))
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.mark.filterwarnings("ignore::geoinfinite.errors.CostWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_tutorial_says_is_what_it_prints(
    page: Path, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = blocks(page, "sh", "bash", "toml", "python")
    assert {"python"} <= {part.language for part in parts}
    if page.stem in CHECKPOINTS:
        if not FIXTURES.is_dir():
            pytest.skip("the reference data are not at hand")
        supply(CHECKPOINTS[page.stem], place)
    names: dict[str, Any] = {"__name__": "__main__"}
    for part in parts:
        capfd.readouterr()
        _run(part, names)
        printed = capfd.readouterr().out
        # A command that the page shows without what it prints may print anything.
        if part.says or part.language == "python":
            assert agrees(part.says, printed), f"{page.stem} says\n{part.says}\nbut prints\n{printed}"


def test_the_keys_of_a_sidecar_that_a_tutorial_explains_are_those_for_users() -> None:
    text = (TUTORIALS / "your-model.md").read_text(encoding="utf-8").split("| key of the sidecar |")[1]
    keys = re.findall(r"^\| `(\w+)` \|", text.split("\n\n")[0], re.MULTILINE)
    # The others are written by a conversion, or described with the systems that have them.
    converted = {"format", "about", "multiple", "truncate", "system", "slots", "sampling", "source"}
    assert set(keys) | converted | {"timestep_offset", "options"} == set(RULES)
    assert not set(keys) & converted


def supply(system: str, place: Path) -> None:
    """Put into a folder what the page of a system takes for granted."""
    world = blocks(REPOSITORY / "docs" / "systems" / f"{system}.md", "toml")[0].code
    SUPPLIES[system](place, ground_of(world))


def _run(part: Block, names: dict[str, Any]) -> None:
    if part.language == "toml":
        named = re.match(r"# (\S+\.toml)\n", part.code)
        assert named is not None, f"the first line names no file: {part.code.splitlines()[0]}"
        Path(named[1]).write_text(part.code, encoding="utf-8")
    elif part.language == "python":
        exec(compile(part.code, "the page", "exec"), names)
    elif part.language == "bash":
        subprocess.run(["bash", "-euo", "pipefail", "-c", part.code], check=True, timeout=120)
    else:
        for line in part.commands:
            assert main(shlex.split(line)[1:]) == 0, line
