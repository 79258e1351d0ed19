"""Opens stores and GeoTIFFs that were written from a world, as the arrays that were written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import rasterio
import rioxarray
import xarray as xr
import zarr
from rasterio.errors import RasterioIOError
from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore

from geoinfinite.arrays.attributes import PROVENANCE, level_facts
from geoinfinite.arrays.dataarray import NAME, coordinates
from geoinfinite.arrays.stored import as_stored
from geoinfinite.errors import StoreError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE

HEADER = "geoinfinite"
"""Key of what a store says of itself, in the attributes of its root group."""
WINDOW = "geoinfinite_window"
"""Key of the pixels of a level that a file holds, ``[y0, y1, x0, x1]``."""
Location = str | Path | Store
_PIXELS = re.compile(rf"(?:^|/){NAME}/(?:c/)?\d")
"""Names of objects of pixels, in either version of Zarr."""


class _WholeShards(WrapperStore[Store]):
    """A store whose missing and empty shards are errors: zarr reads them as zeros."""

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, or a range; raise `StoreError` for pixels that are not there."""
        found = await super().get(key, prototype, byte_range)
        if not found and _PIXELS.search(key):
            raise StoreError(
                f"{self} lacks the shard {key}: it was not drawn yet, or was lost; draw it: "
                "geoinfinite resume STORE"
            )
        return found

    def __str__(self) -> str:
        return str(self._store).removeprefix("file://")


def is_geotiff(location: Any) -> bool:
    """Say whether a file is named as a GeoTIFF."""
    return Path(location).suffix.lower() in (".tif", ".tiff")


def stored_levels(location: Location) -> list[int]:
    """Return the levels of a store, coarse to fine; raise `StoreError` if geoinfinite did not write it."""
    try:
        root = zarr.open_group(location, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{location} is not a store of geoinfinite: {error}; name one that it wrote"
        ) from error
    if HEADER not in root.attrs:
        raise StoreError(f"{location} is not a store of geoinfinite; open it with xarray.open_zarr")
    return sorted(int(name) for name in root.group_keys() if name.isdecimal())


def open_stored(location: Location, level: int | None) -> xr.Dataset:
    """Return a level of a store, by default the finest, as `level_dataset` would make it; values stay lazy.

    Raises `StoreError` for levels that it does not hold.
    """
    levels = stored_levels(location)
    level = levels[-1] if level is None else level
    if level not in levels:
        has = ", ".join(map(str, levels))
        raise StoreError(f"{location} holds no level={level!r}; it has {has}{_unlisted(location, level)}")
    store = location if isinstance(location, Store) else LocalStore(location, read_only=True)
    plain = xr.open_zarr(_WholeShards(store), group=str(level), chunks=None, consolidated=False)
    if NAME not in plain or WINDOW not in plain.attrs:
        raise StoreError(
            f"{location} is damaged or of an older version: level {level} has no {NAME} or {WINDOW}"
        )
    return _as_array(location, plain[NAME], plain.attrs)


def _unlisted(location: Location, level: int) -> str:
    """Return where a level is found that is stored only with the margins that its children's drawing read."""
    group = f"parents/{level}"
    if not isinstance(zarr.open_group(location, mode="r", use_consolidated=False).get(group), zarr.Group):
        return ""
    how = f'xarray.open_zarr(STORE, group="{group}", consolidated=False)'
    return f", and what that was drawn on, which is wider: {how}"


def open_geotiff(path: str | Path) -> xr.Dataset:
    """Return a GeoTIFF that was written from a world, as `level_dataset` would make it; values stay lazy.

    Raises `StoreError` for files without the tags that say so.
    """
    try:
        # Only this driver: a file of another kind under the name could point anywhere.
        with rasterio.open(path, driver="GTiff") as raster:
            tags = raster.tags()
    except RasterioIOError as error:
        raise StoreError(f"{path} is not a GeoTIFF that can be read: {error}; name another file") from error
    if WINDOW not in tags:
        raise StoreError(f'{path} does not say that geoinfinite wrote it; open it with engine="rasterio"')
    plain: Any = rioxarray.open_rasterio(path, driver="GTiff", mask_and_scale=False)
    return _as_array(path, plain, tags | {WINDOW: tags[WINDOW].split()})


def _as_array(location: Location, plain: xr.DataArray, said: Mapping[str, Any]) -> xr.Dataset:
    """Return stored pixels with the coordinates, indexes and attributes of the array that was stored."""
    try:
        grid, level = _grid(said["geoinfinite_recipe"]), int(said["geoinfinite_level"])
        window = Window(*(int(edge) for edge in said[WINDOW]))
        grid.check_window(level, window)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{location} does not say as geoinfinite does which pixels it holds: {error!r}; write it again"
        ) from error
    if plain.shape[-2:] != window.shape:
        raise StoreError(
            f"{location} has {plain.shape[-2:]} pixels where its window has {window.shape}: the file was "
            "cut or changed after it was written; write it again"
        )
    variable = as_stored(plain.variable, str(location)).copy(deep=False)
    # GeoTIFFs have the type of source in their XMP.
    said = {"digital_source_type": DIGITAL_SOURCE_TYPE, **said}
    variable.attrs = level_facts(grid, level) | {key: said[key] for key in PROVENANCE if key in said}
    variable.encoding["grid_mapping"] = "spatial_ref"
    # A file may hold some bands of a world, named by their numbers.
    some, _, total = said.get("geoinfinite_bands", "").partition(" of ")
    labelled = xr.Dataset(coords=coordinates(grid, level, window, int(total or plain.shape[0])))
    if some:
        labelled = labelled.isel(band=[int(number) - 1 for number in some.split()])
    return labelled.assign({NAME: variable}).assign_attrs(variable.attrs)


def _grid(recipe: str) -> Grid:
    """Return the grid of a recipe's text; the recipe's own files need not be at hand to read a store."""
    known = {field.name for field in fields(Grid)}
    table: dict[str, Any] = {k: v for k, v in tomllib.loads(recipe)["grid"].items() if k in known}
    return Grid(**table)
