"""``xr.open_dataset("alps.toml", engine="geoinfinite", level=5)``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendEntrypoint

from geoinfinite.arrays.dataarray import level_dataset, level_groups
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.worldfile import load

_PEEK_BYTES = 2**16
"""World files are short; a longer TOML file is something else."""


class GeoInfiniteEntrypoint(BackendEntrypoint):
    """Opens world files, and bundled worlds by name, as lazy arrays."""

    description = "Synthetic worlds of geoinfinite (.toml world files)"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "level")
    supports_groups = True

    def open_dataset(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None, level: int = 0
    ) -> xr.Dataset:
        """Return one level of a world, by default 0: the coarsest, which is the root raster itself."""
        dataset = level_dataset(load(_path(filename_or_obj), Recipe), level)
        return dataset.drop_vars(_names(drop_variables), errors="ignore")

    def open_groups_as_dict(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None
    ) -> dict[str, xr.Dataset]:
        """Return every level of a world by its path, ``/0`` the coarsest."""
        groups = level_groups(load(_path(filename_or_obj), Recipe))
        return {
            path: dataset.drop_vars(_names(drop_variables), errors="ignore")
            for path, dataset in groups.items()
        }

    def open_datatree(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None
    ) -> xr.DataTree:
        """Return every level of a world as a node."""
        return xr.DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, drop_variables=drop_variables))

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Say whether this is a ``.toml`` file with the sections of a world."""
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


def _path(filename_or_obj: Any) -> str:
    return str(os.fspath(filename_or_obj))


def _names(drop: str | Iterable[str] | None) -> list[str]:
    return [drop] if isinstance(drop, str) else list(drop or ())
