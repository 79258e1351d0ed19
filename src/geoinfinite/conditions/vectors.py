"""Vector files: which are opened, and polygons with attributes that are read whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import FileState, process_memo

LARGEST = 2**28
"""Bytes of a file that is read whole, once."""
_MAGIC = {b"SQLi": "GPKG", b"fgb\x03": "FlatGeobuf", b"PAR1": "Parquet"}


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of a file: geometries with attributes."""

    named: str
    """The setting that names the file, for errors."""
    ids: NDArray[np.int64]
    """The file's own numbers of its features."""
    geometries: NDArray[Any]
    """Shapely geometries; those of `read_features` are polygons and collections of them, with an area."""
    attributes: dict[str, NDArray[Any]]
    crs: str


def read_features(path: Path, named: str) -> Features:
    """Return the polygons of a GeoPackage, FlatGeobuf, GeoJSON or Parquet file, kept while it stands.

    Raises `WorldError` for a file that is missing, too large, of another format, without a CRS, or with a
    feature that has no area.
    """
    state = FileState.or_absent(path)
    if not state.exists:
        raise absent(path, named, "polygons")
    if state.size > LARGEST:
        raise WorldError(
            f"{named} has {state.size / 2**20:.0f} MiB, of {LARGEST // 2**20} at most, as it is read whole; "
            "simplify it, or cut out what the world covers: ogr2ogr -clipsrc W S E N DST SRC"
        )
    return _features(path, named, state)


@lru_cache(maxsize=8)
def _features(path: Path, named: str, state: FileState) -> Features:
    shapely, pyogrio = shapely_module(), pyogrio_module()
    driver = checked_driver(path, named)
    try:
        facts, fids, raw, columns = pyogrio.raw.read(gdal_name(path, driver), return_fids=True)
    except Exception as error:
        raise damaged(named, error) from error
    if raw is None:
        raise WorldError(f"{named} has no geometries; name a file of polygons")
    if facts["crs"] is None:
        raise without_crs(named)
    sound = mended(shapely.from_wkb(raw))
    flat = [i for i, area in enumerate(shapely.area(sound)) if not area > 0]
    if flat:
        raise WorldError(
            f"{named}: feature {fids[flat[0]]} has no area; regions are polygons: remove it, or buffer it"
        )
    attributes = dict(zip(facts["fields"], columns, strict=True))
    return Features(named, fids, sound, attributes, str(facts["crs"]))


def mended(geometries: NDArray[Any]) -> Any:
    """Return geometries without heights and without lines that cross; parts without an area are left out."""
    shapely = shapely_module()
    return shapely.make_valid(shapely.force_2d(geometries), method="structure", keep_collapsed=False)


def is_sound(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which geometries are there and valid.

    ``shapely.is_valid`` changes the filters of warnings, which belong to all threads.
    """
    return np.asarray(shapely_module().is_valid_reason(geometries) == "Valid Geometry")


def checked_driver(path: Path, named: str) -> str:
    """Return the driver of a file; raise `WorldError` for a format that could name other files to read."""
    head = process_memo.ask(path, _first_bytes)
    if head not in _MAGIC and not head.lstrip().startswith(b"{"):
        raise _other_format(named)
    driver = _MAGIC.get(head, "GeoJSON")
    if driver not in pyogrio_module().list_drivers(read=True):
        raise WorldError(
            f"{named} is a {driver} file, which the GDAL of this pyogrio cannot read; convert it: "
            "geopandas.read_parquet(SRC).to_file('DST.gpkg')"
        )
    return driver


def gdal_name(path: Path, driver: str) -> str:
    """Return what GDAL opens: of a JSON file with its driver, as others would follow what it names."""
    return f"GeoJSON:{path}" if driver == "GeoJSON" else str(path)


def absent(path: Path, named: str, what: str) -> WorldError:
    """Return the error for a file that is not there."""
    return WorldError(f"{named} does not exist (looked for {path}); name a file of {what}")


def damaged(named: str, error: Exception) -> WorldError:
    """Return the error for a file that cannot be read."""
    return WorldError(f"{named} cannot be read ({shorten(str(error))}); it is damaged: copy it again")


def without_crs(named: str) -> WorldError:
    """Return the error for a file without a CRS."""
    return WorldError(f"{named} has no CRS; write one into it: ogr2ogr -a_srs EPSG:4326 DST SRC")


def _other_format(named: str) -> WorldError:
    return WorldError(
        f"{named} is not a GeoPackage, FlatGeobuf, GeoJSON or Parquet file; convert it: ogr2ogr DST.gpkg SRC"
    )


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def shapely_module() -> Any:
    """Return shapely; raise `WorldError` that names the extra where it is not installed."""
    return _module("shapely")


def pyogrio_module() -> Any:
    """Return pyogrio; raise `WorldError` that names the extra where it is not installed."""
    return _module("pyogrio")


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise WorldError(
            f"conditions that read vectors need {name}, which is not installed: "
            "pip install 'geoinfinite[vector]'"
        ) from error
