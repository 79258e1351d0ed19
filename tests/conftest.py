"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import small_worlds
from hypothesis import settings
from s3_server import S3Server, s3_server

from geoinfinite.engine import process_resources
from geoinfinite.recipe.recipe import Recipe

# A loaded machine takes longer than any deadline that would still find something.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def patch(tmp_path: Path) -> Recipe:
    """A small world on a projected grid."""
    return small_worlds.patch_world(tmp_path)


@pytest.fixture
def ring(tmp_path: Path) -> Recipe:
    """A small world once round the Earth."""
    return small_worlds.ring_world(tmp_path)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that speaks S3."""
    with s3_server() as server:
        yield server


@pytest.fixture(autouse=True)
def cold_cache() -> None:
    """Begin every test without tiles of another one."""
    process_resources().tiles.clear()
