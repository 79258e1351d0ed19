"""The documentation runs: python blocks of README and docs, with what they say they print; links lead somewhere.

Blocks of one page share their names and run in order, in an empty folder. What a block prints is the
comments behind its ``print`` calls, or the ``text`` block that follows it. ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from geoinfinite import worldfile
from geoinfinite.cli import main
from geoinfinite.recipe import Recipe

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```(?:\n+```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^ *print\(.*\) *# (.*)$", re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """``(code, text it says it prints)`` of every block of a language."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [
        (code, output or "".join(f"{line}\n" for line in SAID.findall(code)))
        for kind, code, output in found
        if kind == language
    ]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


@pytest.mark.parametrize("page", pages_with("python"), ids=name)
def test_python_blocks_print_what_they_say(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, wanted in blocks(page, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, name(page), "exec"), names)
        same = doctest.OutputChecker().check_output(
            wanted, printed.getvalue(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        )
        assert same, f"{name(page)} says\n{wanted}\nbut prints\n{printed.getvalue()}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
