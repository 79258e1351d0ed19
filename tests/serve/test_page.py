"""The map page in a real browser: from this machine alone, without an error, with pictures on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Seen, browser_page
from rasterio.io import MemoryFile
from served import on_a_port, ring, served

from geoinfinite.serve.limits import Limits

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
COMPLETE = "body[data-state=complete]"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        served(ring(tmp_path_factory.mktemp("ring")), Limits(workers=1)) as server,
        on_a_port(server) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def seen(address: str) -> Iterator[Seen]:
    with browser_page(900, 640) as found:
        yield found


def shot(seen: Seen) -> np.ndarray:
    """The window as ``(band, y, x)``."""
    with MemoryFile(seen.page.screenshot()) as memory, memory.open() as raster:
        return raster.read()[:3].astype(int)


def test_the_page_shows_the_world_offline_and_says_that_it_is_synthetic(seen: Seen, address: str) -> None:
    page = seen.page
    page.goto(f"{address}/#map=2/20/178")
    page.wait_for_selector(COMPLETE)
    assert page.text_content("#name") == "ring"
    assert page.text_content("#shown") == "Level 3, 26.1 km per pixel"
    assert page.is_visible("text=Synthetic imagery, not an observation")
    # The map is not its ground, and has no seam at the antimeridian in its middle.
    map_ = shot(seen)[:, 60:560, 300:800]
    assert map_.std() > 20
    assert (map_.reshape(3, -1).T == (13, 20, 27)).all(axis=1).mean() < 0.2
    assert seen.errors == []
    assert {url for url in seen.requests if not url.startswith((address, "blob:", "data:"))} == set()


def test_a_click_tells_of_the_pixel(seen: Seen, address: str) -> None:
    page = seen.page
    page.fill("#place", "46°12'N 7°18'E")
    page.press("#place", "Enter")
    page.wait_for_selector(COMPLETE)
    assert "/46.2/7.3" in page.url
    page.mouse.click(450, 320)
    page.wait_for_selector(".facts dd")
    facts = dict(
        zip(
            page.locator(".facts dt").all_inner_texts(),
            page.locator(".facts dd").all_inner_texts(),
            strict=True,
        )
    )
    assert facts["place"].startswith("46.2")
    assert facts["level"].startswith("3, ")
    assert facts["seed"] == "11"
    assert facts["tiles"].startswith("(")
    assert seen.errors == []


def test_two_seeds_and_the_root_are_compared_side_by_side(seen: Seen, address: str) -> None:
    page = seen.page
    page.goto("about:blank")
    page.goto(f"{address}/#map=4/30/20")
    page.wait_for_selector(COMPLETE)
    alone = shot(seen)
    page.select_option("#compare", "seed")
    page.wait_for_selector("#right canvas")
    page.wait_for_timeout(400)
    page.wait_for_selector(COMPLETE)
    page.wait_for_timeout(300)
    both = shot(seen)
    left, right = np.s_[:, 450:560, 260:420], np.s_[:, 450:560, 480:640]
    assert np.abs(both[left] - alone[left]).mean() < 1
    assert np.abs(both[right] - alone[right]).mean() > 5
    page.focus("#swipe")
    page.keyboard.press("Home")
    assert page.get_attribute("#swipe", "aria-valuenow") == "2"
    page.select_option("#compare", "")
    page.wait_for_timeout(300)
    assert not page.is_visible("#swipe")
    assert np.abs(shot(seen)[right] - alone[right]).mean() < 1
    assert seen.errors == []


def test_a_view_is_saved(seen: Seen, address: str, tmp_path: Path) -> None:
    page = seen.page
    page.select_option("#level", "2")
    page.wait_for_selector(COMPLETE)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "ring-seed11-level2.tif"
    content = Path(download.value.path()).read_bytes()
    with MemoryFile(content) as memory, memory.open() as raster:
        assert raster.count == 3
        assert raster.bounds.left < 20 < raster.bounds.right
    assert "level=2" in page.url
    assert seen.errors == []
