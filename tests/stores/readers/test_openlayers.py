"""OpenLayers' GeoZarr source reads the levels of a store in a browser, and shows them in their place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Seen, browser_page, script
from readable_stores import Written
from still_server import served

MISSING = "error: Failed to load resource: the server responded with a status of 404 (File not found)"
PAGE = """<!doctype html>
<html><head><link rel="icon" href="data:,">
<style>body { margin: 0 } #map { width: 720px; height: 432px }</style>
<script type="importmap">{"imports": {
  "zarrita": "./node_modules/zarrita/dist/src/index.js",
  "@zarrita/storage": "./node_modules/@zarrita/storage/dist/src/index.js",
  "@zarrita/storage/fetch": "./node_modules/@zarrita/storage/dist/src/fetch.js",
  "numcodecs/zstd": "./node_modules/numcodecs/dist/zstd.js"
}}</script>
<script src="./node_modules/ol/dist/ol.js"></script>
<script type="module">import * as zarrita from 'zarrita'; window.zarr = zarrita;</script>
</head><body><div id="map"></div>
<script>
async function one(source, z, x, y) {
  const tile = source.getTile(z, x, y, 1, source.getProjection());
  await new Promise((resolve, reject) => {
    const look = () => {
      if (tile.getState() === 2) resolve();
      if (tile.getState() === 3) reject(new Error('tile ' + [z, x, y]));
    };
    tile.addEventListener('change', look);
    tile.load();
    look();
  });
  return tile.getData();
}
async function opened(url) {
  const sources = [0, 1, 2].map((band) =>
    new ol.source.GeoZarr({url, bands: ['image'], dimensions: {band}, transition: 0}));
  await Promise.all(sources.map((source) => new Promise((resolve, reject) => {
    const look = () => {
      if (source.getState() === 'ready') resolve();
      if (source.getState() === 'error') reject(source.error_);
    };
    source.addEventListener('change', look);
    look();
  })));
  return sources;
}
async function levels(url) {
  const sources = await opened(url);
  const grid = sources[0].getTileGrid();
  const found = [];
  for (let z = 0; z < grid.getResolutions().length; ++z) {
    const bands = [];
    for (const source of sources) bands.push(Array.from(await one(source, z, 0, 0)));
    found.push({
      resolution: grid.getResolution(z), size: grid.getTileSize(z), id: grid.getMatrixId(z),
      origin: grid.getOrigin(z), extent: grid.getExtent(), bands,
      code: sources[0].getProjection().getCode(),
    });
  }
  return found;
}
async function show(url) {
  const sources = await opened(url);
  const grid = sources[0].getTileGrid();
  const projection = sources[0].getProjection();
  const source = new ol.source.DataTile({
    tileGrid: grid, projection, interpolate: false, transition: 0,
    loader: async (z, x, y) => {
      const bands = await Promise.all(sources.map((s) => one(s, z, x, y)));
      const pixels = new Uint8Array(4 * bands[0].length / 2);
      for (let i = 0; i < pixels.length / 4; ++i) {
        bands.forEach((band, b) => { pixels[4 * i + b] = band[2 * i]; });
        pixels[4 * i + 3] = 255 * Math.max(...bands.map((band) => band[2 * i + 1]));
      }
      return pixels;
    },
  });
  const layer = new ol.layer.WebGLTile({source});
  const resolutions = grid.getResolutions();
  const map = new ol.Map({target: 'map', controls: [], layers: [layer], view: new ol.View({
    projection, center: ol.extent.getCenter(grid.getExtent()),
    resolution: resolutions[resolutions.length - 1] / 3, minResolution: 1e-9,
  })});
  await new Promise((resolve) => map.once('rendercomplete', resolve));
  return [[60, 36], [300, 100], [500, 300], [700, 420]].map((at) => Array.from(layer.getData(at)));
}
</script></body></html>
"""


@pytest.fixture
def page_folder(tmp_path: Path, stores: dict[tuple[str, str], Written]) -> Path:
    """A folder with the page, and links to OpenLayers and to the stores."""
    (tmp_path / "index.html").write_text(PAGE)
    os.symlink(script("ol/dist/ol.js").parents[2], tmp_path / "node_modules")
    for (name, preset), store in stores.items():
        os.symlink(store.path, tmp_path / f"{name}-{preset}.zarr")
    return tmp_path


def test_levels_and_their_place(page_folder: Path, stores: dict[tuple[str, str], Written]) -> None:
    with served(page_folder) as url, browser_page(720, 432) as seen:
        seen.page.goto(f"{url}/index.html")
        for name in ("patch", "ring"):
            store = stores[name, "default"]
            found = seen.page.evaluate("(url) => levels(url)", f"{url}/{name}-default.zarr")
            assert [level["id"] for level in found] == ["1", "2", "3"]
            for level in found:
                _compare(store, level)
        _only_version_2_is_missing(seen)


def _only_version_2_is_missing(seen: Seen) -> None:
    """Check that nothing went wrong but that zarrita looks for the attributes of Zarr 2 first."""
    sought = [url for url in seen.requests if url.endswith(("/.zattrs", "/.zgroup"))]
    assert sorted(set(seen.errors)) == [MISSING] * bool(sought)
    assert len(seen.errors) == len(sought)


def _compare(store: Written, level: dict[str, Any]) -> None:
    pixels, transform = store.pixels(int(level["id"])), store.transform(int(level["id"]))
    assert level["code"] == f"EPSG:{store.epsg}"
    assert level["resolution"] == pytest.approx(transform.a)
    assert level["origin"] == pytest.approx([transform.c, transform.f])
    assert level["extent"] == pytest.approx(list(store.bounds))
    size = level["size"]
    columns, rows = size if isinstance(size, list) else (size, size)
    read = np.array(level["bands"]).reshape(3, rows, columns, 2)[..., 0]
    height, width = min(rows, pixels.shape[1]), min(columns, pixels.shape[2])
    assert height * width > 100
    assert (read[:, :height, :width] == pixels[:, :height, :width]).all()


def test_a_map_shows_the_pixels(page_folder: Path, stores: dict[tuple[str, str], Written]) -> None:
    store = stores["patch", "default"]
    with served(page_folder) as url, browser_page(720, 432) as seen:
        seen.page.goto(f"{url}/index.html")
        shown = seen.page.evaluate("(url) => show(url)", f"{url}/patch-default.zarr")
        seen.page.screenshot(path=page_folder / "map.png")
        _only_version_2_is_missing(seen)
    # Every pixel of the level is three of the screen a side.
    for (x, y), values in zip(((60, 36), (300, 100), (500, 300), (700, 420)), shown, strict=True):
        assert values == [*store.pixels(3)[:, y // 3, x // 3].tolist(), 255]
