"""The tutorial runs with small numbers and prints what it says; its table is of the stated numbers."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
from pages import REPOSITORY, agrees, blocks

PAGE = REPOSITORY / "docs" / "tutorials" / "chips.md"


def test_a_network_is_trained_on_drawn_chips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, "chips.md", "exec"), names)
        assert agrees(block.says, printed.getvalue()), printed.getvalue()


def test_the_table_is_of_as_many_chips_and_seeds_as_the_figure_asks_for() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"# for the figure: ([\d, ]+)", text)
    assert found is not None
    real, drawn, _, _, seeds = map(int, found[1].split(","))
    rows = re.findall(r"^\| ([a-z ]+) \| (\d+) \| ([\d.]+) \| ([\d., ]+) \|$", text, re.MULTILINE)
    assert [int(chips) for _, chips, *_ in rows] == [real, real + drawn, drawn, drawn]
    for _, _, mean, every in rows:
        scores = [float(score) for score in every.split(",")]
        assert len(scores) == seeds
        assert float(mean) == pytest.approx(sum(scores) / seeds, abs=1e-3)
