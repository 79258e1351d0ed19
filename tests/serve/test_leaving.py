"""Clients that go away: what they alone waited for is not drawn."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from served import on_a_port, ring, served

from geoinfinite.plane.window import Window
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.waiting import Work


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, for a bounded time."""
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_a_client_that_closes_its_connection_is_not_drawn_for(tmp_path: Path) -> None:
    go_on = threading.Event()
    with served(ring(tmp_path), Limits(workers=1)) as server, on_a_port(server) as address:
        window = Window(0, 1, 0, 1)
        held_up = Work("held up", server.subject.shown(), lambda: (0, window), lambda read: go_on.wait(30))
        server.drawing.ask(held_up)
        wait_until(lambda: server.drawing.load == {"waiting": 0, "drawing": 1})
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            lines = "GET /tiles/WebMercatorQuad/3/4/2.png HTTP/1.1", f"Host: {place.netloc}", "", ""
            connection.sendall("\r\n".join(lines).encode())
            wait_until(lambda: server.drawing.load["waiting"] == 1)
        wait_until(lambda: server.drawing.load["waiting"] == 0)
        assert server.metrics.value("given_up_total") == 1
        go_on.set()
        assert held_up.future.result(30)
        assert server.metrics.value("map_tiles_drawn_total") == 0
