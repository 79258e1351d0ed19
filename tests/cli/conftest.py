"""A world of its own for every test of the command line, in an empty current folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_worlds

from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A small world once round the Earth, as ``ring.toml`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    recipe = small_worlds.ring_world(tmp_path)
    (tmp_path / "ring.toml").write_text(worldfile.dump(recipe))
    return recipe
