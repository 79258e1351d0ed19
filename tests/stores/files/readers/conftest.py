"""The files of every case, written once."""

from __future__ import annotations

import pytest
from file_cases import CASES, WrittenCase, write_case


@pytest.fixture(scope="session", params=CASES, ids=str)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WrittenCase:
    """The files of a case."""
    return write_case(request.param, tmp_path_factory.mktemp("files"))
