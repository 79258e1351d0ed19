"""A server of a small world for tests, in this process or on a port of this machine."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import small_worlds
from starlette.testclient import TestClient

import geoinfinite as gi
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.serve.app import make_app
from geoinfinite.serve.kept_tiles import KeptTiles
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.running import Listening, run
from geoinfinite.serve.server import Server
from geoinfinite.serve.subject import ServedWorld, Subject


def world_of(recipe: Recipe) -> gi.World:
    return gi.World(**{field.name: getattr(recipe, field.name) for field in fields(recipe)})


def ring(folder: Path) -> gi.World:
    """A world once round the Earth whose network is a formula: 12 x 24 px of 15 degrees, four levels."""
    return world_of(small_worlds.ring_world(folder))


@contextlib.contextmanager
def served(
    subject: gi.World | Subject, limits: Limits | None = None, cache: Path | None = None
) -> Iterator[Server]:
    """Yield a server, whose threads end with the block."""
    limits = limits or Limits(workers=1)
    if isinstance(subject, gi.World):
        subject = ServedWorld(subject, limits)
    server = Server(subject, limits, None if cache is None else KeptTiles(cache, limits.cache_bytes))
    try:
        yield server
    finally:
        server.close()


def client(server: Server) -> TestClient:
    return TestClient(make_app(server), base_url="http://127.0.0.1", raise_server_exceptions=False)


@contextlib.contextmanager
def on_a_port(server: Server) -> Iterator[str]:
    """Yield the address of a server that answers on a free port of this machine."""
    listening, stops = Listening.on("127.0.0.1", 0), queue.SimpleQueue()
    thread = threading.Thread(target=run, args=(server, listening, stops.put), daemon=True)
    thread.start()
    stop = stops.get(timeout=30)
    try:
        yield listening.address
    finally:
        stop()
        thread.join(10)
