"""Progress reports of long work: to a terminal, to a log, or none."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any, Protocol, TextIO

FEWEST_TILES = 8
"""Tiles drawn after the first one before a time left is stated: the first ones load the network."""
SMALLEST_MEGAPIXELS = 100_000
"""Pixels from which amounts are written in megapixels."""


class Progress(Protocol):
    """The receiver of reports; all methods but `start` and `finish` may be called from several threads."""

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Report how much there is to do."""

    def advance(self, tiles: int, pixels: int) -> None:
        """Report that so much more has been drawn."""

    def keep(self, tiles: int, pixels: int) -> None:
        """Report that so much more was found done; it does not count as speed."""

    def finish(self) -> None:
        """Report that the work has ended, well or not."""


class Silent:
    """Ignores every report."""

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Do nothing."""

    def advance(self, tiles: int, pixels: int) -> None:
        """Do nothing."""

    def keep(self, tiles: int, pixels: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


@dataclass
class Pace:
    """Counts tiles and pixels, and the speed at which tiles are drawn; not safe for threads by itself."""

    total_tiles: int
    total_pixels: int
    began: float
    tiles: int = 0
    """Tiles that are done, drawn or kept."""
    pixels: int = 0
    drawn: int = 0
    """Tiles that were drawn."""
    counted: str = "tiles"
    """What is counted, in the plural."""
    _first: tuple[float, int] | None = None
    """When the first tiles had been drawn, and how many."""

    def add(self, tiles: int, pixels: int, *, now: float, drawn: bool) -> None:
        """Count tiles that are done."""
        self.tiles, self.pixels = self.tiles + tiles, self.pixels + pixels
        # A part of a job also draws what it needs of other parts: its total is the least that it draws.
        self.total_tiles = max(self.total_tiles, self.tiles)
        self.total_pixels = max(self.total_pixels, self.pixels)
        self.drawn += tiles if drawn else 0
        if drawn and tiles and self._first is None:
            self._first = now, self.drawn

    def rate(self, now: float) -> float | None:
        """Return tiles drawn per second, without the time before the first ones; ``None`` if too few."""
        if self._first is None:
            return None
        began, before = self._first
        if self.drawn - before < FEWEST_TILES or now <= began:
            return None
        return (self.drawn - before) / (now - began)

    def amounts(self) -> str:
        """Return how much is done, of how much; the total of a part of a job is an estimate, and may grow.

        >>> Pace(100, 4_000_000, 0.0, tiles=20, pixels=800_000).amounts()
        '20/100 tiles, 0.8/4.0 megapixels'
        >>> Pace(3, 1404, 0.0, tiles=3, pixels=1404).amounts()
        '3/3 tiles, 1,404/1,404 pixels'
        >>> Pace(3, 1404, 0.0, tiles=5, pixels=1500).amounts()
        '5/5 tiles, 1,500/1,500 pixels'
        """
        tiles = f"{self.tiles:,}/{max(self.total_tiles, self.tiles):,} {self.counted}"
        pixels = max(self.total_pixels, self.pixels)
        if pixels < SMALLEST_MEGAPIXELS:
            return f"{tiles}, {self.pixels:,}/{pixels:,} pixels"
        return f"{tiles}, {self.pixels / 1e6:,.1f}/{pixels / 1e6:,.1f} megapixels"

    def outlook(self, now: float) -> str:
        """Return the speed and the time left, or nothing as long as neither is known."""
        rate = self.rate(now)
        if rate is None:
            return ""
        left = timedelta(seconds=round(max(self.total_tiles - self.tiles, 0) / rate))
        return f"{rate:,.1f} {self.counted}/s, {left} left"


@dataclass
class Lines:
    """A plain line at most every ``interval_s`` seconds, and one at the end: for logs."""

    stream: TextIO
    interval_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    counted: str = "tiles"
    """What is counted, in the plural."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _pace: Pace = field(default_factory=lambda: Pace(0, 0, 0.0), repr=False)
    _told: float = 0.0

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Begin to count."""
        self._told = self.clock()
        self._pace = Pace(total_tiles, total_pixels, self._told, counted=self.counted)

    def advance(self, tiles: int, pixels: int) -> None:
        """Count what was drawn, and write a line if the last one is old enough."""
        self._add(tiles, pixels, drawn=True)

    def keep(self, tiles: int, pixels: int) -> None:
        """Count what was found done, and write a line if the last one is old enough."""
        self._add(tiles, pixels, drawn=False)

    def finish(self) -> None:
        """Write the last line."""
        now, pace = self.clock(), self._pace
        took = f"in {timedelta(seconds=round(now - pace.began))}"
        drawn = f"{pace.drawn:,} {self.counted} drawn {took}" if pace.drawn else f"nothing drawn, {took}"
        self._write(f"{pace.amounts()}, {drawn}")

    def _add(self, tiles: int, pixels: int, *, drawn: bool) -> None:
        with self._lock:
            now = self.clock()
            self._pace.add(tiles, pixels, now=now, drawn=drawn)
            if now - self._told >= self.interval_s:
                self._told = now
                self._write(", ".join(filter(None, (self._pace.amounts(), self._pace.outlook(now)))))

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


class Bar:
    """A live bar with tiles, pixels, tiles/s and time left: for terminals."""

    def __init__(
        self, stream: TextIO, clock: Callable[[], float] = time.monotonic, counted: str = "tiles"
    ) -> None:
        self._stream, self._clock, self._counted = stream, clock, counted
        self._lock = threading.Lock()
        self._pace = Pace(0, 0, 0.0)
        self._bar: Any = None
        self._task: Any = None

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Draw the empty bar."""
        # Rich is imported where a bar is shown, not by everyone who imports the package.
        from rich import progress as rich_progress
        from rich.console import Console

        self._pace = Pace(total_tiles, total_pixels, self._clock(), counted=self._counted)
        self._bar = rich_progress.Progress(
            rich_progress.BarColumn(),
            rich_progress.TaskProgressColumn(),
            rich_progress.TextColumn("{task.fields[amounts]}"),
            rich_progress.TextColumn("{task.fields[outlook]}"),
            console=Console(file=self._stream),
        )
        self._task = self._bar.add_task(
            "", total=max(total_tiles, 1), amounts=self._pace.amounts(), outlook=""
        )
        self._bar.start()

    def advance(self, tiles: int, pixels: int) -> None:
        """Move the bar by what was drawn."""
        self._add(tiles, pixels, drawn=True)

    def keep(self, tiles: int, pixels: int) -> None:
        """Move the bar by what was found done."""
        self._add(tiles, pixels, drawn=False)

    def finish(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def _add(self, tiles: int, pixels: int, *, drawn: bool) -> None:
        with self._lock:
            now, pace = self._clock(), self._pace
            pace.add(tiles, pixels, now=now, drawn=drawn)
            told = {"amounts": pace.amounts(), "outlook": pace.outlook(now)}
        self._bar.update(self._task, advance=tiles, **told)


def pixels_text(count: int) -> str:
    """Return a number of pixels as people write it.

    >>> pixels_text(1404), pixels_text(24_300_000)
    ('1,404 pixels', '24.3 megapixels')
    """
    return f"{count:,} pixels" if count < SMALLEST_MEGAPIXELS else f"{count / 1e6:,.1f} megapixels"


def bytes_text(count: int) -> str:
    """Return a number of bytes as people write it.

    >>> bytes_text(0), bytes_text(357_012), bytes_text(12_500_000_000_000_000)
    ('0 bytes', '357 kB', '12.5 PB')
    """
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} PB"


