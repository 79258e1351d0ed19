"""Files beside a raster that decide its pixels or overviews: their names, and which of them are refused.

GDAL opens a mask or overviews in any format, and follows a raster's tags to overviews elsewhere: each could
name other files or addresses to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import RasterioIOError

from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import process_memo
from geoinfinite.rasters.quiet import placeless

TIFF = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"
"""The first bytes of a TIFF."""
_MASKS = ".msk", ".MSK"
_OVERVIEWS = ".ovr", ".OVR"


def names_beside(path: Path) -> Iterator[str]:
    """Yield the names of a mask, of GDAL's metadata and of world files."""
    bare = str(path).removesuffix(path.suffix)
    yield from map(str, _mask_files(path))
    yield f"{path}.aux.xml"
    yield from _hfa_names(path)
    ending = path.suffix.removeprefix(".")
    for name in (f"{ending[:1]}{ending[-1:]}w", f"{ending}w", "wld"):
        yield from (f"{bare}.{name.lower()}", f"{bare}.{name.upper()}")


def _hfa_names(path: Path) -> tuple[str, ...]:
    bare = str(path).removesuffix(path.suffix)
    return f"{path}.aux", f"{bare}.aux", f"{path}.AUX", f"{bare}.AUX"


def _mask_files(path: Path) -> tuple[Path, ...]:
    return tuple(Path(f"{path}{ending}") for ending in _MASKS)


def overview_files(path: Path) -> tuple[Path, ...]:
    """Return the names under which overviews of a raster and of its mask may lie beside it."""
    return tuple(Path(f"{path}{mask}{ending}") for mask in ("", *_MASKS) for ending in _OVERVIEWS)


def first_bytes(path: Path) -> bytes:
    """Return the bytes that tell formats apart."""
    with path.open("rb") as stream:
        return stream.read(4)


def check_mask(path: Path) -> None:
    """Raise `WorldError` for a mask file of another format than TIFF."""
    for mask in _mask_files(path):
        if mask.is_file() and process_memo.ask(mask, first_bytes) not in TIFF:
            raise WorldError(f"{mask} is not a TIFF, as masks of rasters are; remove it or write it anew")


def has_overviews(path: Path, dataset: Any) -> bool:
    """Say whether overviews of an open raster may be asked for: not where they could lie in an HFA file.

    Raises `WorldError` for overviews that are no TIFF, or that could name other files.
    """
    _check_tags(path, dataset)
    for file in filter(Path.is_file, overview_files(path)):
        if process_memo.ask(file, first_bytes) not in TIFF:
            raise WorldError(f"{file} is not a TIFF, as overviews of rasters are; remove it or write it anew")
        for further in (Path(f"{file}{ending}") for ending in (*_MASKS, *_OVERVIEWS)):
            if further.exists():
                raise WorldError(f"{further} is no part of a raster's overviews; remove it")
        _check_tags_of(file)
    check_mask(path)
    for mask in filter(Path.is_file, _mask_files(path)):
        _check_tags_of(mask)
    return not any(Path(name).exists() for name in _hfa_names(path))


def _check_tags_of(file: Path) -> None:
    try:
        with placeless(), rasterio.open(file.absolute(), driver="GTiff") as dataset:
            _check_tags(file, dataset)
    except RasterioIOError as error:
        raise WorldError(f"{file} is damaged ({shorten(str(error))}); write it anew") from error


def _check_tags(path: Path, dataset: Any) -> None:
    tags = [dataset.tags(ns="OVERVIEWS"), *(dataset.tags(i, ns="OVERVIEWS") for i in dataset.indexes)]
    if any("OVERVIEW_FILE" in tag.upper() for tags_of_one in tags for tag in tags_of_one):
        raise WorldError(
            f"{path} says that its overviews lie in another file, which is not read; remove them: "
            "rio convert SRC DST.tif"
        )
