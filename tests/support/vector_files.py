"""Vector files about one place, in any CRS and format; what remedies do to them is done in Python."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer

DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}


def write(
    path: Path, crs: str | None, geometries: Sequence[Any], columns: dict[str, Sequence[Any]], **options: Any
) -> str:
    """A layer; ``options`` as pyogrio has them, such as ``SPATIAL_INDEX="NO"``, ``layer``, ``append``."""
    values = [_column(list(column)) for column in columns.values()]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.raw.write(
            str(path),
            shapely.to_wkb(np.array(list(geometries), object)),
            values,
            list(columns),
            crs=crs,
            geometry_type=options.pop("geometry_type", "Unknown"),
            driver=DRIVERS[path.suffix],
            **options,
        )
    return str(path)


def turned_box(x: float, y: float, across: float, up: float, degrees: float = 0.0) -> Any:
    """A rectangle about a point, turned anticlockwise where y grows upwards."""
    angle = np.deg2rad(degrees)
    u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return shapely.Polygon([(x, y) + a * across / 2 * u + b * up / 2 * v for a, b in signs])


def carried(geometry: Any, source: str, target: str) -> Any:
    """A geometry with its vertices in another CRS."""
    to = _transformer(source, target).transform
    return shapely.transform(geometry, lambda points: np.stack(to(*points.T), axis=1))


def point(lon: Any, lat: Any, crs: str) -> tuple[Any, Any]:
    """Places in a CRS."""
    return _transformer("EPSG:4326", crs).transform(lon, lat)


@cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _column(values: list[Any]) -> Any:
    texts = any(isinstance(value, str) for value in values)
    return np.array(values, object) if texts else np.array(values, "int64")
