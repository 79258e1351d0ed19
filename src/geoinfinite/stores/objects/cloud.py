"""A store in an object store: S3, Google Cloud Storage, Azure, or the memory of this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

from zarr.abc.store import Store

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects.port import checked
from geoinfinite.stores.objects.zarr_view import ZarrView

RETRIES: Mapping[str, Any] = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
"""How long a request is tried again, unless ``storage_options`` say otherwise."""
_SAME = {"key": "access_key_id", "secret": "secret_access_key", "token": "session_token"}
"""Options of fsspec's S3 that obstore names otherwise; those of obstore are passed on as they are."""
_APART = "client_options", "retry_config", "credential_provider", "config"


@dataclass(frozen=True, slots=True)
class CloudObjects:
    """The objects of a store below a prefix of a bucket; see `open_cloud`.

    Every object is one request and whole. There is no lock: two jobs on one store write equal bytes.
    """

    url: str
    bucket: Any = field(compare=False, repr=False)
    """obstore's store of the prefix; it carries the credentials, also to workers."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes of an object; ``None`` if it is not there."""
        try:
            with self._told(name):
                return bytes(self.bucket.get(self._name(name)).bytes())
        except FileNotFoundError:
            return None

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start``; raise `FileNotFoundError` if there is no object."""
        key = self._name(name)
        with self._told(name):
            try:
                found = bytes(self.bucket.get_range(key, start=start, length=length)) if length > 0 else b""
            except _obstore().exceptions.BaseError:
                found = b""
            if len(found) == length > 0:
                return found
            # Some services refuse ranges that end beyond the object, and none says how long it is.
            length = min(length, int(self.bucket.head(key)["size"]) - start)
            return bytes(self.bucket.get_range(key, start=start, length=length)) if length > 0 else b""

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object, unread; ``None`` if it is not there."""
        try:
            with self._told(name):
                return int(self.bucket.head(self._name(name))["size"])
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write an object; readers see the old bytes or the new ones, never a part."""
        with self._told(name, "written"):
            # One request: what is left of a killed upload in parts would stay, unseen, and cost money.
            self.bucket.put(self._name(name), data, use_multipart=False)

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that is not there, whole; ``False`` and nothing written if it is there."""
        errors = _obstore().exceptions
        with self._told(name, "written"):
            try:
                self.bucket.put(self._name(name), data, mode="create", use_multipart=False)
            except (errors.AlreadyExistsError, errors.PreconditionError):
                return False
            except errors.NotSupportedError:
                if self.size(name) is not None:
                    return False
                self.put(name, data)
        return True

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        with contextlib.suppress(FileNotFoundError), self._told(name, "deleted"):
            self.bucket.delete(self._name(name))

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the objects below ``prefix``, in no order."""
        with self._told(prefix, "listed"):
            for page in self.bucket.list(prefix.rstrip("/") or None):
                yield from (str(found["path"]) for found in page)

    def zarr_store(self) -> Store:
        """Return what zarr-python and xarray read the store through; it is read-only."""
        return ZarrView(self)

    @contextlib.contextmanager
    def writing(self, *, shared: bool = False) -> Iterator[None]:
        """Do nothing: object stores have no locks, and leave no part of an object."""
        yield

    def _name(self, name: str) -> str:
        return "/".join(checked(name))

    @contextlib.contextmanager
    def _told(self, name: str, done: str = "read") -> Iterator[None]:
        """Turn errors of obstore into `StoreError`; a missing object stays `FileNotFoundError`."""
        try:
            yield
        except (_obstore().exceptions.BaseError, FileNotFoundError) as error:
            if isinstance(error, FileNotFoundError) and done != "written":
                raise
            raise StoreError(
                f"{self.url}/{name} cannot be {done}: {_reason(error)}; "
                "check the address, the credentials and storage_options"
            ) from error


def open_cloud(url: str, options: Mapping[str, Any]) -> CloudObjects:
    """Open a prefix of a bucket; credentials come from ``options`` or, as obstore has it, the environment.

    ``options`` are those of obstore (``region``, ``endpoint``, ``access_key_id``, ``client_options``, ...)
    or the common ones of fsspec (``key``, ``secret``, ``token``, ``endpoint_url``, ``anon``).
    """
    stores = _obstore(url).store
    apart, rest = _sorted_out(options)
    try:
        bucket = stores.from_url(url, **apart, **rest)
    except (_obstore().exceptions.BaseError, ValueError, TypeError) as error:
        raise StoreError(
            f"{url} cannot be opened: {_reason(error)}; check the URL and storage_options"
        ) from error
    return CloudObjects(url.rstrip("/"), bucket)


def open_memory(url: str) -> MemoryObjects:
    """Open the objects that this process keeps under ``memory://NAME``; every call finds the same ones."""
    _obstore(url)
    return MemoryObjects(url.rstrip("/"), _memory(url.rstrip("/")))


class MemoryObjects(CloudObjects):
    """The objects of a store in the memory of one process."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.url, os.getpid())


def _reopened(url: str, process: int) -> MemoryObjects:
    if process != os.getpid():
        raise StoreError(
            f"{url} lives in the memory of one process; write it with threads, or to a folder or a bucket"
        )
    return open_memory(url)


@cache
def _memory(url: str) -> Any:
    # The memory of a process is one, so what it holds by name is kept once for the process.
    return _obstore(url).store.MemoryStore()


def _obstore(url: str = "") -> Any:
    """Return obstore, an optional dependency; raise `StoreError` if it is not installed."""
    try:
        found = import_module("obstore")
        import_module("obstore.store")
        import_module("obstore.exceptions")
    except ImportError as error:
        raise StoreError(f"{url} needs obstore; install it: pip install 'geoinfinite[cloud]'") from error
    return found


def _reason(error: Exception) -> str:
    """Return what obstore says in one line, without its account of every layer."""
    return " ".join(str(error).split("Debug source")[0].split())[:300]


def _sorted_out(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of obstore, and the settings of a service by obstore's names."""
    given = {_SAME.get(name, name): value for name, value in options.items()}
    client = dict(given.pop("client_kwargs", {}))
    endpoint = given.pop("endpoint_url", client.get("endpoint_url"))
    if endpoint is not None:
        given["endpoint"] = endpoint
    if "region_name" in client:
        given["region"] = client["region_name"]
    if given.pop("anon", False):
        given["skip_signature"] = True
    apart = {name: given.pop(name) for name in _APART if name in given}
    apart.setdefault("retry_config", dict(RETRIES))
    if str(given.get("endpoint", "")).startswith("http://"):
        # An address that says http is one that is meant to be read without TLS.
        apart["client_options"] = {"allow_http": True, **apart.get("client_options", {})}
    return apart, given
