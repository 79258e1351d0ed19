"""docs/command-line.md says what the command line does: commands, exit codes, keys of every JSON document."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import BBOX

from geoinfinite.cli import exits, main
from geoinfinite.cli.parser import build_parser
from geoinfinite.recipe.recipe import Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f" {title}\n")[1].split("\n##")[0]


def words(text: str) -> set[str]:
    """What stands in backquotes."""
    return set(re.findall(r"`\"?([a-z_0-9]+)\"?`", text))


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield name
                yield from (f"{name} {deeper}" for deeper in commands(inner))


def keys(value: Any) -> set[str]:
    """The keys of a document, and of the objects in its lists; not of what those say of others."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for item in value.values() if isinstance(item, list) for key in keys(item)}


def test_every_command_is_documented() -> None:
    table = PAGE.split("## Output")[0]
    assert [name for name in commands(build_parser()) if f"`{name}" not in table and name != "models"] == []


def test_every_exit_code_is_documented() -> None:
    codes = {
        int(code) for cell in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for code in cell.split(",")
    }
    constants = {value for name, value in vars(exits).items() if name.isupper() and name != "SIGNALLED"}
    assert codes == constants | {129, 130, 143}


@pytest.mark.parametrize(
    ("title", "command"),
    [
        ("plan", ["plan", "ring.toml", "--level", "2", *BBOX]),
        ("verify", ["verify", "a.zarr"]),
        ("info", ["info", "ring.toml"]),
        ("info", ["info", "a.zarr"]),
        ("models", ["models", "list"]),
        ("models", ["models", "inspect", "analytic:latent"]),
    ],
)
def test_every_key_of_a_document_is_documented(
    title: str, command: list[str], world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    assert main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--quiet"]) == 0
    Path("a.zarr/2/image/c/0/0/0").unlink()
    main([*command, "--json"])
    found = keys(json.loads(capsys.readouterr().out))
    assert found - words(section(title)) == set()
    assert len(found) > 0
