"""Level 0 of a world: the name of the raster that everything finer is drawn from."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from geoinfinite.errors import WorldError, shorten
from geoinfinite.plane.window import Window
from geoinfinite.rasters.bundled import raster_path
from geoinfinite.rasters.files import States, states
from geoinfinite.recipe.raster import Raster
from geoinfinite.recipe.rasterheader import read_header
from geoinfinite.token import token

DRAW = "draw"
GENERATED = "generated"
"""The source of a level 0 that is drawn."""


@dataclass(frozen=True, slots=True)
class Root:
    """The name of level 0: ``bundled:blue-marble``, the path of a GeoTIFF, PNG or JPEG, or ``generated``.

    >>> Root("bundled:blue-marble").raster().shape
    (2700, 5400)
    """

    source: str
    scale: float | None = None
    """Factor on the stored values, which with ``offset`` brings them to 0..1 of a float32 world."""
    offset: float | None = None
    """What is added to the scaled values."""
    fill: str | None = None
    """``"draw"``: pixels that are not known are drawn by the model of level 0; ``None``: they are refused."""

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | os.PathLike) or "\0" in os.fspath(self.source):
            raise WorldError(
                f"root.source={shorten(repr(self.source))} is not the path of a raster; "
                'name one, or "bundled:blue-marble"'
            )
        object.__setattr__(self, "source", os.fspath(self.source))
        for name in ("scale", "offset"):
            value = getattr(self, name)
            if value is None:
                continue
            if self.generated:
                raise WorldError(f"root.{name}={value} has no meaning for a generated root; leave it out")
            if (
                not isinstance(value, int | float)
                or not math.isfinite(value)
                or (name == "scale" and not value)
            ):
                raise WorldError(f"root.{name}={shorten(repr(value))} must be a finite number, scale not 0")
            object.__setattr__(self, name, float(value))

        if self.fill not in (None, DRAW):
            raise WorldError(
                f'root.fill={shorten(repr(self.fill))} is not "draw"; write that, or leave it out'
            )
        if self.fill is not None and (self.generated or (self.scale, self.offset) != (None, None)):
            raise WorldError(
                f"root.fill={self.fill!r} keeps the pixels of a raster as they are stored: leave it out for "
                "a generated root, and write a raster of scaled values instead of root.scale and root.offset"
            )

    @property
    def drawn(self) -> bool:
        """Whether a model draws level 0, all of it or what its raster lacks."""
        return self.generated or self.fill == DRAW

    @property
    def generated(self) -> bool:
        """Whether level 0 is drawn, without a parent, and not read from a raster."""
        return self.source == GENERATED

    @property
    def path(self) -> Path:
        """The raster's file."""
        return raster_path(self.source)

    def raster(self) -> Raster:
        """Return the raster by its header, which is read again when a file of it has changed.

        Raises `WorldError` for a file that cannot be level 0 of a grid.
        """
        return _header(self, states(self.path))

    def digest(self) -> str:
        """Return the name of level 0's content, wherever it lies."""
        if self.generated:
            return self.source
        content = self.raster().digest()
        stated = [self.scale, self.offset]
        if self.fill is not None:
            return token([content, self.fill])
        return content if stated == [None, None] else token([content, *stated])

    def read(self, window: Window) -> NDArray[Any]:
        """Return ``(band, y, x)`` of rows inside the raster; columns wrap round its width.

        Raises `WorldError` where pixels are not known: a level drawn from them would be invented without
        saying so.
        """
        raster = self.raster()
        with raster.open() as dataset:
            return raster.read_known(dataset, window)


@lru_cache(maxsize=64)
def _header(root: Root, stood: States) -> Raster:
    """Read the header of a file once while it stands unchanged: every task asks for it several times."""
    return read_header(root.source, root.path, root.scale, root.offset)
