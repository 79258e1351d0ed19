"""Untrusted raster files: which files belong to one, which formats are opened, the digest of the content.

Nothing but the formats of `DRIVERS` is opened, so that no file can name other files or addresses to read.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioIOError

from geoinfinite.errors import WorldError, in_full, shorten
from geoinfinite.file_memo import FileState, file_digest, process_memo
from geoinfinite.rasters.beside import TIFF, check_mask, first_bytes, names_beside
from geoinfinite.rasters.quiet import placeless
from geoinfinite.token import token

DRIVERS = {**dict.fromkeys(TIFF, "GTiff"), b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}
"""GDAL's drivers for files that hold all their pixels themselves, by their first bytes; a COG is a GTiff."""
OPTIONS: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": True,  # A folder may hold a million files.
    "GDAL_GEOREF_SOURCES": "PAM,INTERNAL,WORLDFILE",
}
"""GDAL's configuration while a raster is opened and read."""
_LARGEST_XML = 2**20
_DEEPEST_XML = 32

States = tuple[FileState, ...]
"""The files that make up a raster, its own first, as they stood; also those that were not there."""


def states(path: Path) -> States:
    """Return the state of a raster's file, and of those that may lie beside it and decide its pixels."""
    return tuple(FileState.or_absent(Path(name)) for name in (str(path), *names_beside(path)))


def open_raster(path: Path, named: str, *, overview: int | None = None, instead: str = "") -> Any:
    """Return a rasterio dataset; raise `WorldError` for a file that is missing or not of a known format.

    ``named`` is the argument as the user typed it, with its value; ``instead`` what else may be named.
    ``overview`` opens one of the file's overviews, 0 the finest.
    """
    if not os.path.isfile(path):
        raise WorldError(
            f"{named} does not exist (looked for {in_full(str(path))}); name a raster file{instead}"
        )
    check_mask(path)
    driver = _driver(path, named)
    try:
        options = {} if overview is None else {"overview_level": overview}
        with placeless(), rasterio.Env(**OPTIONS):
            return rasterio.open(path.absolute(), driver=driver, **options)
    except RasterioIOError as error:
        raise WorldError(
            f"{named} is not a raster that can be read ({shorten(str(error))}): it is damaged; copy it again"
        ) from error


@contextmanager
def header_of(path: Path, named: str, instead: str = "") -> Iterator[Any]:
    """Open a file as `open_raster` does, to read its header; raise `WorldError` if it breaks off there.

    A file that is cut short may open: what lies at its end is looked for when its header is asked for it.
    """
    try:
        with open_raster(path, named, instead=instead) as dataset, rasterio.Env(**OPTIONS):
            yield dataset
    except CPLE_BaseError as error:
        raise WorldError(f"{named} is truncated or damaged ({shorten(str(error))}); copy it again") from error


def _driver(path: Path, named: str) -> str:
    try:
        head = process_memo.ask(path, first_bytes)
    except OSError as error:
        raise WorldError(f"{named} cannot be read ({error.strerror}); see to its permissions") from error
    driver = next((name for magic, name in DRIVERS.items() if head.startswith(magic)), None)
    if not head:
        raise WorldError(f"{named} is empty; copy it again")
    if driver is None:
        raise WorldError(
            f"{named} is not a raster that can be read: not GeoTIFF, PNG or JPEG, which hold all of their "
            "pixels themselves; convert it: rio convert SRC DST.tif"
        )
    return driver


def content_digest(path: Path, own: str | None = None) -> str:
    """Return the name of a raster's content, wherever it lies: of its file and of what lies beside it.

    ``own`` is the sha256 of the file itself, where that is known already.
    """
    own = own or file_digest(path)
    beside = {}
    for state in filter(lambda state: state.exists, states(path)[1:]):
        name = str(state.path)
        digest = _metadata_digest(state.path) if name.endswith(".aux.xml") else file_digest(state.path)
        if digest is not None:
            beside[name.removeprefix(str(path).removesuffix(path.suffix))] = digest
    return token([own, beside]) if beside else own


def _metadata_digest(path: Path) -> str | None:
    """Return the name of what GDAL's metadata say of pixels and their place; ``None`` if that is nothing.

    Statistics and histograms, which viewers write beside a raster that they show, say nothing of either.
    """
    if path.stat().st_size > _LARGEST_XML:
        raise WorldError(f"{path} is larger than {_LARGEST_XML} bytes; remove it, GDAL writes it anew")
    said: list[Any] = []
    inside: list[Any] = []
    try:
        for event, element in ElementTree.iterparse(BytesIO(path.read_bytes()), ("start", "end")):
            if event == "start":
                inside.append([element.tag, sorted(element.items())])
                if len(inside) > _DEEPEST_XML:
                    raise WorldError(f"{path} is nested too deep; remove it, GDAL writes it anew")
                continue
            text = (element.text or "").strip()
            if text and not any(tag == "Histograms" or _is_statistic(items) for tag, items in inside):
                said.append([*inside, text])
            inside.pop()
    except ElementTree.ParseError as error:
        raise WorldError(f"{path} is damaged ({error}); remove it, GDAL writes it anew") from error
    return token(said) if said else None


def _is_statistic(items: list[tuple[str, str]]) -> bool:
    return dict(items).get("key", "").startswith("STATISTICS_")
