"""A real browser without a window, for pages that the tests serve on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page draws by software: a map needs WebGL, and a test machine has no graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
SCRIPTS = "GEOINFINITE_TEST_SCRIPTS"
"""Environment variable: a folder into which npm installed the packages that tests load into a page."""


@dataclass(slots=True)
class Seen:
    """A page, what went wrong in it, and what it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def browser_page(width: int = 1280, height: int = 800) -> Iterator[Seen]:
    """Yield a page of Chromium that records its errors; skip the test where there is no Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": height})
        seen = Seen(page)

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                seen.errors.append(f"{message.type}: {message.text}")

        def failed(request: Request) -> None:
            # A map cancels tiles that were scrolled away: that is no error.
            if request.failure != "net::ERR_ABORTED":
                seen.errors.append(f"failed: {request.url} {request.failure}")

        page.on("console", note)
        page.on("pageerror", lambda error: seen.errors.append(f"exception: {error}"))
        page.on("requestfailed", failed)
        page.on("request", lambda request: seen.requests.append(request.url))
        try:
            yield seen
        finally:
            browser.close()


def script(path: str) -> Path:
    """Return a file of an npm package, such as ``ol/dist/ol.js``; skip the test where it is not installed."""
    folder = os.environ.get(SCRIPTS)
    found = None if folder is None else Path(folder) / "node_modules" / path
    if found is None or not found.is_file():
        package = path.split("/")[0]
        pytest.skip(f"{SCRIPTS} names no folder with {path}: npm install --prefix FOLDER {package}")
    return found
