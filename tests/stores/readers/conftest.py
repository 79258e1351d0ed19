"""Each store that the readers are tried on, written once."""

from __future__ import annotations

import pytest
from readable_stores import WINDOWS, Written, written


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Written]:
    """The four stores, each written once."""
    folder = tmp_path_factory.mktemp("readers")
    return {(n, p): written(n, p, folder) for n in WINDOWS for p in ("default", "gdal")}


@pytest.fixture(
    params=[("patch", "default"), ("patch", "gdal"), ("ring", "default"), ("ring", "gdal")], ids="-".join
)
def store(request: pytest.FixtureRequest, stores: dict[tuple[str, str], Written]) -> Written:
    """One store after the other."""
    return stores[request.param]
