"""How a store looks on disk: one Zarr group per level, georeferenced three ways, and a ledger."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.codecs import ZstdCodec
from zarr.storage import MemoryStore

from geoinfinite.errors import StoreError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC
from geoinfinite.stores.identity import Header
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan, Stage

ATTRIBUTE = "geoinfinite"
"""Key of the header in the root group's attributes."""
ROOT = "zarr.json"
IMAGE = "image"
LEDGER = "ledger"
COORDINATES_UP_TO = 1_000_000
"""Pixels of an axis for which coordinates are written out: beyond, readers build them from the transform."""

_CONVENTIONS = {
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"),
    "proj": ("f17cb550-5864-4468-aeb7-f3180cfb622f", "Coordinate reference system information"),
    "multiscales": ("d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of groups"),
}


def create(objects: Objects, plan: Plan, header: Header) -> None:
    """Write the empty store of a plan; its root comes first, and only one of several jobs writes it."""
    made = rendered(plan, header)
    if objects.create(ROOT, made.pop(ROOT)):
        for name, data in made.items():
            objects.put(name, data)


def rendered(plan: Plan, header: Header) -> dict[str, bytes]:
    """Return all objects of a store but its shards and records, by name."""
    memory: dict[str, Any] = {}
    store = MemoryStore(memory)
    _write(store, plan, header)
    with warnings.catch_warnings():
        # The specification of Zarr 3 does not have it yet; without it xarray warns at every opening.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(store)
    return {name: data.to_bytes() for name, data in memory.items()}


def read_header(objects: Objects) -> Header:
    """Read what a store says of itself; raise `StoreError` if it is not a store of ours."""
    root = objects.get(ROOT)
    if root is None and next(objects.names(), None) is None:
        raise StoreError(f"{objects.url} does not exist; name a store that geoinfinite wrote")
    try:
        attributes = json.loads(root or b"")["attributes"][ATTRIBUTE]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{objects.url} is not a store of geoinfinite; name another path") from error
    return Header.from_attributes(objects.url, attributes)


def open_image(objects: Objects, level: int) -> Any:
    """Open the pixels ``(band, y, x)`` of a level, to read them."""
    return zarr.open_array(objects.zarr_store(), path=f"{level}/{IMAGE}", mode="r")


def open_ledger(objects: Objects, level: int) -> Any:
    """Open the commit records ``(shard row, shard column, byte)`` of a level, to read them."""
    return zarr.open_array(objects.zarr_store(), path=f"{LEDGER}/{level}", mode="r")


def shard_name(level: int, row: int, column: int) -> str:
    """Return the name of a shard's object."""
    return f"{level}/{IMAGE}/c/0/{row}/{column}"


def record_name(level: int, row: int, column: int) -> str:
    """Return the name of a shard's commit record."""
    return f"{LEDGER}/{level}/c/{row}/{column}/0"


