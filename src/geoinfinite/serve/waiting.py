"""Work that waits: round robin over hosts and over the clients of a host, in order for each of them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from geoinfinite.plane.window import Window
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.refusals import Busy
from geoinfinite.serve.subject import Shown
from geoinfinite.views.map_reading import ReadWindow

Client = tuple[str, str]
"""The address of a host, and the name that a client on it gives itself."""
CLIENTS_OF_A_HOST = 256
"""Clients of one host that are told apart; those beyond share a turn."""


@dataclass(slots=True, eq=False)
class Work:
    """One window to draw and what to make of it; several requests may wait for the same."""

    key: Hashable
    """Work of equal keys is done once."""
    shown: Shown
    locate: Callable[[], tuple[int, Window]]
    """Returns level and window, and refuses what costs too much; called by the thread that draws."""
    finish: Callable[[ReadWindow], Any]
    """Makes the result, given how to read the level."""
    client: Client = ("", "")
    share: int = 1
    """How much of a batch it takes; a map tile is 1."""
    waiters: int = 0
    """Requests that wait for it; work for which nobody waits is given up."""
    future: Future[Any] = field(default_factory=Future)


class WaitingWork:
    """A bounded queue in which every client has its turn, however much another one asks for.

    It belongs to one lock, which its owner holds.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._hosts: OrderedDict[str, OrderedDict[str, deque[Work]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, work: Work) -> None:
        """Add work at the end of its client's line; raise `Busy` where too much waits."""
        if self._count >= self._limits.waiting:
            raise Busy(f"{self._count} pieces of work wait, the most that may", 2)
        host, name = work.client
        clients = self._hosts.setdefault(host, OrderedDict())
        if name not in clients and len(clients) >= CLIENTS_OF_A_HOST:
            work.client = host, name = host, ""
        line = clients.setdefault(name, deque())
        if len(line) >= self._limits.waiting_each:
            raise Busy(f"{len(line)} pieces of work of this client wait, the most that may", 2)
        line.append(work)
        self._count += 1

    def take(self, most: int) -> list[Work]:
        """Remove and return work that can be drawn together, at most so much, by whose turn it is.

        There is one piece at least, unless nothing waits.
        """
        taken: list[Work] = []
        while self._count:
            host, clients = next(iter(self._hosts.items()))
            name, line = next(iter(clients.items()))
            full = sum(work.share for work in taken) + line[0].share > most
            if taken and (full or line[0].shown is not taken[0].shown):
                break
            taken.append(line.popleft())
            self._count -= 1
            clients.move_to_end(name)
            self._hosts.move_to_end(host)
            self._tidy(host, name)
        return taken

    def remove(self, work: Work) -> bool:
        """Remove work that nobody waits for any more; False if it was taken already."""
        host, name = work.client
        line = self._line(work.client)
        if work not in line:
            return False
        line.remove(work)
        self._count -= 1
        self._tidy(host, name)
        return True

    def of_client(self, client: Client) -> int:
        """Return how much work of a client waits."""
        return len(self._line(client))

    def _line(self, client: Client) -> deque[Work]:
        clients = self._hosts.get(client[0])
        return deque() if clients is None else clients.get(client[1], deque())

    def _tidy(self, host: str, name: str) -> None:
        clients = self._hosts[host]
        if not clients[name]:
            del clients[name]
        if not clients:
            del self._hosts[host]


def crop(pixels: NDArray[Any], held: Window) -> ReadWindow:
    """Return how to read windows within pixels that are at hand."""

    def read(window: Window) -> NDArray[Any]:
        return pixels[:, *window.slices(held)]

    return read


def all_given_up(works: Sequence[Work]) -> bool:
    """Say whether nobody waits for any of some work."""
    return all(work.waiters == 0 for work in works)
