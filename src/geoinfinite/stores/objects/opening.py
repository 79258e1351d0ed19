"""From a path or URL to the objects of a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects.cloud import open_cloud, open_memory
from geoinfinite.stores.objects.local import LocalObjects
from geoinfinite.stores.objects.port import Objects

CLOUD = "s3", "s3a", "gs", "az", "azure", "abfs", "abfss"


def open_objects(url: str | Path, storage_options: Mapping[str, Any] | None = None) -> Objects:
    """Return the objects of the store at a path or URL; nothing is read or written yet.

    ``url`` is a local path, ``file:///PATH``, ``s3://BUCKET/PATH``, ``gs://...``, ``az://...`` or
    ``memory://NAME``. ``storage_options`` are settings of the service, such as ``endpoint``, ``region``
    and credentials. Raises `StoreError` for other URLs.

    >>> open_objects("memory://docs").create("a/b", b"1"), open_objects("memory://docs").get("a/b")
    (True, b'1')
    """
    if not isinstance(url, str | Path):
        raise StoreError(
            f"a {type(url).__name__} is neither a path nor a URL; give the path or URL of a store"
        )
    text, options = str(url), dict(storage_options or {})
    scheme = text.partition("://")[0].lower() if isinstance(url, str) and "://" in text else ""
    if scheme in CLOUD:
        return open_cloud(text, options)
    if options:
        raise StoreError(
            f"storage_options are for URLs such as s3://BUCKET/PATH, and {text!r} has none; leave them out"
        )
    if scheme == "memory":
        return open_memory(text)
    if scheme and scheme != "file":
        raise StoreError(f"{text!r}: {scheme}:// is not known; take a path, s3://, gs://, az:// or memory://")
    return LocalObjects(resolved(unquote(urlsplit(text).path) if scheme else url))


def resolved(path: str | Path) -> Path:
    """Return an absolute path whose own links are followed; raise `StoreError` for one that is none."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"{str(path)!r} is not a path: {error}; give the path of a store") from error
