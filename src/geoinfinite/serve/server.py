"""A server's parts, and how a request waits for work without keeping it alive when its client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from geoinfinite.plane.window import Window
from geoinfinite.serve import works
from geoinfinite.serve.asking import client_name
from geoinfinite.serve.drawing import Drawing
from geoinfinite.serve.kept_tiles import KeptTiles
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.metrics import Metrics
from geoinfinite.serve.places import is_drawn
from geoinfinite.serve.refusals import Busy, Refused
from geoinfinite.serve.subject import Shown, Subject
from geoinfinite.serve.waiting import Client, Work

GONE = 499
"""The status of a request whose client has gone: nobody reads it."""
CLIENT_HEADER = "x-client"
DOWNLOADS = 2
"""Views that are downloaded at once: each holds its pixels in memory."""


@dataclass(slots=True, eq=False)
class Server:
    """What is served, within which limits, by which threads, with what is kept."""

    subject: Subject
    limits: Limits
    kept: KeptTiles | None
    """``None``: map tiles are drawn anew for every request."""
    metrics: Metrics = field(default_factory=Metrics)
    drawing: Drawing = field(init=False)
    downloads: int = 0
    """Views that are being downloaded."""
    zooms: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """First and last zoom of images, by their version and the tile matrix set."""

    def __post_init__(self) -> None:
        self.drawing = Drawing(self.limits, self.metrics)

    def warm_up(self) -> None:
        """Draw a pixel in the middle of the first level that a network draws: it is loaded then."""
        shown = self.subject.shown()
        drawn = next((level for level in shown.pyramid.levels if is_drawn(shown, level)), None)
        if drawn is not None:
            rows, columns = shown.pyramid.axes[drawn].shape
            middle = Window(rows // 2, rows // 2 + 1, columns // 2, columns // 2 + 1)
            self.drawing.ask(works.pixels(shown, drawn, middle, ("", "warm-up")))

    def close(self) -> None:
        """Give up all work."""
        self.drawing.close()

    async def shown(self, seed: int | None, level: int | None = None) -> Shown:
        """Return the image of a seed; refuse levels that it has not."""
        shown = await asyncio.to_thread(self.subject.shown, seed)
        if level is not None and level not in shown.pyramid.arrays:
            levels = ", ".join(map(str, shown.pyramid.levels))
            raise Refused(404, f"level={level} is not there; take one of {levels}")
        return shown

    async def result(self, request: Request, work: Work) -> Any:
        """Return the result of work; leave it when the client has gone."""
        work = self.drawing.ask(work)
        try:
            await _first_of(request, work)
            if not work.future.done():
                raise Refused(GONE, "the client has gone")
            if work.future.cancelled():
                raise Busy("the server gave this up", 1)
            return work.future.result()
        finally:
            self.drawing.leave(work)


def client_of(request: Request) -> Client:
    """Return who asks: a host, and the name that the client gives itself."""
    host = request.client.host if request.client else ""
    return host, client_name(request.headers.get(CLIENT_HEADER) or request.query_params.get("client"))


async def _first_of(request: Request, work: Work) -> None:
    """Wait until work is done, or the client has gone."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    work.future.add_done_callback(lambda _: _call(loop, done.set))
    waits = [asyncio.create_task(done.wait()), asyncio.create_task(_gone(request))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    # The loop of a request that was given up may be closed by now.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
