"""The outputs that ``--out`` names, checked before anything is drawn for them."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.store import open_store
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.progress import bytes_text
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.map_archive import MapArchive, MapTiles
from geoinfinite.stores.files.mbtiles import write_mbtiles
from geoinfinite.stores.files.paths import FileIsThere, local_file
from geoinfinite.stores.files.pmtiles import write_pmtiles
from geoinfinite.stores.files.png import check_png, write_png
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.local import LocalObjects
from geoinfinite.stores.planning import Plan

HIGHEST_COMPRESSION = 20
"""More than any imagery but a flat one compresses losslessly."""

PICTURES: Mapping[str, Callable[..., Path]] = {
    ".tif": write_cog,
    ".tiff": write_cog,
    ".png": write_png,
    ".pmtiles": write_pmtiles,
    ".mbtiles": write_mbtiles,
}
ARCHIVES = ".pmtiles", ".mbtiles"
_OF_ARCHIVES = {
    "min_zoom": "min_zoom",
    "max_zoom": "max_zoom",
    "tile_size": "size",
    "tile_format": "image_format",
}
"""Options of the command line, and the fields of `MapTiles` that they give."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of pixels that is to be written."""

    path: Path
    """Where it will lie, links followed: its ending may be another than the one that was asked for."""
    out: str
    """What was asked for."""
    tiles: MapTiles
    """Which map tiles an archive holds."""

    @property
    def ending(self) -> str:
        """The ending of ``--out``, which says what kind of file it is."""
        return Path(self.out).suffix

    def check(self, plan: Plan) -> str | None:
        """Return what will be made besides drawing; raise an error for a window that it cannot hold."""
        if self.ending == ".png":
            check_png(plan)
        if self.ending not in ARCHIVES:
            return None
        archive = MapArchive.of(plan, self.tiles)
        return f"{self.out}: up to {archive.most:,} map tiles, zooms {archive.min_zoom} to {archive.max_zoom}"

    def write(self, plan: Plan, **options: Any) -> None:
        """Write a plan's finest level; options are those of `write_cog`."""
        if self.ending in ARCHIVES:
            options["tiles"] = self.tiles
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
    stores, pictures, tiles = [], [], _map_tiles(options)
    for out in options.out:
        suffix = Path(out).suffix
        if suffix == ".zarr":
            stores.append(_checked_store(options, out))
        elif suffix in PICTURES:
            pictures.append(Picture(_checked_picture(out, overwrite=options.overwrite), out, tiles))
        else:
            raise StoreError(
                f"--out={out}: the ending {suffix!r} is not one of .zarr, {', '.join(PICTURES)}; choose one"
            )
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


def _map_tiles(options: argparse.Namespace) -> MapTiles:
    """Return which map tiles are asked for; raise `StoreError` if nothing holds them."""
    given = {name: getattr(options, name) for name in _OF_ARCHIVES if getattr(options, name) is not None}
    if given and not any(Path(out).suffix in ARCHIVES for out in options.out):
        option = f"--{next(iter(given))}".replace("_", "-")
        raise StoreError(f"{option} is for .pmtiles and .mbtiles: leave it out, or add one with --out")
    return MapTiles(**{_OF_ARCHIVES[name]: value for name, value in given.items()})


def _checked_store(options: argparse.Namespace, out: str) -> Objects:
    store = open_store(options, out)
    if isinstance(store, LocalObjects):
        _check_folder(out, store.root)
    if options.overwrite and next(store.names(), None) is not None:
        raise OutputExists(
            "--overwrite is for files: a .zarr is resumed, never replaced; "
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
