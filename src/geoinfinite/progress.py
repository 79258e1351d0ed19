"""How long work tells a terminal, a log, or nobody how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TextIO


class Progress(Protocol):
    """Whoever is told; `advance` may be called from several threads."""

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Say how much there is to do."""

    def advance(self, tiles: int, pixels: int) -> None:
        """Say that so much more is done."""

    def finish(self) -> None:
        """Say that the work has ended, well or not."""


class Silent:
    """Tells nobody."""

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Say nothing."""

    def advance(self, tiles: int, pixels: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


@dataclass
class Lines:
    """A plain line at most every ``interval_s`` seconds, and one at the end: for logs."""

    stream: TextIO
    interval_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _total: tuple[int, int] = (0, 0)
    _done: tuple[int, int] = (0, 0)
    _began: float = 0.0
    _told: float = 0.0

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Begin to count."""
        self._total, self._done = (total_tiles, total_pixels), (0, 0)
        self._began = self._told = self.clock()

    def advance(self, tiles: int, pixels: int) -> None:
        """Count, and write a line if the last one is old enough."""
        with self._lock:
            self._done = self._done[0] + tiles, self._done[1] + pixels
            now = self.clock()
            if now - self._told >= self.interval_s:
                self._told = now
                self._write(now)

    def finish(self) -> None:
        """Write the last line."""
        self._write(self.clock())

    def _write(self, now: float) -> None:
        elapsed = max(now - self._began, 1e-9)
        (tiles, pixels), (all_tiles, all_pixels) = self._done, self._total
        left = "unknown" if not tiles else str(timedelta(seconds=round(elapsed * (all_tiles / tiles - 1))))
        self.stream.write(
            f"{tiles}/{all_tiles} tiles, {pixels / 1e6:.1f}/{all_pixels / 1e6:.1f} megapixels, "
            f"{tiles / elapsed:.1f} tiles/s, {left} left\n"
        )
        self.stream.flush()


class Bar:
    """A live bar with tiles/s, megapixels and time left: for terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None
        self._task: Any = None

    def start(self, total_tiles: int, total_pixels: int) -> None:
        """Draw the empty bar."""
        # Rich is imported by those who look at a bar, not by everyone who imports the package.
        from rich import progress as rich_progress
        from rich.console import Console

        self._bar = rich_progress.Progress(
            rich_progress.BarColumn(),
            rich_progress.TaskProgressColumn(),
            rich_progress.TextColumn("{task.completed:.0f}/{task.total:.0f} tiles"),
            rich_progress.TextColumn("{task.fields[megapixels]:.1f} megapixels"),
            rich_progress.TextColumn("{task.fields[rate]}"),
            rich_progress.TimeRemainingColumn(),
            console=Console(file=self._stream),
        )
        self._task = self._bar.add_task("", total=max(total_tiles, 1), megapixels=0.0, rate="")
        self._bar.start()

    def advance(self, tiles: int, pixels: int) -> None:
        """Move the bar."""
        task = self._bar.tasks[0]
        rate = "" if not task.speed else f"{task.speed:.1f} tiles/s"
        megapixels = task.fields["megapixels"] + pixels / 1e6
        self._bar.update(self._task, advance=tiles, megapixels=megapixels, rate=rate)

    def finish(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()


def progress_on(stream: TextIO | None = None) -> Progress:
    """Return what fits a stream, standard error by default: a live bar on a terminal, else plain lines."""
    stream = sys.stderr if stream is None else stream
    return Bar(stream) if stream.isatty() else Lines(stream)
