"""Rasters that edits keep lie in a folder of the test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of geoinfinite, empty."""
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
