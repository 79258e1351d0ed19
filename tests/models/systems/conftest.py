"""Conversions that must fail, and what others lack."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_layouts import Refused
from published_layouts import base


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> Refused:
    return Refused(tmp_path, capsys)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base(tmp_path_factory.mktemp("base") / "base")
