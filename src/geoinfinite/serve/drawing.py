"""Threads that draw what waits, a few map tiles together, and give up what nobody waits for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from geoinfinite.engine import Resources, process_resources
from geoinfinite.errors import Cancelled
from geoinfinite.plane.window import Window
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.metrics import CountedTiles, Metrics
from geoinfinite.serve.refusals import Busy
from geoinfinite.serve.waiting import Client, WaitingWork, Work, all_given_up, crop

AT_ONCE_PX = 2**22
"""Pixels of a window that is drawn together with others; a larger one is read piece by piece on its own."""


class Drawing:
    """A bounded number of threads that take work in turn from all clients."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits, self._metrics = limits, metrics
        self._tiles = CountedTiles(limits.tile_bytes, metrics)
        self._waiting = WaitingWork(limits)
        self._known: dict[Hashable, Work] = {}
        self._drawing = 0
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._serve, name=f"draws-{number}", daemon=True)
            for number in range(limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def load(self) -> dict[str, float]:
        """How much work waits, and how much is being done."""
        with self._changed:
            return {"waiting": len(self._waiting), "drawing": self._drawing}

    def of_client(self, client: Client) -> int:
        """Return how much work of a client waits."""
        with self._changed:
            return self._waiting.of_client(client)

    def ask(self, work: Work) -> Work:
        """Queue work, or join equal work that is on its way; raise `Busy` where too much waits.

        Whoever asks calls `leave` when the result is there, or not wanted any more.
        """
        with self._changed:
            known = self._known.get(work.key)
            if known is None:
                try:
                    self._waiting.put(work)
                except Busy:
                    self._metrics.add("refused_total")
                    raise
                known = self._known[work.key] = work
                self._changed.notify()
            known.waiters += 1
            return known

    def leave(self, work: Work) -> None:
        """Say that one request does not wait for work any more; with the last one it is given up."""
        with self._changed:
            work.waiters -= 1
            if work.waiters == 0 and self._waiting.remove(work):
                self._metrics.add("given_up_total")
                del self._known[work.key]
                work.future.cancel()

    def close(self) -> None:
        """Give up everything, and wait for the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._waiting))
                if self._closed:
                    return
                works = self._waiting.take(self._limits.batch)
                self._drawing += len(works)
            started = time.perf_counter()
            try:
                self._do(works)
            finally:
                self._metrics.add("drawing_seconds_total", time.perf_counter() - started)
                with self._changed:
                    self._drawing -= len(works)

    def _do(self, works: Sequence[Work]) -> None:
        """Do work of one image: what can be located is drawn together, level by level."""
        levels: dict[int, list[tuple[Work, Window]]] = {}
        for work in works:
            try:
                level, window = work.locate()
            except Exception as error:
                self._settle(work, error=error)
            else:
                levels.setdefault(level, []).append((work, window))
        for level, wanted in levels.items():
            self._draw(level, wanted)

    def _draw(self, level: int, wanted: list[tuple[Work, Window]]) -> None:
        works = [work for work, _ in wanted]
        resources = replace(
            process_resources(), tiles=self._tiles, is_cancelled=partial(self._is_unwanted, works)
        )
        together = [(work, window) for work, window in wanted if window.size <= AT_ONCE_PX]
        shown = works[0].shown
        try:
            drawn = shown.draw(level, [window for _, window in together], resources) if together else []
        except Cancelled:
            self._again(works)
            return
        except Exception as error:
            if len(wanted) == 1:
                self._settle(works[0], error=error)
                return
            # What is wrong with one is no fault of the others.
            for one in wanted:
                self._draw(level, [one])
            return
        reads = {
            id(work): crop(pixels, window) for (work, window), pixels in zip(together, drawn, strict=True)
        }
        for work in works:
            self._finish(work, reads.get(id(work)) or partial(_piece, work, level, resources))

    def _is_unwanted(self, works: Sequence[Work]) -> bool:
        return self._closed or all_given_up(works)

    def _finish(self, work: Work, read: Any) -> None:
        try:
            result = work.finish(read)
        except Cancelled:
            self._again([work])
        except Exception as error:
            self._settle(work, error=error)
        else:
            self._settle(work, result)

    def _settle(self, work: Work, result: Any = None, *, error: Exception | None = None) -> None:
        with self._changed:
            self._known.pop(work.key, None)
        with contextlib.suppress(Exception):
            if error is None:
                work.future.set_result(result)
            else:
                work.future.set_exception(error)

    def _again(self, works: Sequence[Work]) -> None:
        """Queue work once more that was given up, if somebody has asked for it in the meantime."""
        for work in works:
            with self._changed:
                if work.waiters and not self._closed:
                    with contextlib.suppress(Busy):
                        self._waiting.put(work)
                        self._changed.notify()
                        continue
                self._metrics.add("given_up_total")
                self._known.pop(work.key, None)
            work.future.set_exception(Busy("the server gave this up", 1))


def _piece(work: Work, level: int, resources: Resources, window: Window) -> Any:
    (pixels,) = work.shown.draw(level, [window], resources)
    return pixels
