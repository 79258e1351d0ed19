"""Objects that fail, or at which the power is cut, at an operation of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from zarr.abc.store import Store

from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.zarr_view import ZarrView

Told = Callable[[str, str], None]
"""Hears of an operation, as ``("put", "2/image/c/0/0/0")``; what it raises comes out of the operation."""


class PowerCut(BaseException):
    """What no handler expects."""


def nothing(operation: str, name: str) -> None:
    """Let an operation pass."""


@dataclass(frozen=True, slots=True)
class FaultyObjects:
    """The objects of a store, whose operations are told to the test before and after they are done."""

    inner: Objects
    before: Told = nothing
    after: Told = nothing

    @property
    def url(self) -> str:
        return self.inner.url

    def _do(self, operation: str, name: str, *rest: Any) -> Any:
        self.before(operation, name)
        result = getattr(self.inner, operation)(name, *rest)
        self.after(operation, name)
        return result

    def get(self, name: str) -> bytes | None:
        return self._do("get", name)  # type: ignore[no-any-return]

    def get_range(self, name: str, start: int, length: int) -> bytes:
        return self._do("get_range", name, start, length)  # type: ignore[no-any-return]

    def size(self, name: str) -> int | None:
        return self._do("size", name)  # type: ignore[no-any-return]

    def put(self, name: str, data: bytes) -> None:
        self._do("put", name, data)

    def create(self, name: str, data: bytes) -> bool:
        return self._do("create", name, data)  # type: ignore[no-any-return]

    def delete(self, name: str) -> None:
        self._do("delete", name)

    def names(self, prefix: str = "") -> Iterator[str]:
        self.before("names", prefix)
        yield from self.inner.names(prefix)

    def zarr_store(self) -> Store:
        return ZarrView(self)

    def writing(self, *, shared: bool = False) -> AbstractContextManager[None]:
        return self.inner.writing(shared=shared)


class Nth:
    """Raises an error at the ``n``-th write, counted from 0, among objects whose names it chooses."""

    def __init__(
        self, n: int, error: BaseException, chosen: Callable[[str], bool] = lambda name: True
    ) -> None:
        self.n, self.error, self.chosen, self.count = n, error, chosen, 0

    def __call__(self, operation: str, name: str) -> None:
        if operation not in ("put", "create") or not self.chosen(name):
            return
        self.count += 1
        if self.count > self.n:
            raise self.error
