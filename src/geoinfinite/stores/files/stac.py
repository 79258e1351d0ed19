"""A window as a STAC item: what catalogues read of it, and where its files are."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import xarray as xr

from geoinfinite.arrays.attributes import PROVENANCE
from geoinfinite.arrays.index import GridIndex
from geoinfinite.errors import StoreError
from geoinfinite.plane.crs import parse_crs
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC
from geoinfinite.stores.files.assembling import Target, published
from geoinfinite.stores.files.footprint import footprint

_EXTENSIONS = "https://stac-extensions.github.io/{}/schema.json"
_COLOURS = "red", "green", "blue"
_GEOTIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an asset is by the ending of its file."""

    key: str
    media_type: str
    roles: tuple[str, ...]
    has_values: bool = False
    """Whether it holds the values themselves, band by band, and not a picture of them."""


_KINDS = {
    ".zarr": _Kind("zarr", "application/vnd.zarr; version=3", ("data",), has_values=True),
    ".tif": _Kind("cog", _GEOTIFF, ("data",), has_values=True),
    ".tiff": _Kind("cog", _GEOTIFF, ("data",), has_values=True),
    ".png": _Kind("picture", "image/png", ("overview",)),
    ".pmtiles": _Kind("pmtiles", "application/vnd.pmtiles", ("visual",)),
    ".mbtiles": _Kind("mbtiles", "application/vnd.sqlite3", ("visual",)),
}


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of a window: its pixels on the grid, its bands, and its provenance."""

    grid: Grid
    level: int
    window: Window
    bands: tuple[str, ...]
    dtype: str
    provenance: Mapping[str, str]

    @classmethod
    def of(cls, da: xr.DataArray) -> Self:
        """Describe an array of a world: lazy, or opened from a store or GeoTIFF by the engine "geoinfinite".

        Raises `StoreError` for arrays that are no window of a level.
        """
        y, x = (da.xindexes.get(name) for name in ("y", "x"))
        rows, columns = (axis.run if isinstance(axis, GridIndex) else None for axis in (y, x))
        if (
            not isinstance(y, GridIndex)
            or not (isinstance(rows, range) and isinstance(columns, range) and rows and columns)
            or not rows.step == columns.step == 1
            or not all(name in da.attrs for name in PROVENANCE)
        ):
            raise StoreError(
                "the array is no window of a world's level, or lacks its attributes; take it from the world, "
                'or from a store or GeoTIFF: xr.open_dataset(PATH, engine="geoinfinite").image'
            )
        names = tuple(str(name) for name in da.coords["band"].values.ravel())
        window = Window(rows.start, rows.stop, columns.start, columns.stop)
        said = {name: str(da.attrs[name]) for name in PROVENANCE}
        return cls(y.axis.grid, y.axis.level, window, names, str(da.dtype), said)

    @property
    def name(self) -> str:
        """The name of the world."""
        return str(tomllib.loads(self.provenance["geoinfinite_recipe"])["world"]["name"])

    @property
    def token(self) -> str:
        """The token of the recipe."""
        return self.provenance["geoinfinite_token"]


def stac_item(described: Described, hrefs: Sequence[str], *, made: datetime | None = None) -> dict[str, Any]:
    """Return a STAC 1.1 item of a window, with one asset for each of its files.

    A synthetic window was acquired at no time, and an interval of time would claim that it shows one.
    ``datetime`` is therefore when the item was made, as ``created`` is, or ``made``: the date that a dated
    world stands for. ``hrefs`` end in .zarr, .tif, .png, .pmtiles or .mbtiles. Raises `StoreError` for other
    ones.
    """
    grid, level, window = described.grid, described.level, described.window
    geometry, bounds = footprint(grid, level, window)
    now = _written(datetime.now(UTC))
    crs = parse_crs(grid.crs)
    code = ":".join(crs.to_authority(min_confidence=100) or ())
    name = re.sub(r"[^\w.-]+", "-", described.name)
    properties = {
        "datetime": now if made is None else _written(made),
        "created": now,
        "title": f"{described.name}, level {level}",
        "description": SYNTHETIC,
        "gsd": float(f"{grid.gsd_m(level):.6g}"),
        "proj:code": code or None,
        "proj:wkt2": crs.to_wkt(),
        "proj:shape": list(window.shape),
        "proj:transform": [float(v) for v in grid.transform(level, window)[:6]],
        "proj:bbox": list(grid.bounds(level, window)),
        "processing:software": {"geoinfinite": described.provenance["geoinfinite_version"]},
        "processing:lineage": SYNTHETIC,
        **described.provenance,
        "geoinfinite_level": level,
        "geoinfinite_window": [window.y0, window.y1, window.x0, window.x1],
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }
    assets = _assets(described, hrefs)
    extensions = ["projection/v2.0.0", "processing/v1.2.0"]
    if any("xarray:open_kwargs" in asset for asset in assets.values()):
        extensions.append("xarray-assets/v1.0.0")
    if described.bands == _COLOURS:
        extensions.append("eo/v2.0.0")
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [_EXTENSIONS.format(extension) for extension in extensions],
        "id": f"{name}-{described.token[:12]}-{level}-{window.y0}-{window.x0}",
        "geometry": geometry,
        "bbox": bounds,
        "properties": properties,
        "links": [],
        "assets": assets,
    }


def write_stac(
    described: Described,
    path: str | Path,
    hrefs: Sequence[str],
    *,
    made: datetime | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the item of `stac_item` as JSON; paths of local files are written relative to its folder.

    Raises `StoreError` if ``path`` exists, unless ``overwrite``.
    """
    target = Target.of(path, overwrite=overwrite)
    item = stac_item(described, [_relative(href, target.path.parent) for href in hrefs], made=made)
    text = json.dumps(item, indent=2, allow_nan=False, ensure_ascii=False)
    with published(target, target.path.parent, f".{target.path.name}") as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
    return target.path


def _assets(described: Described, hrefs: Sequence[str]) -> dict[str, Any]:
    assets: dict[str, Any] = {}
    for href in hrefs:
        kind = _KINDS.get(Path(href.rstrip("/")).suffix)
        if kind is None:
            raise StoreError(f"{href!r} does not end in one of {', '.join(_KINDS)}; leave it out")
        if kind.key in assets:
            raise StoreError(f"{href!r} is a second {kind.key}; write another item for it")
        asset: dict[str, Any] = {"href": href, "type": kind.media_type, "roles": list(kind.roles)}
        if kind.has_values:
            asset["bands"] = [_band(described, name) for name in described.bands]
        if kind.key == "zarr":
            asset["xarray:open_kwargs"] = {"engine": "zarr", "group": str(described.level)}
        assets[kind.key] = asset
    return assets


def _band(described: Described, name: str) -> dict[str, str]:
    colour = {"eo:common_name": name} if described.bands == _COLOURS else {}
    return {"name": name, "data_type": described.dtype, **colour}


def _relative(href: str, folder: Path) -> str:
    if "://" in href:
        return href
    return Path(os.path.relpath(Path(href).expanduser().absolute(), folder)).as_posix()


def _written(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise StoreError(
            f"datetime={moment.isoformat()} has no time zone; add one, such as +00:00 or tzinfo=datetime.UTC"
        )
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
