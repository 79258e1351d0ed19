"""``xr.open_dataset("alps.toml", engine="geoinfinite", level=5)``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendEntrypoint
from zarr.abc.store import Store

from geoinfinite.arrays.dataarray import level_dataset, level_groups
from geoinfinite.arrays.opening import Location, is_geotiff, open_geotiff, open_stored, stored_levels
from geoinfinite.errors import StoreError
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.worldfile import load

_PEEK_BYTES = 2**16
"""World files are short; a longer TOML file is something else."""
_OF_LEVEL = "geoinfinite_level", "ground_sample_distance_m", "long_name"


class GeoInfiniteEntrypoint(BackendEntrypoint):
    """Opens world files and bundled worlds as lazy arrays, and the stores and GeoTIFFs written from these.

    A store or file opens as the array that was written: the same coordinates with the same indexes, bands
    and attributes, so that ``lazy - stored`` aligns. It does not need the recipe's own files.
    """

    description = "Synthetic worlds of geoinfinite (.toml world files), and stores and GeoTIFFs of them"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "level", "seeds", "storage_options")
    supports_groups = True

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        level: int | None = None,
        seeds: Iterable[int] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> xr.Dataset:
        """Return one level: by default 0 of a world, the coarsest, and the finest of a store.

        ``seeds`` are as in `World.array`; stores and GeoTIFFs hold one.
        """
        location = self.location(filename_or_obj, storage_options)
        if seeds is not None and (location is not None or is_geotiff(filename_or_obj)):
            raise StoreError(
                f"seeds={seeds!r}: {filename_or_obj} holds pixels of one seed; open a world file for several"
            )
        if location is None and is_geotiff(filename_or_obj):
            dataset = open_geotiff(_path(filename_or_obj))
            if level not in (None, dataset.attrs["geoinfinite_level"]):
                raise StoreError(
                    f"{filename_or_obj} holds level {dataset.attrs['geoinfinite_level']}, not level={level!r}"
                )
        elif location is None:
            recipe = load(_path(filename_or_obj), Recipe)
            dataset = level_dataset(recipe, 0 if level is None else level, seeds=seeds)
        else:
            dataset = open_stored(location, level)
        return dataset.drop_vars(_names(drop_variables), errors="ignore")

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> dict[str, xr.Dataset]:
        """Return every level by its path: ``/0`` is the coarsest of a world."""
        location = self.location(filename_or_obj, storage_options)
        if location is None:
            groups = level_groups(load(_path(filename_or_obj), Recipe))
        else:
            groups = _stored_groups(location)
        return {
            path: dataset.drop_vars(_names(drop_variables), errors="ignore")
            for path, dataset in groups.items()
        }

    def open_datatree(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> xr.DataTree:
        """Return every level as a node."""
        return xr.DataTree.from_dict(
            self.open_groups_as_dict(
                filename_or_obj, drop_variables=drop_variables, storage_options=storage_options
            )
        )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Say whether this is a ``.toml`` file with the sections of a world.

        Stores and GeoTIFFs are left to their own engines unless this one is named.
        """
        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        path = Path(filename_or_obj)
        if path.suffix.lower() != ".toml":
            return False
        try:
            if path.stat().st_size > _PEEK_BYTES:
                return False
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            return False
        return isinstance(tables.get("root"), dict) and bool({"world", "grid", "model"} & tables.keys())

    def location(self, filename_or_obj: Any, storage_options: dict[str, Any] | None) -> Location | None:
        """Return where a store is, as zarr takes it; ``None`` for what is no store."""
        if isinstance(filename_or_obj, Store):
            return filename_or_obj
        path = _path(filename_or_obj)
        if "://" in path or storage_options:
            raise StoreError(
                f"{path!r} is a URL or has storage_options, which this class does not open; give the zarr "
                'store: xr.open_dataset(zarr.storage.ObjectStore(...), engine="geoinfinite")'
            )
        return path if Path(path).is_dir() else None


def _stored_groups(location: Location) -> dict[str, xr.Dataset]:
    levels = {level: open_stored(location, level) for level in stored_levels(location)}
    common = {k: v for k, v in next(iter(levels.values())).attrs.items() if k not in _OF_LEVEL}
    groups = {"/": xr.Dataset(attrs=common)}
    for level, dataset in levels.items():
        groups[f"/{level}"] = dataset.assign_attrs()
        groups[f"/{level}"].attrs = {k: v for k, v in dataset.attrs.items() if k in _OF_LEVEL}
    return groups


def _path(filename_or_obj: Any) -> str:
    return str(os.fspath(filename_or_obj))


def _names(drop: str | Iterable[str] | None) -> list[str]:
    return [drop] if isinstance(drop, str) else list(drop or ())
