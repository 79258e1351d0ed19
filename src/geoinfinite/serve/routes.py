"""The addresses of a server, and what each of them answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import morecantile
from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, version
from geoinfinite.serve import asking, documents, download, places, works
from geoinfinite.serve.refusals import Busy, Refused
from geoinfinite.serve.server import DOWNLOADS, Server, client_of
from geoinfinite.serve.subject import Shown
from geoinfinite.token import token
from geoinfinite.views.eight_bits import MEDIA_TYPES

WEB = "WebMercatorQuad"
_FOREVER = "public, max-age=31536000, immutable"
"""For addresses that name the version of their pictures."""
_ASK_AGAIN = "no-cache"

Answer = Callable[..., Awaitable[Response]]


def answers(server: Server) -> Mapping[str, Answer]:
    """Return what answers at which path: map tiles, documents, clicks, downloads, the server's own state."""
    return {
        "/tiles/{tms}/{z}/{x}/{last}": _map_tile(server),
        "/tilejson.json": _tile_json(server),
        "/wmts.xml": _wmts(server),
        "/tileMatrixSets": _matrix_sets,
        "/tileMatrixSets/{tms}": _matrix_set,
        "/settings.json": _settings(server),
        "/level": _level(server),
        "/info": _info(server),
        "/view.tif": _view(server),
        "/waiting": _waiting(server),
        "/health": _health(server),
        "/metrics": _metrics(server),
    }


def _map_tile(server: Server) -> Answer:
    async def answer(request: Request, tms: str, z: str, x: str, last: str) -> Response:
        """Answer with a map tile: ``/tiles/WebMercatorQuad/8/133/91@2x.webp?seed=7&level=3``."""
        started = time.perf_counter()
        seed, level, v = (request.query_params.get(name) for name in ("seed", "level", "v"))
        asked = asking.tile_request((tms, z, x, last), seed, level, server.limits)
        shown = await server.shown(asked.seed, asked.level)
        if v and not shown.version.startswith(v):
            raise Refused(404, f"v={v[:40]} is no version of this image any more: load the page again")
        name = token([shown.version, asked.key])
        headers = {
            "ETag": f'"{name}"',
            "Cache-Control": _FOREVER if v else _ASK_AGAIN,
            "Vary": "Accept-Encoding",
            # PNG says it in itself too; the other formats have no place for it that GDAL writes.
            "X-Digital-Source-Type": DIGITAL_SOURCE_TYPE,
        }
        if f'"{name}"' in request.headers.get("if-none-match", ""):
            server.metrics.add("not_modified_total")
            return Response(status_code=304, headers=headers)
        content = None if server.kept is None else await asyncio.to_thread(server.kept.get, name)
        headers["X-Cache"] = "miss" if content is None else "hit"
        if content is None:
            work = works.map_tile(shown, asked, client_of(request), server.limits, server.metrics)
            content = await server.result(request, work)
            if server.kept is not None:
                await asyncio.to_thread(server.kept.put, name, content)
        else:
            server.metrics.add("map_tiles_cached_total")
        headers["Server-Timing"] = f"tile;dur={1000 * (time.perf_counter() - started):.1f}"
        return Response(content, headers=headers, media_type=MEDIA_TYPES[asked.image_format])

    return answer


async def _zooms(server: Server, shown: Shown, tms: str) -> tuple[int, int]:
    asking.matrices(tms)
    key = shown.version, tms
    if key not in server.zooms:
        if len(server.zooms) > 1000:
            server.zooms.clear()
        server.zooms[key] = await asyncio.to_thread(documents.zooms, shown, tms, server.limits)
    return server.zooms[key]


def _template(request: Request, shown: Shown, tms: str, level: int | None, ending: str) -> str:
    """Return the address of map tiles with ``{z}``, ``{x}`` and ``{y}`` in it."""
    same = f"&level={level}" if level is not None else ""
    base = str(request.base_url).rstrip("/")
    return f"{base}/tiles/{tms}/{{z}}/{{x}}/{{y}}{ending}?seed={shown.seed}{same}&v={shown.version[:12]}"


def _tile_json(server: Server) -> Answer:
    async def answer(
        request: Request,
        tms: str = WEB,
        seed: str | None = None,
        level: str | None = None,
        ending: str = ".png",
    ) -> Response:
        """Answer with TileJSON; ``ending`` is that of the addresses, such as ``@2x.webp``."""
        number = asking.optional("level", level)
        asking.tile_request(
            (tms, str(asking.matrices(tms).minzoom), "0", f"0{ending}"), None, None, server.limits
        )
        shown = await server.shown(asking.optional("seed", seed), number)
        zoom = await _zooms(server, shown, tms)
        template = _template(request, shown, tms, number, ending)
        return JSONResponse(documents.tile_json(shown, template, zoom))

    return answer


def _wmts(server: Server) -> Answer:
    async def answer(
        request: Request, tms: str = WEB, seed: str | None = None, level: str | None = None
    ) -> Response:
        """Answer with the capabilities of a WMTS with one layer in one tile matrix set."""
        number = asking.optional("level", level)
        zoom_of = asking.matrices(tms)
        shown = await server.shown(asking.optional("seed", seed), number)
        zoom = await _zooms(server, shown, zoom_of.id or tms)
        template = _template(request, shown, tms, number, ".png")
        text = documents.wmts(shown, tms, template, zoom, str(request.url))
        return Response(text, media_type="application/xml")

    return answer


