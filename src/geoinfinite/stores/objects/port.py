"""The few operations that a store needs of whatever keeps its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from zarr.abc.store import Store

from geoinfinite.errors import StoreError


@runtime_checkable
class Objects(Protocol):
    """The bytes of one store, by name, as ``"2/image/c/0/0/0"``.

    Instances are small, compare by what they name, and are pickled with every task. Every operation
    raises `StoreError` for a name that leaves the store, and for a place that cannot be reached.
    """

    @property
    def url(self) -> str:
        """The store as people name it: an absolute path, or a URL."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes of an object; ``None`` if it is not there."""

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start``; raise `FileNotFoundError` if there is no object."""

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object, unread; ``None`` if it is not there."""

    def put(self, name: str, data: bytes) -> None:
        """Write an object; readers see the old bytes or the new ones, never a part."""

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that is not there, whole; ``False`` and nothing written if it is there.

        Of several callers at once exactly one gets ``True``, where the service has conditional writes.
        """

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the objects below ``prefix``, which ends with ``/`` or is empty; in no order."""

    def zarr_store(self) -> Store:
        """Return what zarr-python and xarray read the store through; it is read-only."""

    def writing(self, *, shared: bool = False) -> AbstractContextManager[None]:
        """Hold the store for one writing job until it ends or dies; what a killed one left is removed.

        Raises `StoreError` if another job holds it; with ``shared``, only if that one is not shared.
        Where a service has no locks, writers are not kept apart: objects are whole, and equal.
        """


def checked(name: str) -> list[str]:
    """Return the parts of a name; raise `StoreError` for one that leaves the store.

    >>> checked("2/image/zarr.json")
    ['2', 'image', 'zarr.json']
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise StoreError(f"name={name!r} is not the name of an object: take parts joined by single '/'")
    return parts
