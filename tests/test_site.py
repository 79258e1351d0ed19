"""The documentation builds as a site without a warning, and works without a network and without a server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import browser_page
from pages import REPOSITORY

import geoinfinite as gi

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser loads of a page by itself: attributes by tag."""
NO_RESOURCE = {"prev", "next", "canonical", "alternate"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as a newcomer builds it; any warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder


class Page(HTMLParser):
    """What a page loads, and where it leads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value for key, value in attrs if value is not None}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag in LOADS and LOADS[tag] in given and given.get("rel") not in NO_RESOURCE:
            self.loads.append(given[LOADS[tag]])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])

    def target(self, link: str) -> Path:
        """The file that a relative link leads to."""
        path = unquote(urlsplit(link).path)
        return (self.path.parent / path).resolve() if path else self.path


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_of_the_documentation_is_in_the_site(site: Path, pages: dict[Path, Page]) -> None:
    written = {path.relative_to(REPOSITORY / "docs") for path in (REPOSITORY / "docs").rglob("*.md")}
    built = {path.relative_to(site) for path in pages}
    places = {
        path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html")
        for path in written
    }
    assert places - built == set()
    assert len(written) > 40


def test_pages_load_nothing_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    foreign = {load for page in pages.values() for load in page.loads if urlsplit(load).netloc}
    assert foreign == set()
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [
        url for text in styles for url in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text)
    ] == []
    assert len(styles) > 1


def test_links_between_pages_lead_to_pages_and_to_their_headings(pages: dict[Path, Page]) -> None:
    broken = []
    for page in pages.values():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or page.path.name == "404.html":
                continue
            target = page.target(link)
            anchors = pages[target].anchors if target in pages else set()
            if not target.exists() or (parts.fragment and parts.fragment not in anchors):
                broken.append(f"{page.path.name}: {link}")
    assert broken == []


def test_every_public_name_is_in_the_reference() -> None:
    folder = REPOSITORY / "docs" / "reference"
    said = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("api*.md"))
    rooms = {"chips", "conditions", "models", "samplers"}
    names = [name for name in gi.__all__ if name not in rooms]
    assert [name for name in names if not re.search(rf"^::: geoinfinite\.{name}$", said, re.MULTILINE)] == []
    assert [room for room in rooms if f"::: geoinfinite.{room}." not in said] == []


def test_the_site_is_searched_in_a_folder_without_a_server(site: Path) -> None:
    with browser_page() as seen:
        page = seen.page
        page.goto((site / "index.html").as_uri())
        search = page.get_by_role("textbox", name="Search")
        search.click()
        search.press_sequentially("antimeridian")
        page.wait_for_selector(".md-search-result__link", timeout=20_000)
        found = page.locator(".md-search-result__link").first
        assert "conventions" in found.get_attribute("href") or "antimeridian" in found.inner_text().lower()
        assert page.evaluate("getComputedStyle(document.querySelector('.md-header')).backgroundColor") == (
            "rgb(18, 64, 92)"
        )
        page.goto((site / "tutorials" / "five-minutes.html").as_uri())
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert [url for url in seen.requests if not url.startswith("file:")] == []
        assert seen.errors == []
