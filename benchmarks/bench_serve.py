"""What the map server costs besides its network, and how it behaves with many clients at once.

Run ``python -m pytest benchmarks/bench_serve.py --benchmark-enable -s`` for single map tiles, and
``python benchmarks/bench_serve.py earth`` for a cold and a warm map tile at zoom 8, then 64 clients for 60
seconds, three of which ask for nonsense: answers by status, slowest answer, fewest answers of a client,
memory. The loads of other programs on the machine show in the seconds, hardly in the processor time.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import geoinfinite as gi
from geoinfinite.serve.app import make_app
from geoinfinite.serve.kept_tiles import KeptTiles
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.server import Server
from geoinfinite.serve.subject import ServedWorld

ALPS = "/tiles/WebMercatorQuad/8/133/91.png"
NONSENSE = (
    "/tiles/WebMercatorQuad/nan/0/0.png",
    "/tiles/WebMercatorQuad/9/1e30/0.png",
    "/tiles/..%2f..%2fetc/0/0/passwd",
    "/info?lon=nan&lat=1e300&z=3",
    "/view.tif?bounds=-180,-90,180,90&level=7",
    f"/tilejson.json?tms={'x' * 1500}",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    limits = Limits(workers=2)
    found = Server(ServedWorld(gi.World.load("analytic"), limits), limits, KeptTiles(tmp_path, 2**30))
    yield found
    found.close()


def test_warm_map_tile(benchmark: Any, server: Server) -> None:
    """A map tile that is kept on disk: aim 50 ms."""
    with TestClient(make_app(server), base_url="http://127.0.0.1") as api:
        assert api.get(ALPS).status_code == 200
        answer = benchmark(api.get, ALPS)
    assert answer.headers["x-cache"] == "hit"


def test_map_tile_of_a_free_network(benchmark: Any, server: Server) -> None:
    """A map tile that is drawn, of a network that is a formula: what the server and the rendering take."""
    seeds = iter(range(1000))

    def drawn() -> Any:
        return api.get(f"{ALPS}?seed={next(seeds)}")

    with TestClient(make_app(server), base_url="http://127.0.0.1") as api:
        answer = benchmark.pedantic(drawn, rounds=3, iterations=1)
    assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")


@dataclass
class Client:
    """One client that asks for map tiles, or for nonsense, until time is up."""

    number: int
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def run(self, address: str, until: float) -> None:
        """Ask again and again, noting what was answered and when."""
        turn = 0
        while time.monotonic() < until:
            turn += 1
            started = time.monotonic()
            self.statuses[self._ask(address + self._next(turn))] += 1
            self.seconds.append(time.monotonic() - started)

    def _next(self, turn: int) -> str:
        if self.number < 3:
            return NONSENSE[turn % len(NONSENSE)]
        # Every client walks east along a row of its own; a third of it was seen by a neighbour.
        x, y = 134 * 4 + turn + self.number % 7, 90 * 4 + self.number // 3
        return f"/tiles/WebMercatorQuad/10/{x}/{y}.png"

    def _ask(self, address: str) -> int:
        request = urllib.request.Request(address, headers={"X-Client": f"client-{self.number}"})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.read()
            return error.code
        except OSError:
            return 0


@contextmanager
def process(world: str, *options: str) -> Iterator[tuple[str, int, float]]:
    """Yield address, process and seconds to the first answer of a server with an empty cache."""
    code = "import sys; from geoinfinite.cli import main; sys.exit(main())"
    with tempfile.TemporaryDirectory() as cache:
        started = time.monotonic()
        command = [sys.executable, "-c", code, "serve", world, "--port", "0", "--cache", cache, *options]
        served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert served.stdout is not None
        try:
            lines = iter(served.stdout.readline, "")
            first = next(line for line in lines if "on a map" in line)
            next(line for line in lines if "stop with" in line)
            yield re.findall(r"http://[\d.:]+", first)[0], served.pid, time.monotonic() - started
        finally:
            served.terminate()
            served.wait(20)


def memory_mb(pid: int, name: str) -> float:
    """Return a line of /proc/PID/status in megabytes: VmRSS now, VmHWM at most."""
    found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def single_tiles(address: str, pid: int) -> None:
    """Print what a cold, a cold neighbouring and a warm map tile at zoom 8 take."""
    for name, path in (
        ("first, which loads the network", ALPS.replace("133/91", "70/100")),
        ("cold", ALPS),
        ("cold, beside it", ALPS.replace("133", "134")),
        ("warm", ALPS),
    ):
        before, started = cpu_seconds(pid), time.monotonic()
        with urllib.request.urlopen(address + path) as answer:
            answer.read()
            told = answer.headers["Server-Timing"]
        took, busy = time.monotonic() - started, cpu_seconds(pid) - before
        print(f"{name}: {took:.3f} s, {told}, {busy:.2f} s of processor time")


def many_clients(address: str, pid: int, count: int, seconds: float) -> None:
    """Print what so many clients at once were answered."""
    clients = [Client(number) for number in range(count)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client.run, args=(address, until)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    honest, hostile = clients[3:], clients[:3]
    answers = [sum(client.statuses.values()) for client in honest]
    times = sorted(took for client in honest for took in client.seconds)
    print(f"honest clients: {dict(sum((c.statuses for c in honest), Counter()))}")
    print(f"answers of one: {min(answers)} to {max(answers)}")
    print(f"seconds: median {times[len(times) // 2]:.2f}, slowest {times[-1]:.2f}")
    print(f"hostile clients: {dict(sum((c.statuses for c in hostile), Counter()))}")
    print(f"memory: {memory_mb(pid, 'VmRSS'):.0f} MB now, {memory_mb(pid, 'VmHWM'):.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", nargs="?", default="earth")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with process(options.world) as (address, pid, ready):
        print(f"answers {ready:.1f} s after its start, {memory_mb(pid, 'VmRSS'):.0f} MB")
        single_tiles(address, pid)
        many_clients(address, pid, options.clients, options.seconds)


if __name__ == "__main__":
    main()
