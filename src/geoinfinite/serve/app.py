"""The application: routes, the map page, refusals in one line, and headers that keep a page to itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoinfinite.errors import GeoInfiniteError, shorten
from geoinfinite.provenance import version
from geoinfinite.serve.metrics import Metrics
from geoinfinite.serve.refusals import Refused, status_of
from geoinfinite.serve.routes import Answer, answers
from geoinfinite.serve.server import Server

PAGE = Path(__file__).parent / "page"
LONGEST = 2048
"""Characters of the longest address that is read."""
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine: a server on it answers to no other, so that no foreign page can reach it by one."""
_LOG = logging.getLogger(__name__)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; worker-src blob:; child-src blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def make_app(server: Server, *, hosts: frozenset[str] | None = LOCAL) -> ASGIApp:
    """Return the application of a server; ``hosts`` are the names that it answers to, ``None`` for all."""
    app = FastAPI(title="geoinfinite", version=version(), docs_url=None, redoc_url=None)
    # Not by a router, whose routes FastAPI reads again at the first request: it changes the filters of
    # warnings then, which belong to the process, while other threads load the network.
    pages = {path: _file(file) for path, file in _files().items()}
    for path, answer in {**answers(server), **pages}.items():
        app.add_api_route(path, answer, methods=["GET"], response_model=None, name=path)
    app.add_exception_handler(GeoInfiniteError, _refused)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(ExceptionGroup, _first_refused)
    return Guarded(app, server.metrics, hosts)


def _files() -> dict[str, Path]:
    """Return the files of the page by their address; MapLibre's come from the package that carries them."""
    spec = find_spec("maplibre")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parent / "srcjs"
    files = {
        f"/{file.name}": file for file in sorted(PAGE.iterdir()) if file.suffix in (".css", ".js", ".svg")
    }
    return {
        "/": PAGE / "index.html",
        "/maplibre-gl.js": library / "maplibre-gl.js",
        "/maplibre-gl.css": library / "maplibre-gl.css",
        **files,
    }


def _file(path: Path) -> Answer:
    async def answer() -> Response:
        """Answer with a file of the map page."""
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    return answer


def one_line(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that is refused."""
    return JSONResponse({"error": " ".join(reason.split())}, status, headers=dict(headers or {}))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, GeoInfiniteError)
    headers = error.headers if isinstance(error, Refused) else {}
    return one_line(status_of(error), str(error), headers)


async def _first_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExceptionGroup)
    first = error.exceptions[0]
    if isinstance(first, GeoInfiniteError):
        return await _refused(request, first)
    raise first


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {shorten(request.url.path)}"
    known = {404: "there is nothing here; the map is at /", 405: "only GET is answered"}
    return one_line(error.status_code, f"{what}: {known.get(error.status_code, error.detail)}", error.headers)


async def _not_valid(_: Request, error: Exception) -> Response:
    return one_line(400, shorten(str(error), 200))


class Guarded:
    """An application that counts requests and answers nothing that is too long or meant for another host."""

    def __init__(self, app: ASGIApp, metrics: Metrics, hosts: frozenset[str] | None) -> None:
        self._app, self._metrics, self._hosts = app, metrics, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        began = False

        async def counted(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                self._metrics.add("requests_total", route=_route(scope), status=message["status"])
                said = [(key.lower().encode(), value.encode()) for key, value in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *said]}
            await send(message)

        try:
            await (refusal or self._app)(scope, receive, counted)
        except Exception as error:
            _LOG.exception("a request failed")
            if began:
                raise
            failed = one_line(500, f"unexpected {type(error).__name__}; the server's log says more")
            await failed(scope, receive, counted)

    def _refusal(self, scope: Scope) -> Response | None:
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST:
            return one_line(414, f"an address has at most {LONGEST} characters")
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
        if self._hosts is not None and name not in self._hosts:
            return one_line(
                421,
                f"host {shorten(name)!r} is not this machine's; start the server with --host to be reached",
            )
        return None


def _route(scope: Scope) -> str:
    """Return what is asked for, of a few words: an address has no place in a counter."""
    first = scope["path"].strip("/").partition("/")[0]
    known = {"tiles", "info", "view.tif", "health", "metrics", "waiting", "tilejson.json", "wmts.xml"}
    return first if first in known else "page" if scope["method"] == "GET" and "route" in scope else "other"
