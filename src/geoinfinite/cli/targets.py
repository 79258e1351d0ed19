"""The outputs that ``--out`` names, checked before anything is drawn for them."""

from __future__ import annotations

import argparse
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.store import open_store
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.progress import bytes_text
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.paths import FileIsThere, local_file
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.local import LocalObjects
from geoinfinite.stores.planning import Plan

HIGHEST_COMPRESSION = 20
"""More than any imagery but a flat one compresses losslessly."""

PICTURES = {".tif": write_cog, ".tiff": write_cog, ".png": write_png}


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of pixels that is to be written."""

    path: Path
    """Where it will lie, links followed: its ending may be another than the one that was asked for."""
    out: str
    """What was asked for."""

    @property
    def ending(self) -> str:
        """The ending of ``--out``, which says what kind of file it is."""
        return Path(self.out).suffix

    def write(self, plan: Plan, **options: Any) -> None:
        """Write a plan's finest level; options are those of `write_cog`."""
        try:
            PICTURES[self.ending](plan, self.path, **options)
        except FileIsThere as error:
            # Another process wrote it in the meantime.
            raise _exists(self.out) from error


@dataclass(frozen=True, slots=True)
class Targets:
    """What a command writes: at most one store, and any number of pictures."""

    store: Objects | None
    pictures: tuple[Picture, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Where the pictures will lie."""
        return tuple(picture.path for picture in self.pictures)


def check_targets(options: argparse.Namespace) -> Targets:
    """Return what is to be written; raise `StoreError` for an output that cannot be written."""
    stores, pictures = [], []
    for out in options.out:
        suffix = Path(out).suffix
        if suffix == ".zarr":
            stores.append(_checked_store(options, out))
        elif suffix in PICTURES:
            pictures.append(Picture(_checked_picture(out, overwrite=options.overwrite), out))
        else:
            raise StoreError(f"--out={out}: the ending {suffix!r} is not .zarr, .tif or .png; choose one")
        names = [store.url for store in stores] + [picture.path for picture in pictures]
        if len(set(names)) < len(names):
            raise StoreError(f"--out={out} is given twice; leave one out")
    if len(stores) > 1:
        first, second, *_ = (out for out in options.out if Path(out).suffix == ".zarr")
        raise StoreError(f"--out names two stores, {first} and {second}; name one, and copy it")
    index, count = options.part
    if count > 1 and pictures:
        raise StoreError(
            f"--part={index}/{count} is for a .zarr alone: {pictures[0].path.name} needs all parts; "
            "leave it out, and render it when they are drawn, with --out of the same .zarr"
        )
    return Targets(stores[0] if stores else None, tuple(pictures))


def _checked_store(options: argparse.Namespace, out: str) -> Objects:
    store = open_store(options, out)
    if isinstance(store, LocalObjects):
        _check_folder(out, store.root)
    if options.overwrite and next(store.names(), None) is not None:
        raise OutputExists(
            "--overwrite is for .tif and .png: a .zarr is resumed, never replaced; "
            f"leave it out, or delete {out} first"
        )
    return store


def _checked_picture(out: str, *, overwrite: bool) -> Path:
    path = Path(out).expanduser()
    if "://" not in out:
        _check_folder(out, path)
        if path.is_dir():
            raise OutputExists(f"--out={out} is a folder; choose another path, or delete it first")
        if path.is_file() and not overwrite:
            raise _exists(out)
    return local_file(out, name=f"--out={out}")


def _exists(out: str) -> OutputExists:
    return OutputExists(f"--out={out} exists; choose another path, or add --overwrite")


def _check_folder(out: str, path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreError(
            f"--out={out}: the folder {folder} does not exist; create it: mkdir -p {shlex.quote(str(folder))}"
        )


def check_space(path: Path, plan: Plan) -> None:
    """Refuse what would not fit on the disk however well it compressed."""
    free = shutil.disk_usage(path.parent).free
    if plan.bytes > HIGHEST_COMPRESSION * free:
        raise BudgetError(
            f"{path.name} would hold {bytes_text(plan.bytes)} of pixels before compression, {path.parent} "
            f"has {bytes_text(free)} free; take a smaller --bbox or a lower --level"
        )