async def _matrix_sets() -> Response:
    """List the tile matrix sets in which map tiles are served."""
    return JSONResponse({"tileMatrixSets": [{"id": name} for name in morecantile.tms.list()]})


async def _matrix_set(tms: str) -> Response:
    """Answer with the definition of a tile matrix set."""
    text = asking.matrices(tms).model_dump_json(exclude_none=True)
    return Response(text, media_type="application/json")


def _settings(server: Server) -> Answer:
    async def answer(seed: str | None = None) -> Response:
        """Say what the map page needs to know."""
        shown = await server.shown(asking.optional("seed", seed))
        zoom = await _zooms(server, shown, WEB)
        told = await asyncio.to_thread(
            documents.settings_of_page, shown, server.subject.kind, zoom, server.limits
        )
        return JSONResponse(told)

    return answer


async def _level_of(
    server: Server, place: tuple[float, float], seed: str | None, level: str | None, z: str | None
) -> tuple[Shown, int]:
    """Return the image of a seed, and the level that is named, or is shown at a zoom around a place."""
    number = asking.optional("level", level)
    shown = await server.shown(asking.optional("seed", seed), number)
    if number is not None:
        return shown, number
    if z is None:
        raise Refused(400, "neither level nor z is given; write level=3, or z=8 for that of a map")
    return shown, await asyncio.to_thread(places.level_at, shown, place, asking.whole("z", z))


def _level(server: Server) -> Answer:
    async def answer(
        lon: str | None = None,
        lat: str | None = None,
        z: str | None = None,
        level: str | None = None,
        seed: str | None = None,
    ) -> Response:
        """Say which level a map shows at a zoom ``z`` around a place."""
        _, number = await _level_of(server, asking.degrees(lon, lat), seed, level, z)
        return JSONResponse({"level": number})

    return answer


def _info(server: Server) -> Answer:
    async def answer(
        request: Request,
        lon: str | None = None,
        lat: str | None = None,
        z: str | None = None,
        level: str | None = None,
        seed: str | None = None,
    ) -> Response:
        """Say what is known of a pixel of a level, or of the one that a map shows at a zoom ``z``."""
        place = asking.degrees(lon, lat)
        shown, number = await _level_of(server, place, seed, level, z)
        window = await asyncio.to_thread(places.pixel_at, shown, number, place)
        pixel = await server.result(request, works.pixels(shown, number, window, client_of(request)))
        return JSONResponse(_told(shown, number, window, place, pixel))

    return answer


def _told(
    shown: Shown, level: int, window: Window, place: tuple[float, float], pixel: NDArray[Any]
) -> dict[str, Any]:
    da = shown.pyramid.arrays[level]
    on_level = places.on_level(da, window)
    evaluations, tiles = places.evaluations_at(shown, level, on_level)
    return {
        "lon": place[0],
        "lat": place[1],
        "level": level,
        "gsd_m": da.attrs.get("ground_sample_distance_m"),
        "row": on_level.y0,
        "column": on_level.x0,
        "bands": [str(name) for name in da["band"].values],
        "values": pixel[:, 0, 0].tolist(),
        "evaluations": evaluations,
        "tiles": tiles,
        "seed": shown.seed,
        "token": shown.token,
    }


def _view(server: Server) -> Answer:
    async def answer(
        request: Request, bounds: str | None = None, level: str | None = None, seed: str | None = None
    ) -> Response:
        """Answer with the pixels of a level within ``bounds=W,S,E,N``, as a cloud-optimised GeoTIFF."""
        box = asking.bounds(bounds)
        number = asking.optional("level", level)
        if number is None:
            raise Refused(400, "level is not given; write that of the pixels to download, such as level=3")
        shown = await server.shown(asking.optional("seed", seed), number)
        window = await asyncio.to_thread(places.view_window, shown, number, box)
        download.check_size(shown, number, window, server.limits)
        if server.downloads >= DOWNLOADS:
            raise Busy(f"{DOWNLOADS} views are being downloaded, the most at once", 10)
        server.downloads += 1
        try:
            pixels = await download.drawn(
                shown,
                number,
                window,
                lambda of, piece: server.result(request, works.pixels(shown, of, piece, client_of(request))),
            )
            content = await asyncio.to_thread(download.cog, shown, number, window, pixels)
        finally:
            server.downloads -= 1
        name = download.file_name(shown, number)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(
            content, media_type="image/tiff; application=geotiff; profile=cloud-optimized", headers=headers
        )

    return answer


def _waiting(server: Server) -> Answer:
    async def answer(request: Request) -> Response:
        """Say how much work of this client waits, how much of all, and what one map tile took lately."""
        drawn = server.metrics.value("map_tiles_drawn_total")
        seconds = server.metrics.value("drawing_seconds_total") / drawn if drawn else None
        return JSONResponse(
            {
                **server.drawing.load,
                "of_client": server.drawing.of_client(client_of(request)),
                "seconds_each": None if seconds is None else round(seconds / server.limits.workers, 3),
            }
        )

    return answer


def _health(server: Server) -> Answer:
    async def answer() -> Response:
        """Say that the server answers, and what it serves."""
        shown = await server.shown(None)
        told = {"status": "ok", "version": version(), "name": shown.name, "token": shown.token}
        return JSONResponse({**told, **server.drawing.load})

    return answer


def _metrics(server: Server) -> Answer:
    async def answer() -> Response:
        """Answer with counters in the text format of Prometheus."""
        return PlainTextResponse(
            server.metrics.text(server.drawing.load), media_type="text/plain; version=0.0.4"
        )

    return answer
