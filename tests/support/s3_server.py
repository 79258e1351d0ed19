"""A server that speaks S3, for tests: moto's, over HTTP on loopback, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where the server listens, and what its clients must say."""

    address: str

    @property
    def options(self) -> dict[str, Any]:
        """The storage options of its clients."""
        return {
            "endpoint": self.address,
            "region": "us-east-1",
            "access_key_id": "anybody",
            "secret_access_key": "anything",
        }

    def bucket(self, name: str) -> str:
        """Make a bucket and return its URL."""
        request = urllib.request.Request(f"{self.address}/{name}", method="PUT")
        with urllib.request.urlopen(request, timeout=30):
            return f"s3://{name}"


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server until the caller is done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    # A proxy of the environment must not stand between the test and its own server.
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server)
        yield S3Server(address)
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{address}/moto-api/data.json", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if server.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("moto's server did not start") from error
            time.sleep(0.05)
