"""``geoinfinite stac``: a STAC item for stores and files that are there."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

import xarray as xr

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.store import open_store, read_store
from geoinfinite.errors import StoreError
from geoinfinite.stores.entrypoint import StoreEntrypoint
from geoinfinite.stores.files.paths import FileIsThere
from geoinfinite.stores.files.stac import Described, write_stac

_WITH_VALUES = ".zarr", ".tif", ".tiff"


def run(options: argparse.Namespace) -> int:
    """Write an item that describes the pixels of some files, all of the same window."""
    named = [path for path in options.files if _ending(path) in _WITH_VALUES]
    if not named:
        raise StoreError(
            f"{options.files[0]} does not say which pixels it holds; name a .zarr or .tif of them too"
        )
    first, *others = [(path, _described(options, path)) for path in named]
    for path, described in others:
        if (described.token, described.level, described.window) != (
            first[1].token,
            first[1].level,
            first[1].window,
        ):
            raise StoreError(
                f"{path} holds other pixels than {first[0]}; write an item for each, one at a time"
            )
    out = options.out or _beside(named[0])
    hrefs = [_href(options.href, path) for path in options.files]
    made = None if options.datetime is None else _moment(options.datetime)
    try:
        write_stac(first[1], out, hrefs, made=made, overwrite=options.overwrite)
    except FileIsThere as error:
        raise OutputExists(f"{out} exists; choose another path with --out, or add --overwrite") from error
    print(f'wrote {out}; open it with pystac.Item.from_file("{out}")')
    return 0


def _beside(path: str) -> str:
    """Return the item's path: beside a file, in the current folder for a URL."""
    local = Path(path.rstrip("/"))
    return str((Path(local.name) if "://" in path else local).with_suffix(".json"))


def _ending(path: str) -> str:
    return Path(path.rstrip("/")).suffix


def _described(options: argparse.Namespace, path: str) -> Described:
    where: Any = path
    if _ending(path) == ".zarr":
        store = open_store(options, path)
        read_store(store)
        where = store.zarr_store()
    with xr.open_dataset(where, engine=StoreEntrypoint) as dataset:
        return Described.of(dataset["image"])


def _href(base: str | None, path: str) -> str:
    if base is None or "://" in path:
        return path
    return f"{base.rstrip('/')}/{Path(path.rstrip('/')).name}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise StoreError(
            f"--datetime={text!r} is not a date and time; write one such as 2026-06-01T10:30:00Z"
        ) from error
