"""The map of a notebook: what it asks the kernel for is what it gets, and no more is drawn than it wants."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from typing import Any

import numpy as np
import pytest
from counting import count_calls
from drawings import UNCACHED
from PIL import Image

import geoinfinite as gi
from geoinfinite.errors import Cancelled, WindowError, WorldError
from geoinfinite.views.exploring import KernelTiles, finest_zoom, web_tile
from geoinfinite.views.looking import Part
from geoinfinite.views.map_tiles import render

lonboard = pytest.importorskip("lonboard")
ZOOM = 7, 66, 45
"""z, x, y of a map tile in the Alps."""


@pytest.fixture
def world() -> gi.World:
    return gi.World.load("analytic")


def request(x: int, y: int, z: int, name: str = "a") -> dict[str, Any]:
    """What the map's page sends for a map tile."""
    return {
        "id": name,
        "kind": "raster-get-tile-data",
        "msg": {"tile": {"index": {"x": x, "y": y, "z": z}}},
    }


def answers(layer: Any, *messages: dict[str, Any]) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Send messages as the page does; return what the layer sends back."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []

    async def ask() -> None:
        for message in messages:
            layer._handle_custom_msg(message, [])
        while layer._pending_tasks:
            await asyncio.sleep(0.01)

    layer.send = lambda content, buffers=(): sent.append((content, [*buffers]))
    asyncio.run(asyncio.wait_for(ask(), 60))
    return sent


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture).transpose(2, 0, 1)


def test_the_page_gets_the_map_tile_that_it_asks_for(world: gi.World) -> None:
    z, x, y = ZOOM
    (layer,) = world.explore().layers
    ((content, buffers),) = answers(layer, request(x, y, z))
    assert content == {
        "id": "a",
        "kind": "raster-get-tile-data-response",
        "response": {"type": "encoded-image", "media_type": "image/png"},
    }
    wanted = render(Part.of(world, None, None).pyramid(), web_tile(x, y, z))
    np.testing.assert_array_equal(pixels_of(bytes(buffers[0])), wanted.pixels)
    assert wanted.level == 2


def test_the_tiles_of_the_web_map_are_those_of_another_library() -> None:
    morecantile = pytest.importorskip("morecantile")
    matrices = morecantile.tms.get("WebMercatorQuad")
    for z, x, y in (ZOOM, (0, 0, 0), (3, 7, 2)):
        np.testing.assert_allclose(web_tile(x, y, z).bounds, matrices.xy_bounds(x, y, z), atol=1e-6)


def test_beside_the_world_there_is_nothing_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = 400_000, 5_200_000, 404_000, 5_202_000
    small = gi.World.for_model("analytic:planet", crs="EPSG:32632", bounds=bounds, resolution=20)
    calls = count_calls(monkeypatch)
    (layer,) = small.explore().layers
    ((content, buffers),) = answers(layer, request(0, 0, 3))
    assert (content["response"], buffers, calls.calls) == ({"type": "empty"}, [], 0)


def test_the_map_is_offline_and_begins_at_the_world(world: gi.World) -> None:
    shown = world.explore(height=444)
    (layer,) = shown.layers
    assert (shown.basemap, shown.height) == (None, "444px")
    assert layer.extent == pytest.approx([-180, -85.0511, 180, 85.0511])
    assert layer.get_state()["_tile_matrix_set"] is None
    assert layer.max_zoom == finest_zoom(world) == 18
    near = world.explore(bounds=(7.0, 46.0, 8.0, 46.5))
    assert (near.view_state.longitude, near.view_state.latitude) == pytest.approx((7.5, 46.25), abs=0.01)
    assert near.view_state.zoom > shown.view_state.zoom + 3
    assert near.layers[0].extent == layer.extent


def test_a_world_across_the_antimeridian() -> None:
    bounds = 1_900_000, 5_000_000, 2_600_000, 5_700_000
    islands = gi.World.for_model("analytic:planet", crs="EPSG:2193", bounds=bounds, resolution=2000)
    shown = islands.explore()
    assert shown.layers[0].extent == pytest.approx([-180, -45.0898, 180, -38.2883], abs=1e-3)
    assert (shown.view_state.longitude, shown.view_state.latitude) == pytest.approx(
        (-178.99, -41.69), abs=0.01
    )
    assert shown.view_state.zoom > 3


def test_a_tile_that_scrolled_away_is_not_drawn(world: gi.World, monkeypatch: pytest.MonkeyPatch) -> None:
    z, x, y = ZOOM
    calls = count_calls(monkeypatch)
    tiles = KernelTiles(world, Part.of(world, None, None).pyramid(), UNCACHED)
    busy = threading.Event()

    async def scroll() -> None:
        for _ in range(tiles.threads._max_workers):
            tiles.threads.submit(busy.wait)
        waiting = asyncio.create_task(tiles.fetch(x, y, z))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scroll())
    busy.set()
    tiles.threads.shutdown()
    assert calls.calls == 0


def test_one_that_is_being_drawn_ends_after_a_batch(world: gi.World, monkeypatch: pytest.MonkeyPatch) -> None:
    z, x, y = ZOOM
    unwanted = threading.Event()
    pyramid = Part.of(world, None, None).pyramid()
    calls = count_calls(monkeypatch)
    whole = KernelTiles(world, pyramid, UNCACHED)
    whole.draw(web_tile(x, y, z), unwanted)
    needed, of_one_batch = calls.calls, world.sampler.steps
    assert needed > of_one_batch
    calls.batches = Stopping(unwanted)
    with pytest.raises(Cancelled, match="drawing was cancelled"):
        whole.draw(web_tile(x, y, z), unwanted)
    assert calls.calls == of_one_batch


class Stopping(list[int]):
    """A list that says, when it grows, that what makes it grow is unwanted."""

    def __init__(self, unwanted: threading.Event) -> None:
        super().__init__()
        self.unwanted = unwanted

    def append(self, value: int) -> None:
        super().append(value)
        self.unwanted.set()


def test_bounds_outside_the_world_are_refused() -> None:
    bounds = 400_000, 5_200_000, 404_000, 5_202_000
    small = gi.World.for_model("analytic:planet", crs="EPSG:32632", bounds=bounds, resolution=20)
    with pytest.raises(WindowError, match="reaches outside the grid"):
        small.explore(bounds=(0, 0, 10, 10))


def test_without_lonboard_it_says_what_to_install(world: gi.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lonboard", None)
    with pytest.raises(
        WorldError, match=r"explore\(\) needs lonboard.*pip install 'geoinfinite\[notebook\]'"
    ):
        world.explore()
