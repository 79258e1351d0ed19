"""Runs a server on a port until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from geoinfinite.serve.app import LOCAL, make_app
from geoinfinite.serve.refusals import NotServed
from geoinfinite.serve.server import Server

IDLE_S = 20
"""Seconds after which a connection that asks for nothing is closed."""
STOP_S = 2
"""Seconds that requests have to end when the server is stopped."""


Stop = Callable[[], None]
"""Ends a server, from any thread."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A port that is this server's."""

    socket: socket.socket
    host: str

    @classmethod
    def on(cls, host: str, port: int) -> Listening:
        """Take a port, 0 for any that is free; raise `NotServed` where that cannot be."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
        except (OSError, OverflowError) as error:
            taken.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise NotServed(
                f"--host={host} --port={port} cannot be listened on ({reason}): take another port, or "
                "--port=0 for one that is free"
            ) from error
        return cls(taken, host)

    @property
    def address(self) -> str:
        """The address of the map page."""
        port = self.socket.getsockname()[1]
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{name}]' if ':' in name and '[' not in name else name}:{port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")


def run(server: Server, listening: Listening, ready: Callable[[Stop], None]) -> None:
    """Answer requests until the process is interrupted, or until what ``ready`` is given is called.

    ``ready`` is called once, when the first request can be answered.
    """
    hosts = LOCAL | {listening.host.lower()} if listening.is_local else None
    config = uvicorn.Config(
        make_app(server, hosts=hosts),
        log_level="warning",
        access_log=False,
        limit_concurrency=server.limits.connections,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOP_S,
        server_header=False,
        lifespan="off",
        ws="none",
    )
    try:
        _Announced(config, ready).run(sockets=[listening.socket])
    finally:
        server.close()


class _Announced(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[Stop], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready(self._stop)

    def _stop(self) -> None:
        self.should_exit = True
