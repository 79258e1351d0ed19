"""The command ``serve``: a map in the browser."""

from __future__ import annotations

import argparse
import os
import webbrowser
from importlib import import_module
from pathlib import Path
from typing import Any

from geoinfinite.serve.kept_tiles import KeptTiles
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.refusals import check_extra
from geoinfinite.serve.subject import Subject, open_subject

CLOSED = "the map is closed"
CACHE = "GEOINFINITE_CACHE"


def run(options: argparse.Namespace) -> int:
    """Serve a world or a store until the process is interrupted."""
    check_extra()
    limits = Limits(workers=options.workers, cache_bytes=options.cache_mb * 2**20)
    # They need the extra.
    running, server_module = (import_module(f"geoinfinite.serve.{name}") for name in ("running", "server"))
    subject = open_subject(
        options.subject, limits, seed=options.seed, storage_options=dict(options.storage_options)
    )
    subject.shown()
    listening = running.Listening.on(options.host, options.port)
    kept = KeptTiles(cache_folder(options.cache), limits.cache_bytes) if options.cache_mb else None
    server = server_module.Server(subject, limits, kept)
    with options.signals.during(CLOSED, lambda: None):
        try:
            running.run(server, listening, lambda stop: _begin(options, server, listening, kept))
        except KeyboardInterrupt as interrupt:
            # Whichever thread is faster says the same.
            raise KeyboardInterrupt(f"{interrupt}; {CLOSED}") from interrupt
    return 0


def cache_folder(given: str | None) -> Path:
    """Return the folder in which map tiles are kept."""
    if given is not None:
        return Path(given).expanduser()
    return Path(os.environ.get(CACHE, "~/.cache/geoinfinite")).expanduser() / "map-tiles"


def _begin(options: argparse.Namespace, server: Any, listening: Any, kept: KeptTiles | None) -> None:
    """Say where the map is, and load the network before the first map tile is asked for."""
    subject: Subject = server.subject
    address = listening.address
    tiles = f"{address}/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}.png"
    print(f"{subject.kind} {subject.name!r} on a map: {address}/")
    print(f"QGIS, Data Source Manager, XYZ: {tiles}")
    print(f"TileJSON {address}/tilejson.json, WMTS {address}/wmts.xml")
    print(
        "synthetic imagery, not an observation"
        + ("" if kept is None else f"; map tiles kept in {kept.folder}")
    )
    print("stop with Ctrl-C", flush=True)
    server.warm_up()
    if options.open:
        webbrowser.open(f"{address}/")
