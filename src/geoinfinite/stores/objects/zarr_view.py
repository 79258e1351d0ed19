"""The objects of a store as zarr-python sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Protocol

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.buffer.core import default_buffer_prototype

_BATCH = 1000
"""Names fetched from a listing at once."""


class Readable(Protocol):
    """The operations of `Objects` that reading needs."""

    @property
    def url(self) -> str:
        """The store as people name it."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes of an object; ``None`` if it is not there."""

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start``."""

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object; ``None`` if it is not there."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the objects below a prefix."""


class ZarrView(Store):
    """A read-only Zarr store on the objects of a store."""

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, objects: Readable) -> None:
        super().__init__(read_only=True)
        self.objects = objects

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZarrView) and self.objects == other.objects

    def __str__(self) -> str:
        return self.objects.url

    def __repr__(self) -> str:
        return f"ZarrView({self.objects.url!r})"

    def with_read_only(self, read_only: bool = False) -> ZarrView:
        """Return the same view; raise `ValueError` unless it is to be read only."""
        if not read_only:
            raise ValueError("shards are written whole by geoinfinite; zarr only reads them")
        return ZarrView(self.objects)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them."""
        buffer = (prototype or default_buffer_prototype()).buffer
        data = await asyncio.to_thread(self._read, key, byte_range)
        return None if data is None else buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return ranges of several keys."""
        return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))

    async def exists(self, key: str) -> bool:
        """Say whether a key is there."""
        return await asyncio.to_thread(self.objects.size, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse to write."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Refuse to delete."""
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        """Yield every key."""
        async for name in self.list_prefix(""):
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys that begin with a prefix."""
        folder = prefix[: prefix.rfind("/") + 1]
        found = self.objects.names(folder)
        while names := await asyncio.to_thread(_take, found):
            for name in names:
                if name.startswith(prefix):
                    yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names directly below a folder."""
        folder = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        seen: set[str] = set()
        async for name in self.list_prefix(folder):
            child = name[len(folder) :].partition("/")[0]
            if child not in seen:
                seen.add(child)
                yield child

    def _read(self, key: str, part: ByteRequest | None) -> bytes | None:
        if part is None:
            return self.objects.get(key)
        try:
            if isinstance(part, RangeByteRequest):
                return self.objects.get_range(key, part.start, part.end - part.start)
            size = self.objects.size(key) or 0
            if isinstance(part, OffsetByteRequest):
                return self.objects.get_range(key, part.offset, max(0, size - part.offset))
            return self.objects.get_range(key, max(0, size - part.suffix), part.suffix)
        except FileNotFoundError:
            return None


def _take(names: Iterator[str]) -> list[str]:
    return list(islice(names, _BATCH))
