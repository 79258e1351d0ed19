"""Window law of published systems: from their published layout through conversion, on latents and pixels."""

from __future__ import annotations

from pathlib import Path

import pytest
import windows
from published_worlds import GROUNDS, SYSTEMS, checkpoint, world

from geoinfinite.plane.window import Window


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(system: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint(system, tmp_path_factory.mktemp(system))


@pytest.mark.parametrize("place", GROUNDS)
def test_windows_agree_where_they_overlap(system: str, model: Path, tmp_path: Path, place: str) -> None:
    steered = world(system, model, tmp_path, place)
    region = GROUNDS[place]().region
    asked = [
        Window(region.y0 + 11, region.y0 + 52, region.x0 + 23, region.x1 - 5),
        Window(region.y0 + 30, region.y1, region.x0, region.x0 + 49),
    ]
    assert windows.differing(steered, 0, region, asked) == []
