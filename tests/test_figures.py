"""The scripts of the documentation's figures run, and draw pictures of the size of those that are kept."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import REPOSITORY
from PIL import Image

FIGURES = REPOSITORY / "docs" / "figures"
SCRIPTS = sorted(FIGURES.glob("*.py"))
CLOSED_FORM = {
    "cascade": {"world": "analytic"},
    "first_picture": {"world": "analytic"},
}
"""What stands in for a network that takes its time: the size of a picture does not depend on it."""


def drawn(name: str, folder: Path) -> Any:
    """Run a script of a figure; return what its ``main`` returns."""
    spec = importlib.util.spec_from_file_location(f"figure_{name}", FIGURES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.main(folder, **CLOSED_FORM.get(name, {}))


@pytest.mark.filterwarnings("ignore::geoinfinite.errors.CostWarning")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:matplotlib")
@pytest.mark.parametrize("name", [path.stem for path in SCRIPTS])
def test_a_figure_is_drawn_by_its_script(name: str, tmp_path: Path) -> None:
    costs = drawn(name, tmp_path)
    with Image.open(tmp_path / f"{name}.png") as made, Image.open(FIGURES / f"{name}.png") as kept:
        assert made.size == kept.size
        assert np.unique(np.asarray(made.convert("L"))).size > 16
    if costs is not None:
        page = (REPOSITORY / "docs" / "tutorials" / "choosing-a-sampler.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
        assert {preset: (int(read), int(stored)) for preset, read, stored in rows} == costs


def test_every_figure_has_a_script_and_is_small() -> None:
    pictures = sorted(FIGURES.glob("*.png"))
    assert [path.stem for path in pictures] == [path.stem for path in SCRIPTS]
    assert {path.name for path in pictures if path.stat().st_size > 300_000} == set()