def image_settings(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return how zarr is told of a level's pixels."""
    bands = plan.world.bands
    return {
        "shape": (bands, *stage.window.shape),
        "shards": (bands, stage.shard, stage.shard),
        "chunks": (bands, stage.chunk, stage.chunk),
        "dtype": plan.world.dtype,
        "compressors": ZstdCodec(level=3, checksum=True),
        "fill_value": 0,
        "config": {"write_empty_chunks": True},
    }


def _write(store: Store, plan: Plan, header: Header) -> None:
    attributes = {
        "zarr_conventions": _conventions("multiscales", "spatial", "proj"),
        "multiscales": {"layout": _layout(plan)},
        **_proj(plan.world.grid),
        ATTRIBUTE: header.to_attributes(),
    }
    root = zarr.create_group(store, attributes=attributes)
    ledger = root.create_group(LEDGER, attributes={"about": "sha256 of job, place and bytes of every shard"})
    for stage in plan.stages:
        _write_level(root, plan, stage, header)
        ledger.create_array(
            str(stage.level),
            shape=(stage.rows, stage.columns, 32),
            chunks=(1, 1, 32),
            dtype="uint8",
            compressors=None,
            fill_value=0,
            dimension_names=(f"shard_row_{stage.level}", f"shard_column_{stage.level}", "byte"),
        )


def _write_level(root: Any, plan: Plan, stage: Stage, header: Header) -> None:
    grid, window, bands = plan.world.grid, stage.window, plan.world.bands
    said = {"synthetic": SYNTHETIC, "geoinfinite_token": header.token, "geoinfinite_level": stage.level}
    placed = {
        "zarr_conventions": _conventions("spatial", "proj"),
        **_proj(grid),
        **_spatial(grid, stage.level, window),
        "spatial:dimensions": ["y", "x"],
        "spatial:bbox": list(grid.bounds(stage.level, window)),
        "spatial:registration": "pixel",
    }
    crs = _crs(grid)
    group = root.create_group(str(stage.level), attributes={**said, **placed})
    group.create_array(
        IMAGE,
        **image_settings(plan, stage),
        dimension_names=("band", "y", "x"),
        attributes={
            **said,
            "grid_mapping": "spatial_ref",
            "_CRS": {"wkt": crs.to_wkt(), "projjson": crs.proj.to_json_dict()},
        },
    )
    transform = grid.transform(stage.level, window)
    mapping = {**crs.proj.to_cf(), "GeoTransform": " ".join(repr(float(v)) for v in transform.to_gdal())}
    _array(group, "spatial_ref", np.array(0), (), mapping)
    _array(group, "band", np.arange(1, bands + 1), ("band",), {})
    axes = {axis["axis"]: axis for axis in crs.proj.cs_to_cf()}
    if max(window.shape) <= COORDINATES_UP_TO:
        x = transform.c + (np.arange(window.width) + 0.5) * transform.a
        y = transform.f + (np.arange(window.height) + 0.5) * transform.e
        _array(group, "x", x, ("x",), axes.get("X", {}))
        _array(group, "y", y, ("y",), axes.get("Y", {}))


def _array(group: Any, name: str, data: Any, dimensions: tuple[str, ...], attributes: dict[str, Any]) -> None:
    group.create_array(
        name,
        data=data,
        chunks=data.shape,
        compressors=ZstdCodec(level=3, checksum=True) if data.shape else None,
        # Not zero: a coordinate that is zero everywhere is still written.
        fill_value=-1,
        dimension_names=dimensions,
        attributes=attributes,
    )


def _conventions(*names: str) -> list[dict[str, str]]:
    return [
        {
            "schema_url": f"https://raw.githubusercontent.com/zarr-conventions/{name}/refs/tags/v0.1/schema.json",
            "spec_url": f"https://github.com/zarr-conventions/{name}/blob/v0.1/README.md",
            "uuid": _CONVENTIONS[name][0],
            "name": name,
            "description": _CONVENTIONS[name][1],
        }
        for name in names
    ]


def _crs(grid: Grid) -> Any:
    return grid.geobox(0, Window(0, 1, 0, 1)).crs


def _proj(grid: Grid) -> dict[str, str]:
    crs = _crs(grid)
    wkt = {"proj:wkt2": crs.to_wkt()}
    return wkt if crs.epsg is None else {"proj:code": f"EPSG:{crs.epsg}", **wkt}


def _spatial(grid: Grid, level: int, window: Window) -> dict[str, Any]:
    return {
        "spatial:transform": [float(v) for v in grid.transform(level, window)[:6]],
        "spatial:shape": list(window.shape),
    }


def _layout(plan: Plan) -> list[dict[str, Any]]:
    """Return the levels, coarse to fine; index in the parent = index * scale + translation, (y, x)."""
    layout: list[dict[str, Any]] = []
    factor = plan.world.grid.factor
    for parent, stage in zip((None, *plan.stages), plan.stages, strict=False):
        entry: dict[str, Any] = {
            "asset": str(stage.level),
            **_spatial(plan.world.grid, stage.level, stage.window),
        }
        if parent is None:
            entry["transform"] = {"scale": [1.0, 1.0], "translation": [0.0, 0.0]}
        else:
            inner, outer = stage.window, parent.window
            entry["derived_from"] = str(parent.level)
            entry["resampling_method"] = "diffusion"
            entry["transform"] = {
                "scale": [1 / factor, 1 / factor],
                "translation": [inner.y0 / factor - outer.y0, inner.x0 / factor - outer.x0],
            }
        layout.append(entry)
    return layout
