"""The methods of ``da.geoinfinite`` that write one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Unpack

import xarray as xr

from geoinfinite.arrays.origin import Origin, origin_of
from geoinfinite.progress import Progress, Silent, progress_on
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.map_archive import MapTileOptions, MapTiles
from geoinfinite.stores.files.mbtiles import write_mbtiles
from geoinfinite.stores.files.pmtiles import write_pmtiles
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.files.stac import Described, write_stac
from geoinfinite.stores.planning import Plan, plan_window


class FileMethods:
    """What an accessor writes of its array, each as one file."""

    _da: xr.DataArray

    def to_cog(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array's bands as a cloud-optimised GeoTIFF; see `write_cog`."""
        found = origin_of(self._da, whole=False)
        return write_cog(
            _planned(found), path, overwrite=overwrite, bands=found.bands, progress=shown(progress)
        )

    def to_png(self, path: str | Path, *, overwrite: bool = False, progress: bool | Progress = True) -> Path:
        """Write the array as an 8-bit PNG; see `write_png`."""
        found = origin_of(self._da, whole=False)
        return write_png(
            _planned(found), path, overwrite=overwrite, bands=found.bands, progress=shown(progress)
        )

    def to_pmtiles(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        progress: bool | Progress = True,
        **map_tiles: Unpack[MapTileOptions],
    ) -> Path:
        """Write the array as web map tiles in one PMTiles file; see `write_pmtiles` and `MapTiles`."""
        return self._to_archive(write_pmtiles, path, overwrite, progress, map_tiles)

    def to_mbtiles(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        progress: bool | Progress = True,
        **map_tiles: Unpack[MapTileOptions],
    ) -> Path:
        """Write the array as web map tiles in one MBTiles file; see `write_mbtiles` and `MapTiles`."""
        return self._to_archive(write_mbtiles, path, overwrite, progress, map_tiles)

    def _to_archive(
        self,
        write: Callable[..., Path],
        path: str | Path,
        overwrite: bool,
        progress: bool | Progress,
        map_tiles: MapTileOptions,
    ) -> Path:
        found = origin_of(self._da, whole=False)
        tiles = replace(MapTiles(**map_tiles), bands=found.bands)
        return write(_planned(found), path, tiles=tiles, overwrite=overwrite, progress=shown(progress))

    def to_stac(
        self,
        path: str | Path,
        hrefs: Sequence[str | Path],
        *,
        made: datetime | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a STAC item as JSON that describes the array and names its files; see `write_stac`.

        ``hrefs`` are paths or URLs of the files that hold its pixels. The array may also be one that was
        opened from a store or GeoTIFF of geoinfinite.
        """
        said, files = Described.of(self._da), [str(href) for href in hrefs]
        return write_stac(said, path, files, made=made, overwrite=overwrite)


def shown(progress: bool | Progress) -> Progress:
    """Return where progress goes: to the terminal, nowhere, or where the caller says."""
    if isinstance(progress, bool):
        return progress_on() if progress else Silent()
    return progress


def _planned(found: Origin) -> Plan:
    return plan_window(found.recipe, found.level, found.window)
