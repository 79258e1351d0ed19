"""Presets of stores: the ways in which the pixels of a store are kept, each for other readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from geoinfinite.errors import StoreError


@dataclass(frozen=True, slots=True)
class StorePreset:
    """How the pixels of a store are kept: the version of Zarr, and what one object holds.

    The pixels are the same in every preset.
    """

    name: str
    zarr_format: Literal[2, 3]
    sharded: bool
    """Whether an object holds a whole shard, with its chunks inside; else every chunk is an object."""
    readers: str
    """Who opens it, and what those do who cannot."""

    @property
    def root(self) -> str:
        """Name of the object that holds the attributes of the root group."""
        return self.attributes_of("")

    def attributes_of(self, group: str) -> str:
        """Return the name of the object that holds the attributes of a group; ``""`` is the root group.

        >>> PRESETS["default"].attributes_of("ledger"), PRESETS["gdal"].attributes_of("ledger")
        ('ledger/zarr.json', 'ledger/.zattrs')
        """
        name = "zarr.json" if self.zarr_format == 3 else ".zattrs"
        return f"{group}/{name}" if group else name

    def attributes_in(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes that such an object holds, parsed; they are those of ``document`` itself."""
        attributes: dict[str, Any] = document["attributes"] if self.zarr_format == 3 else document
        return attributes

    def chunk_of(self, array: str, *index: int) -> str:
        """Return the name of one object of an array.

        >>> PRESETS["default"].chunk_of("3/image", 0, 2, 7), PRESETS["gdal"].chunk_of("3/image", 0, 2, 7)
        ('3/image/c/0/2/7', '3/image/0/2/7')
        """
        return "/".join([array, *("c" for _ in range(self.zarr_format - 2)), *map(str, index)])


DEFAULT = StorePreset(
    "default",
    zarr_format=3,
    sharded=True,
    readers="xarray, rioxarray, odc-geo, rio-tiler, tensorstore, OpenLayers and GDAL from 3.13 on; GDAL "
    "before 3.13 (rasterio, QGIS) cannot read shards: write with --preset gdal (preset='gdal'), or a GeoTIFF",
)
GDAL = StorePreset(
    "gdal",
    zarr_format=2,
    sharded=False,
    readers="GDAL from 3.6 on (rasterio, QGIS), xarray, rioxarray, odc-geo, rio-tiler and tensorstore; "
    "OpenLayers needs Zarr 3: write with --preset default (preset='default')",
)
PRESETS = {preset.name: preset for preset in (DEFAULT, GDAL)}


def preset_named(name: str | StorePreset) -> StorePreset:
    """Return a preset by its name; raise `StoreError` for a name that is none."""
    if isinstance(name, StorePreset):
        return name
    try:
        return PRESETS[name]
    except (KeyError, TypeError):
        raise StoreError(f"preset={name!r} is not known; take {' or '.join(map(repr, PRESETS))}") from None