@dataclass
class NotebookBar:
    """A bar in the output of a notebook's cell, redrawn at most every ``interval_s`` seconds."""

    display: Callable[..., Any]
    """``IPython.display.display``: with ``display_id=True`` it returns what can be updated."""
    counted: str = "tiles"
    """What is counted, in the plural."""
    interval_s: float = 0.5
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _pace: Pace = field(default_factory=lambda: Pace(0, 0, 0.0), repr=False)
    _shown: float = 0.0
    _handle: Any = None

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Show the empty bar."""
        self._shown = self.clock()
        self._pace = Pace(total_tiles, total_pixels, self._shown, counted=self.counted)
        self._handle = self.display(self._bundle(), raw=True, display_id=True)

    def advance(self, tiles: int, pixels: int) -> None:
        """Move the bar by what was drawn."""
        self._add(tiles, pixels, drawn=True)

    def keep(self, tiles: int, pixels: int) -> None:
        """Move the bar by what was found done."""
        self._add(tiles, pixels, drawn=False)

    def finish(self) -> None:
        """Show how far it came, and leave it."""
        with self._lock:
            if self._handle is not None:
                self._handle.update(self._bundle(), raw=True)

    def _add(self, tiles: int, pixels: int, *, drawn: bool) -> None:
        with self._lock:
            now = self.clock()
            self._pace.add(tiles, pixels, now=now, drawn=drawn)
            if now - self._shown >= self.interval_s and self._handle is not None:
                self._shown = now
                self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        """Return the bar as a page shows it, and as a text for what shows no pages."""
        pace = self._pace
        text = ", ".join(filter(None, (pace.amounts(), pace.outlook(self.clock()))))
        done, total = pace.tiles, max(pace.total_tiles, 1)
        bar = f'<progress value="{done}" max="{total}" style="width:20em"></progress>'
        return {"text/plain": text, "text/html": f"<div>{bar} {text}</div>"}


def progress_on(stream: TextIO | None = None, counted: str = "tiles") -> Progress:
    """Return the progress that suits a stream, by default standard error.

    That is a bar on a terminal or, where nobody named a stream, in a notebook, else lines.
    """
    if stream is None:
        display = _notebook_display()
        if display is not None:
            return NotebookBar(display, counted)
    stream = sys.stderr if stream is None else stream
    return Bar(stream, counted=counted) if stream.isatty() else Lines(stream, counted=counted)


def _notebook_display() -> Callable[..., Any] | None:
    """Return what shows things in the notebook that this process is the kernel of, if it is one's."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    found: Callable[..., Any] = import_module("IPython.display").display
    return found
