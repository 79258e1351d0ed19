"""What a server answers: pictures that equal another renderer's, documents, and refusals in one line."""

from __future__ import annotations

import json
import re
import traceback
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import morecantile
import numpy as np
import pytest
import rasterio
import xarray as xr
from PIL import Image
from rasterio.io import MemoryFile
from rio_tiler.io.xarray import XarrayReader
from served import client, ring, served
from starlette.testclient import TestClient
from titiler.core.models.mapbox import TileJSON

import geoinfinite as gi
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.server import Server
from geoinfinite.serve.subject import ServedStore, open_subject

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> gi.World:
    return ring(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def server(world: gi.World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(world, Limits(workers=2, download_px=20_000), tmp_path_factory.mktemp("kept")) as found:
        yield found


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[TestClient]:
    with client(server) as found:
        yield found


def picture(content: bytes) -> np.ndarray:
    with MemoryFile(content) as memory, memory.open() as raster:
        return raster.read()


def test_a_map_tile_is_what_rio_tiler_makes_of_the_loaded_level(api: TestClient, world: gi.World) -> None:
    answer = api.get("/tiles/WebMercatorQuad/6/41/21.png?level=3")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    bounds = morecantile.tms.get("WebMercatorQuad").bounds(41, 21, 6)
    west, south, east, north = (round(edge) for edge in bounds)
    level = world.array(3, bounds=(west - 3, south - 3, east + 3, north + 3)).load()
    plain = xr.DataArray(
        level.values, {"y": level.y.values, "x": level.x.values}, ("band", "y", "x")
    ).rio.write_crs("EPSG:4326")
    with XarrayReader(plain) as reader:
        tile = reader.tile(41, 21, 6, reproject_method="bilinear")
    # It knows nothing beyond the edges of a tile, and repeats the pixel there: it is 11 of the map's.
    inside = np.s_[:, 11:-11, 11:-11]
    assert np.abs(picture(answer.content).astype(int) - tile.data.data)[inside].max() <= 1


def test_map_tiles_say_that_a_trained_model_made_them(api: TestClient) -> None:
    for ending in ("png", "webp", "jpg"):
        answer = api.get(f"/tiles/WebMercatorQuad/3/4/2.{ending}")
        assert answer.headers["x-digital-source-type"] == DIGITAL_SOURCE_TYPE
    image = Image.open(BytesIO(api.get("/tiles/WebMercatorQuad/3/4/2.png").content))
    said = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert said["DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert "WebMercatorQuad 3/4/2" in str(said["title"])


def test_formats_retina_seeds_and_levels(api: TestClient) -> None:
    plain, fine = (picture(api.get(f"/tiles/WebMercatorQuad/3/4/2{end}").content) for end in ("", "@2x.webp"))
    assert (plain.shape, fine.shape) == ((3, 256, 256), (3, 512, 512))
    halves = fine.reshape(3, 256, 2, 256, 2).mean(axis=(2, 4))
    assert np.abs(halves - plain).mean() < 12
    jpeg = api.get("/tiles/WebMercatorQuad/3/4/2.jpg")
    assert jpeg.headers["content-type"] == "image/jpeg"
    assert np.abs(picture(jpeg.content).astype(int) - plain).mean() < 6
    seven = picture(api.get("/tiles/WebMercatorQuad/3/4/2.png?seed=7").content)
    assert (seven != plain).mean() > 0.5
    root, other_root = (
        picture(api.get(f"/tiles/WebMercatorQuad/3/4/2.png?level=0&seed={seed}").content) for seed in (7, 8)
    )
    assert (root == other_root).all()
    assert (root != seven).any()


@pytest.mark.parametrize("name", morecantile.tms.list())
def test_every_tile_matrix_set_is_served(api: TestClient, name: str) -> None:
    told = api.get(f"/tilejson.json?tms={name}").json()
    TileJSON(**told)
    address = told["tiles"][0].removeprefix("http://127.0.0.1")
    zoom = told["minzoom"] + 1
    answer = api.get(address.format(z=zoom, x=0, y=0))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert picture(answer.content).shape[1:] == (256, 256)
    assert api.get(f"/tileMatrixSets/{name}").json()["id"] == name


def test_both_sides_of_the_antimeridian_fit(api: TestClient) -> None:
    east, west = (picture(api.get(f"/tiles/WebMercatorQuad/5/{x}/13.png").content) for x in (31, 0))
    # Level 1 has pixels of 3.75 degrees: neighbours on the map differ by little, also here.
    inside = np.abs(np.diff(east[:, :, -9:].astype(int), axis=2)).max()
    assert np.abs(east[:, :, -1].astype(int) - west[:, :, 0]).max() <= max(2 * inside, 6)


def test_pictures_are_kept_and_not_sent_twice(server: Server, api: TestClient) -> None:
    address = "/tiles/WebMercatorQuad/4/9/5.png?seed=3"
    first = api.get(address)
    drawn = server.metrics.value("map_tiles_drawn_total")
    second = api.get(address)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.content == second.content
    unchanged = api.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert server.metrics.value("map_tiles_drawn_total") == drawn
    assert first.headers["cache-control"] == "no-cache"
    named = api.get("/tilejson.json?seed=3").json()["tiles"][0].removeprefix("http://127.0.0.1")
    forever = api.get(named.format(z=4, x=9, y=5))
    assert "immutable" in forever.headers["cache-control"]
    assert forever.content == first.content
    stale = api.get(f"{address}&v=0123456789ab")
    assert (stale.status_code, "load the page again" in stale.json()["error"]) == (404, True)


def test_a_click_knows_the_pixel(api: TestClient, world: gi.World) -> None:
    told = api.get("/info?lon=-169.2&lat=33.4&level=2").json()
    window = world.grid.window(2, (-169.2, 33.4, -169.199, 33.401))
    assert (told["row"], told["column"]) == (window.y0, window.x0)
    assert told["values"] == gi.generate(world, 2, window)[:, 0, 0].tolist()
    assert told["evaluations"] == gi.plan(world.array(2, window=window)).cold_evaluations
    assert told["token"] == world.token
    stride, tile = 24, 32
    for row, column in told["tiles"]:
        assert row * stride <= window.y0 < row * stride + tile
        assert column * stride <= window.x0 < column * stride + tile
    assert len(told["tiles"]) >= 1
    root = api.get("/info?lon=190.8&lat=33.4&level=0").json()
    assert (root["evaluations"], root["tiles"], root["lon"]) == (0, [], pytest.approx(-169.2))
    shown = api.get("/info?lon=7&lat=46&z=6").json()["level"]
    assert api.get("/level?lon=7&lat=46&z=6").json() == {"level": shown}


def test_a_view_is_downloaded_as_a_cog_that_opens_as_the_array(
    api: TestClient, world: gi.World, tmp_path: Path
) -> None:
    answer = api.get("/view.tif?bounds=170,-21,-160,12.5&level=2")
    assert answer.status_code == 200
    assert 'filename="ring-seed11-level2.tif"' in answer.headers["content-disposition"]
    path = tmp_path / "view.tif"
    path.write_bytes(answer.content)
    found = xr.open_dataset(path, engine="geoinfinite").image
    lazy = world.array(2, window=gi.Window(*map(int, _window(path).split())))
    xr.testing.assert_identical(found.load(), lazy.load())
    assert _window(path) == "82 119 373 406"
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.tags()["synthetic"].startswith("Synthetic imagery")


def _window(path: Path) -> str:
    with rasterio.open(path) as raster:
        return raster.tags()["geoinfinite_window"]


def test_documents_name_the_image_and_its_zooms(api: TestClient, world: gi.World) -> None:
    told = TileJSON(**api.get("/tilejson.json?ending=@2x.webp&seed=5&level=1").json())
    assert told.tiles[0].startswith(
        "http://127.0.0.1/tiles/WebMercatorQuad/{z}/{x}/{y}@2x.webp?seed=5&level=1&v="
    )
    assert (told.bounds, told.minzoom, told.attribution) == (
        [-180, -85.051129, 180, 85.051129],
        0,
        "Synthetic imagery, not an observation",
    )
    # The finest pixels are of 0.234 degrees: 1536 on a turn, of which the fourth zoom shows 4096.
    assert told.maxzoom == 3
    settings = api.get("/settings.json").json()
    assert [(level["level"], level["real"]) for level in settings["levels"]] == [
        (0, True),
        (1, False),
        (2, False),
        (3, False),
    ]
    assert settings["token"] == world.token


def test_wmts_capabilities_lead_to_map_tiles(api: TestClient) -> None:
    root = ElementTree.fromstring(api.get("/wmts.xml").text)
    names = {"w": "http://www.opengis.net/wmts/1.0", "o": "http://www.opengis.net/ows/1.1"}
    template = root.find(".//w:ResourceURL", names)
    assert template is not None
    address = template.attrib["template"].format(TileMatrix=1, TileCol=1, TileRow=0)
    assert api.get(address.removeprefix("http://127.0.0.1")).status_code == 200
    scales = [float(found.text or 0) for found in root.findall(".//w:ScaleDenominator", names)]
    assert scales[0] == pytest.approx(559_082_264.028_717)
    assert scales[1] == pytest.approx(scales[0] / 2)


def test_the_state_of_the_server_is_told(api: TestClient, world: gi.World) -> None:
    assert api.get("/health").json() == {
        "status": "ok",
        "version": gi.World.load("analytic").array(0).attrs["geoinfinite_version"],
        "name": "ring",
        "token": world.token,
        "waiting": 0,
        "drawing": 0,
    }
    api.get("/tiles/WebMercatorQuad/2/1/1.png?seed=99")
    counted = dict(
        line.rsplit(" ", 1) for line in api.get("/metrics").text.splitlines() if not line.startswith("#")
    )
    assert float(counted["geoinfinite_tiles_drawn_total"]) > 0
    assert float(counted["geoinfinite_map_tiles_drawn_total"]) > 0
    assert float(counted['geoinfinite_requests_total{route="tiles",status="200"}']) > 0
    assert set(api.get("/waiting").json()) == {"waiting", "drawing", "of_client", "seconds_each"}


HOSTILE = [
    ("/tiles/WebMercatorQuad/0/0/1.png", 404, "x=0, y=1 is no map tile of zoom 0: WebMercatorQuad has 1 col"),
    ("/tiles/WebMercatorQuad/99/0/0.png", 404, "z=99 is not a zoom of WebMercatorQuad here; take 0 to 24"),
    ("/tiles/WebMercatorQuad/-1/0/0.png", 404, "z=-1 is not a zoom"),
    ("/tiles/WebMercatorQuad/nan/0/0.png", 400, "z='nan' is not an integer of at most 20 digits; write one"),
    ("/tiles/WebMercatorQuad/1e3/0/0.png", 400, "z='1e3' is not an integer"),
    (f"/tiles/WebMercatorQuad/{'9' * 400}/0/0.png", 400, "z='9999999.*' is not an integer of at most 20"),
    ("/tiles/WebMercatorQuad/3/0/-1.png", 404, "'-1.png' is not the row of a map tile, such as 12.png"),
    ("/tiles/WebMercatorQuad/3/0/0@9x.png", 404, "'0@9x.png' is not the row of a map tile"),
    ("/tiles/WebMercatorQuad/3/0/0.exe", 404, ".exe is not one of .png, .webp, .jpg, .jpeg; take one"),
    ("/tiles/Mercator/3/0/0.png", 404, "tms='Mercator' is not one of CDB1GlobalGrid, .*; take one of them"),
    ("/tiles/..%2f..%2f..%2fetc/3/0/passwd", 404, "there is nothing here|is not"),
    ("/%2e%2e/%2e%2e/etc/passwd", 404, "there is nothing here; the map is at /"),
    ("/map.js/../../app.py", 404, "there is nothing here"),
    ("/tiles/WebMercatorQuad/3/0/0.png?seed=-1", 400, r"seed=-1 must be an integer from 0 to 2\*\*64 - 1"),
    (f"/tiles/WebMercatorQuad/3/0/0.png?seed={2**64}", 400, r"seed=18446744073709551616 must be an int"),
    ("/tiles/WebMercatorQuad/3/0/0.png?seed=1e30", 400, "seed='1e30' is not an integer"),
    ("/tiles/WebMercatorQuad/3/0/0.png?level=4", 404, "level=4 is not there; take one of 0, 1, 2, 3"),
    ("/tiles/WebMercatorQuad/3/0/0.png?level=-1", 404, "level=-1 is not there"),
    ("/info?lon=nan&lat=3&level=1", 400, "lon='nan' is not a finite number; write one such as 46.2"),
    ("/info?lon=1e30&lat=3&level=1", 400, "lon=1e.30, lat=3 is not on the Earth; write degrees east and n"),
    ("/info?lon=1e999&lat=3&level=1", 400, "lon='1e999' is not a finite number"),
    ("/info?lon=3&lat=-91&level=1", 400, "lon=3, lat=-91 is not on the Earth"),
    ("/info?lon=3&lat=9", 400, "neither level nor z is given; write level=3, or z=8 for that of a map"),
    ("/info?lat=9&level=1", 400, "lon='None' is not a finite number"),
    ("/info?lon=3&lat=9&z=77", 404, "z=77 is not a zoom of WebMercatorQuad; take 0 to 24"),
    ("/view.tif?bounds=1,2,3&level=1", 400, "bounds='1,2,3' is not WEST,SOUTH,EAST,NORTH in degrees; write"),
    ("/view.tif?bounds=1,2,inf,4&level=1", 400, "bounds='inf' is not a finite number"),
    ("/view.tif?bounds=1,9,3,4&level=1", 400, "bounds=1,9,3,4 are inverted or no place; W,S,E,N"),
    ("/view.tif?bounds=1,2,3,4", 400, "level is not given; write that of the pixels to download, such as"),
    (
        "/view.tif?bounds=-180,-90,180,90&level=3",
        413,
        "the view has 1,536 x 768 pixels of level 3; a download has at most 20,000: level=1 fits",
    ),
    (f"/tilejson.json?tms={'x' * 3000}", 414, "an address has at most 2048 characters"),
    ("/tilejson.json?ending=.exe", 404, ".exe is not one of"),
    ("/nothing", 404, "GET /nothing: there is nothing here; the map is at /"),
    ("/tileMatrixSets/no", 404, "tms='no' is not one of"),
]


@pytest.mark.parametrize(("address", "status", "reason"), HOSTILE)
def test_what_is_not_answered_is_refused_in_one_line(
    api: TestClient, address: str, status: int, reason: str
) -> None:
    answer = api.get(address)
    assert answer.status_code == status
    told = json.loads(answer.text)
    assert list(told) == ["error"]
    assert "\n" not in told["error"]
    assert len(told["error"]) < 500
    assert re.search(reason, told["error"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_only_get_is_answered(api: TestClient, method: str) -> None:
    answer = api.request(method, "/tiles/WebMercatorQuad/3/0/0.png")
    assert answer.status_code == 405
    assert method == "HEAD" or answer.json()["error"].endswith(": only GET is answered")


def test_other_names_of_this_machine_are_not_answered(api: TestClient) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        answer = api.get("/health", headers={"Host": host})
        assert answer.status_code == 421
        assert "is not this machine's; start the server with --host" in answer.json()["error"]
    assert api.get("/health", headers={"Host": "localhost:8765"}).status_code == 200


def test_many_seeds_do_not_fill_the_memory(tmp_path: Path) -> None:
    with served(ring(tmp_path), Limits(workers=1, seeds=3)) as found, client(found) as api:
        for seed in range(9):
            assert api.get(f"/tiles/WebMercatorQuad/0/0/0.png?seed={seed}").status_code == 200
        subject = found.subject
        assert subject.shown(8) is subject.shown(8)
        assert subject.shown(0) is not subject.shown(1)


def test_too_much_at_once_is_asked_to_come_again(world: gi.World) -> None:
    with served(world, Limits(workers=1, waiting=0)) as found, client(found) as api:
        answer = api.get("/tiles/WebMercatorQuad/3/0/0.png")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json() == {"error": "0 pieces of work wait, the most that may; ask again in 2 s"}


def test_a_map_tile_that_takes_too_long_is_refused(world: gi.World) -> None:
    with served(world, Limits(workers=1, evaluations=10)) as found, client(found) as api:
        answer = api.get("/tiles/WebMercatorQuad/5/16/11.png?level=3")
        assert answer.status_code == 413
        assert "network evaluations, more than 10: zoom in" in answer.json()["error"]


def test_a_store_is_shown_as_the_world_it_is_of(world: gi.World, tmp_path: Path) -> None:
    path = tmp_path / "part.zarr"
    world.array(3, bounds=(-12.0, 30.0, 31.0, 57.0)).geoinfinite.to_zarr(path, progress=False)
    subject = open_subject(str(path), Limits())
    assert isinstance(subject, ServedStore)
    with served(subject) as found, client(found) as api, served(world) as drawn, client(drawn) as lazy:
        address = "/tiles/WebMercatorQuad/5/16/11.png"
        stored, expected = (picture(each.get(address).content) for each in (api, lazy))
        assert (stored == expected).all()
        told = api.get("/info?lon=7&lat=46&level=3").json()
        pixel = lazy.get("/info?lon=7&lat=46&level=3").json()
        assert (told["row"], told["column"], told["values"]) == (
            pixel["row"],
            pixel["column"],
            pixel["values"],
        )
        assert (told["evaluations"], told["token"]) == (0, world.token)
        beside = picture(api.get("/tiles/WebMercatorQuad/5/2/11.png").content)
        assert not beside[3].any()
        refused = api.get(f"{address}?seed=12")
        assert refused.json()["error"] == ("seed=12 is not in this store, which holds seed 11; leave it out")
        west, south, east, north = api.get("/settings.json").json()["bounds"]
        assert west <= -12
        assert south <= 30
        assert east >= 31
        assert north >= 57
        view = api.get("/view.tif?bounds=0,40,5,45&level=3")
        assert view.status_code == 200
        (tmp_path / "view.tif").write_bytes(view.content)
        again = xr.open_dataset(tmp_path / "view.tif", engine="geoinfinite").image
        window = gi.Window(*map(int, _window(tmp_path / "view.tif").split()))
        xr.testing.assert_equal(again.load(), world.array(3, window=window).load())


def test_a_missing_shard_is_said(world: gi.World, tmp_path: Path) -> None:
    path = tmp_path / "part.zarr"
    world.array(2, bounds=(-12.0, 30.0, 31.0, 57.0)).geoinfinite.to_zarr(path, progress=False)
    for shard in (path / "2" / "image" / "c").rglob("*"):
        if shard.is_file():
            shard.unlink()
    with served(open_subject(str(path), Limits())) as found, client(found) as api:
        answer = api.get("/tiles/WebMercatorQuad/4/8/5.png?level=2")
        assert answer.status_code == 404
        assert "geoinfinite resume STORE" in answer.json()["error"]


def test_no_request_changes_the_filters_of_warnings_which_other_threads_may_be_changing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[str] = []

    class Recorded(warnings.catch_warnings):
        def __enter__(self) -> Any:
            changed.append(traceback.extract_stack()[-2].filename)
            return super().__enter__()

    with client(server) as fresh:
        monkeypatch.setattr(warnings, "catch_warnings", Recorded)
        assert fresh.get("/health").status_code == 200
        assert fresh.get("/map.js").status_code == 200
    assert changed == []
