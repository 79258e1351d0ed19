"""The documentation runs and says what is: code blocks, commands, links, the keys of a world file.

Blocks of one page share their names and run in order, in an empty folder. What a block prints is the
comments behind its ``print`` calls, or the ``text`` block that follows it. ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from pages import REPOSITORY, agrees, blocks, name

from geoinfinite.cli import main
from geoinfinite.conditions import KINDS
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.samplers import PRESETS
from geoinfinite.samplers.tiled import TiledSampler

README = REPOSITORY / "README.md"
WORLDS = REPOSITORY / "docs" / "worlds.md"
PAGES = sorted([README, REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")])
ALL_PAGES = [
    *PAGES,
    *sorted(p for f in ("benchmarks", "src", "training") for p in (REPOSITORY / f).rglob("*.md")),
]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?)`")
RUN_HERE = [page for page in PAGES if page.parent.name not in {"systems", "tutorials"}]
"""Pages of other folders run in ``test_systems_pages.py`` and ``test_tutorials.py``."""


@pytest.mark.parametrize("page", [p for p in RUN_HERE if blocks(p, "python")], ids=name)
def test_python_blocks_print_what_they_say(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, name(page), "exec"), names)
        assert agrees(block.says, printed.getvalue()), (
            f"{name(page)} says\n{block.says}\nbut prints\n{printed.getvalue()}"
        )


@pytest.mark.parametrize("line", [line for block in blocks(README, "sh") for line in block.commands])
def test_the_commands_of_the_readme_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The closed form stands in for the network, which takes its time.
    arguments = ["analytic" if word == "earth" else word for word in shlex.split(line)[1:]]
    assert main(arguments) == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".tif", ".zarr"}


def test_the_readme_installs_what_there_is_and_tests_as_the_project_does() -> None:
    text, project = README.read_text(), tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert set(re.findall(r'\.\[(\w+)\]"', text)) == set(project["project"]["optional-dependencies"])
    assert "-c constraints.txt" in text
    runner = (REPOSITORY / ".ci" / "run").read_text()
    for command in ('pip install -c constraints.txt -e ".[dev]"', "python -m pytest"):
        assert command in text
        assert command in runner.replace(" --quiet", "")


def test_the_readme_fits_a_hundred_lines() -> None:
    assert len(README.read_text().splitlines()) <= 120


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_paths_that_pages_name_exist(page: Path) -> None:
    package = REPOSITORY / "src" / "geoinfinite"
    roots = {path.name for path in (*REPOSITORY.iterdir(), *package.iterdir()) if path.is_dir()}
    paths = [p for p in PATH.findall(page.read_text(encoding="utf-8")) if p.split("/")[0] in roots]
    exists = {
        p: any((root / f"{p}{end}").exists() for root in (REPOSITORY, package) for end in ("", ".py"))
        for p in paths
    }
    assert [path for path in paths if not exists[path]] == []


def test_the_conditions_of_examples_can_be_made() -> None:
    tables = [tomllib.loads(block.code) for block in blocks(REPOSITORY / "docs" / "conditions.md", "toml")]
    conditions = [condition for table in tables for condition in table.get("condition", ())]
    assert {"boxes", "frames", "location", "map", "raster"} <= {condition["kind"] for condition in conditions}
    for condition in conditions:
        made = KINDS[condition.pop("kind")](**condition)
        assert all(hasattr(made, key) for key in condition)


def test_every_preset_is_documented_with_its_own_keys() -> None:
    common = {field.name for field in dataclasses.fields(TiledSampler)}
    text = WORLDS.read_text(encoding="utf-8").split("## Presets")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|", text, re.MULTILINE))
    assert set(rows) == set(PRESETS)
    for preset, kind in PRESETS.items():
        own = [field.name for field in dataclasses.fields(kind) if field.name not in common]
        assert re.findall(r"`(\w+) = ", rows[preset]) == own


def test_the_world_file_in_full_is_the_bundled_earth() -> None:
    full = blocks(WORLDS, "toml")[-1].code
    assert Recipe(**worldfile.parse(full, where="docs", folder=REPOSITORY)) == worldfile.load("earth", Recipe)


def test_the_generated_world_draws() -> None:
    text = next(block.code for block in blocks(WORLDS, "toml") if "generated" in block.code)
    world = Recipe(**worldfile.parse(text, where="docs", folder=REPOSITORY))
    assert generate(world, 0, Window(0, 3, -2, 2)).shape == (3, 3, 4)


def test_the_shortest_world_loads(tmp_path: Path) -> None:
    import small_worlds

    text = blocks(WORLDS, "toml")[0].code
    small_worlds.write_root(
        tmp_path / "landsat.tif", small_worlds.revealing(40, 60), "EPSG:32621", (6e5, -2.5e6), 30
    )
    world = Recipe(**worldfile.parse(text, where="docs", folder=tmp_path))
    assert (world.name, world.seed, world.grid.levels, world.grid.crs) == ("alps", 7, 3, "EPSG:32621")
