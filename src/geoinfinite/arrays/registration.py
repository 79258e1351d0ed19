"""Registers ``da.geoinfinite`` with xarray wherever arrays of a world are made, opened or unpickled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

# The accessor writes stores, a higher room: it is looked up as the public name that it is, on first use.
import geoinfinite

if TYPE_CHECKING:
    from geoinfinite import GeoInfiniteAccessor


def accessor(da: xr.DataArray) -> GeoInfiniteAccessor:
    """Return the accessor of an array."""
    return geoinfinite.GeoInfiniteAccessor(da)


xr.register_dataarray_accessor("geoinfinite")(accessor)  # type: ignore[no-untyped-call]
