"""A PMTiles file on a map: MapLibre in a browser, which asks the server for parts of the file."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import small_worlds
from browser import browser_page, script
from map_archives import decoded, read_pmtiles
from PIL import Image

from geoinfinite.plane.window import Window
from geoinfinite.stores.files.map_archive import MapArchive, MapTiles
from geoinfinite.stores.files.pmtiles import write_pmtiles
from geoinfinite.stores.planning import plan_window

PAGE = """<!doctype html><html><head><link rel="icon" href="data:,">
<link rel="stylesheet" href="maplibre-gl.css">
<style>html, body, #map {margin: 0; height: 100%; background: #fff}</style>
<script src="maplibre-gl.js"></script><script src="pmtiles.js"></script></head><body><div id="map"></div>
<script>
maplibregl.addProtocol('pmtiles', new pmtiles.Protocol({metadata: true}).tile);
const map = new maplibregl.Map({container: 'map', center: [LONGITUDE, LATITUDE], zoom: ZOOM, fadeDuration: 0,
  canvasContextAttributes: {preserveDrawingBuffer: true}, attributionControl: false, style: {version: 8,
  sources: {synthetic: {type: 'raster', url: 'pmtiles:///a.pmtiles', tileSize: 256}},
  layers: [{id: 'synthetic', type: 'raster', source: 'synthetic',
            paint: {'raster-resampling': 'nearest'}}]}});
map.once('idle', () => { window.drawn = true; });
</script></body></html>"""


class PartsOfFiles(SimpleHTTPRequestHandler):
    """Serves a folder, and parts of its files as a web server does."""

    asked: list[str]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        if asked is None:
            super().do_GET()
            return
        first, last = (int(edge) for edge in asked.removeprefix("bytes=").split("-"))
        whole = Path(self.translate_path(self.path)).read_bytes()
        part = whole[first : last + 1]
        self.asked.append(asked)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of the folder, and the parts that it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (PartsOfFiles,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_maplibre(tmp_path: Path, served: tuple[str, list[str]]) -> None:
    address, asked = served
    (tmp_path / "pmtiles.js").write_bytes(script("pmtiles/dist/pmtiles.js").read_bytes())
    for name in ("maplibre-gl.js", "maplibre-gl.css"):
        (tmp_path / name).write_bytes((files("maplibre") / "srcjs" / name).read_bytes())
    plan = plan_window(small_worlds.patch_world(tmp_path), 2, Window(3, 317, 5, 443))
    settings = MapTiles(max_zoom=12)
    archive = MapArchive.of(plan, settings)
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=settings)
    tiles = {a: data for a, data in read_pmtiles(tmp_path / "a.pmtiles").items() if a[0] == 12}
    zoom, x, y = sorted(tiles)[len(tiles) // 2]
    longitude = (x + 0.5) / 2**zoom * 360 - 180
    latitude = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + 0.5) / 2**zoom))))
    page = PAGE.replace("LONGITUDE", repr(longitude)).replace("LATITUDE", repr(float(latitude)))
    # MapLibre counts zooms by map tiles of 512 px.
    (tmp_path / "index.html").write_text(page.replace("ZOOM", str(zoom - 1)))
    with browser_page(640, 480) as seen:
        seen.page.goto(f"{address}/index.html")
        seen.page.wait_for_function("window.drawn === true", timeout=30_000)
        shot = seen.page.screenshot()
        assert seen.errors == []
        assert all(request.startswith((address, "blob:", "data:")) for request in seen.requests)
    with Image.open(io.BytesIO(shot)) as image:
        screen = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    expected, mask = decoded(tiles[zoom, x, y])
    middle = screen[:, 240 - 128 : 240 + 128, 320 - 128 : 320 + 128].astype(int)
    assert mask.mean() > 0.3
    assert np.abs(middle - expected)[:, mask].max() <= 1
    assert archive.min_zoom < 12
    assert any(part.startswith("bytes=0-") for part in asked)
