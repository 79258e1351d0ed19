"""What edits of a real raster are drawn with, and where the rasters that their worlds name are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import xarray as xr

from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference, from_pretrained
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.rasters.files import open_raster
from geoinfinite.recipe.fitting import UNSAID_FACTOR, fitted_sampler
from geoinfinite.recipe.root import Root
from geoinfinite.world import World

MODEL = "bundled:earth-small"


class DrawingOptions(TypedDict, total=False):
    """The keywords that every edit takes: the fields of `Drawing`."""

    model: str | Path | ModelReference
    seed: int
    folder: str | Path | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """With what an edit is drawn."""

    model: str | Path | ModelReference = MODEL
    """What draws: a model that is told a coarser level, as in `World.for_model`."""
    seed: int = 0
    """Another seed draws another likely picture."""
    folder: str | Path | None = None
    """Where rasters are kept that are no files yet; ``None`` is ``rasters`` in the cache of geoinfinite."""

    def reference(self) -> ModelReference:
        """Return the model; raise `WorldError` for one that is told no coarser level."""
        found = self.model if isinstance(self.model, ModelReference) else from_pretrained(self.model)
        if not found.facts().conditioned:
            raise WorldError(
                f"model={found.ref!r} draws without a coarser level, and a real raster is one; take a model "
                f"that draws on a parent, such as {MODEL!r}"
            )
        return found

    def factor(self) -> int:
        """Return how many times finer each level is."""
        return self.reference().facts().factor or UNSAID_FACTOR

    def world(self, path: Path, *, levels: int, name: str) -> World:
        """Return the world of some levels whose level 0 is a raster file."""
        model, root = self.reference(), root_of(path)
        raster = root.raster()
        if raster.dtype not in Encoding.RANGES:
            raise WorldError(
                f"{str(path)!r} holds {raster.dtype}, and worlds {', '.join(Encoding.RANGES)}; convert it: "
                "rio convert SRC DST --dtype uint16; or write a world file with root.scale and root.offset"
            )
        grid = Grid(
            raster.crs,
            raster.origin,
            raster.resolution,
            raster.shape,
            factor=self.factor(),
            levels=levels,
            periodic=raster.periodic,
        )
        return World(
            grid=grid,
            root=root,
            model=model,
            sampler=fitted_sampler(model, grid, 1, ()),
            dtype=raster.dtype,
            name=name,
            seed=self.seed,
        )


def root_of(path: Path) -> Root:
    """Return a raster file as level 0, its values as they are stored, whatever scale its tags name."""
    with open_raster(path, f"{str(path)!r}") as raster:
        plain = {*raster.scales} == {1.0} and {*raster.offsets} == {0.0}
    return Root(str(path), scale=None if plain else 1.0)


def check_bands(bands: int, da: xr.DataArray, model: ModelReference) -> None:
    """Raise `WorldError` unless a model draws as many bands as an array has."""
    wanted = model.facts().bands
    if wanted in (None, bands):
        return
    dims = [str(dim) for dim in da.dims if dim not in (da.rio.y_dim, da.rio.x_dim)]
    chosen = ", ".join(str(min(band, bands - 1)) for band in range(wanted or 0))
    made = f"real.isel({dims[0]}=" if dims else 'real.expand_dims("band").isel(band='
    raise WorldError(
        f"the array has {bands} band{'s' * (bands > 1)}, and model={model.ref!r} draws {wanted}; choose "
        f"them: {made}[{chosen}])"
    )
