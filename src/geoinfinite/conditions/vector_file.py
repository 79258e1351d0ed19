"""``VectorFile``: a file of vectors by its headers, and what a database can be asked without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.vectors import (
    LARGEST,
    Features,
    absent,
    checked_driver,
    damaged,
    gdal_name,
    pyogrio_module,
    shapely_module,
    without_crs,
)
from geoinfinite.errors import WorldError
from geoinfinite.file_memo import FileState


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """A layer of a file, by its header."""

    name: str
    crs: str
    columns: tuple[str, ...]
    count: int
    """Number of features."""
    shapes: str
    """Type of its geometries, ``"Polygon"``; ``"Unknown"``: any."""
    is_indexed: bool
    """Whether it can be asked for what lies in a box without being read whole."""
    geometry_column: str
    id_column: str


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of vectors in the state in which it was found."""

    path: Path
    named: str
    """The setting that names it, for errors."""
    state: FileState
    driver: str
    layers: tuple[VectorLayer, ...]
    """Layers that have geometries, in the file's order."""

    @property
    def opened(self) -> str:
        """What GDAL opens."""
        return gdal_name(self.path, self.driver)

    def with_column(self, column: str) -> tuple[VectorLayer, ...]:
        """Return the layers that have an attribute."""
        return tuple(layer for layer in self.layers if column in layer.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the attributes of all layers."""
        return tuple(dict.fromkeys(name for layer in self.layers for name in layer.columns))


def vector_file(path: Path, named: str) -> VectorFile:
    """Return the headers of a GeoPackage, FlatGeobuf, GeoJSON or Parquet file, kept while it stands.

    Raises `WorldError` for a file that is missing, of another format, without a CRS, or too large to be read
    whole if it has no index.
    """
    state = FileState.or_absent(path)
    if not state.exists:
        raise absent(path, named, "vectors")
    return _vector_file(path, named, state)


@lru_cache(maxsize=64)
def _vector_file(path: Path, named: str, state: FileState) -> VectorFile:
    driver = checked_driver(path, named)
    opened = gdal_name(path, driver)
    try:
        listed = pyogrio_module().list_layers(opened)
        layers = tuple(_layer(opened, name, named, driver) for name, shapes in listed if shapes is not None)
    except WorldError:
        raise
    except Exception as error:
        raise damaged(named, error) from error
    if not layers:
        raise WorldError(f"{named} has no geometries; name a file of vectors")
    if state.size > LARGEST and not all(layer.is_indexed for layer in layers):
        raise WorldError(
            f"{named} has {state.size / 2**20:.0f} MiB and no spatial index, so that it is read whole, of "
            f"{LARGEST // 2**20} MiB at most; give it one: ogr2ogr DST.gpkg SRC"
        )
    return VectorFile(path, named, state, driver, layers)


def _layer(opened: str, name: str, named: str, driver: str) -> VectorLayer:
    facts = pyogrio_module().read_info(opened, layer=name, force_feature_count=True)
    if facts["driver"] != driver:
        raise WorldError(
            f"{named} is a file of the driver {facts['driver']}, which may name others; convert it: "
            "ogr2ogr DST.gpkg SRC"
        )
    if facts["crs"] is None:
        raise without_crs(named)
    return VectorLayer(
        name=str(name),
        crs=str(facts["crs"]),
        columns=tuple(map(str, facts["fields"])),
        count=int(facts["features"]),
        shapes=str(facts["geometry_type"]),
        is_indexed=bool(facts["capabilities"]["fast_spatial_filter"]),
        geometry_column=str(facts["geometry_name"]),
        id_column=str(facts["fid_column"]),
    )


def read_layer(file: VectorFile, layer: VectorLayer, columns: tuple[str, ...], **asked: Any) -> Features:
    """Return features of a layer in the order of their numbers; ``asked`` says which, as pyogrio has it."""
    shapely, pyogrio = shapely_module(), pyogrio_module()
    wanted = [name for name in columns if name in layer.columns]
    try:
        facts, ids, raw, values = pyogrio.raw.read(
            file.opened, layer=layer.name, columns=wanted, return_fids=True, **asked
        )
    except Exception as error:
        raise damaged(file.named, error) from error
    order = np.argsort(ids, kind="stable")
    # Columns come in an order of the reader's own, whatever the order that they are asked in.
    attributes = {name: column[order] for name, column in zip(facts["fields"], values, strict=True)}
    return Features(file.named, ids[order], shapely.from_wkb(raw)[order], attributes, layer.crs)


@lru_cache(maxsize=4)
def whole_layer(file: VectorFile, layer: VectorLayer) -> tuple[Features, Any]:
    """Return all features of a layer that has no index, and a search tree of them."""
    features = read_layer(file, layer, layer.columns)
    return features, shapely_module().STRtree(features.geometries)


@lru_cache(maxsize=64)
def distinct_values(file: VectorFile, layer: VectorLayer, column: str) -> tuple[Any, ...]:
    """Return the values of an attribute, each once."""
    if not layer.is_indexed:
        values = whole_layer(file, layer)[0].attributes[column].tolist()
    else:
        quote = _quoted if file.driver == "GPKG" else _escaped
        asked = f"SELECT DISTINCT {quote(column)} FROM {quote(layer.name)}"
        values = _answer(file, asked).tolist()
    return tuple(dict.fromkeys(values))


@lru_cache(maxsize=64)
def first_without_place(file: VectorFile, layer: VectorLayer) -> int | None:
    """Return the number of the first feature that has no geometry or an empty one; ``None``: all have one.

    FlatGeobuf files with an index hold none.
    """
    if not layer.is_indexed:
        features, shapely = whole_layer(file, layer)[0], shapely_module()
        bare = shapely.is_missing(features.geometries) | shapely.is_empty(features.geometries)
        return int(features.ids[bare][0]) if bare.any() else None
    if file.driver != "GPKG":
        return None
    place = _quoted(layer.geometry_column)
    found = _answer(
        file,
        f"SELECT {_quoted(layer.id_column or 'rowid')} + 0 AS number FROM {_quoted(layer.name)} "
        f"WHERE {place} IS NULL OR ST_IsEmpty({place}) LIMIT 1",
    )
    return int(found[0]) if len(found) else None


def _answer(file: VectorFile, asked: str) -> NDArray[Any]:
    """Return the one column that a database answers."""
    try:
        columns = pyogrio_module().raw.read(file.opened, sql=asked, read_geometry=False)[3]
    except Exception as error:
        raise damaged(file.named, error) from error
    return np.asarray(columns[0])


def _quoted(name: str) -> str:
    """Return a name as SQLite reads it."""
    return '"' + name.replace('"', '""') + '"'


def _escaped(name: str) -> str:
    """Return a name as the SQL of GDAL reads it."""
    return '"' + name.replace('"', '\\"') + '"'
