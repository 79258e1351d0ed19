"""The metadata of a store: a Zarr group per level that opens as the level's array, and a ledger."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.storage import MemoryStore

from geoinfinite.arrays.axis import GridAxis, geo_transform
from geoinfinite.arrays.dataarray import array_attributes, band_names, provenance, spatial_ref_attributes
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.stores.identity import Header
from geoinfinite.stores.layout import ATTRIBUTE, IMAGE, LEDGER, ROOT, pixel_array
from geoinfinite.stores.planning import Plan, Stage

COORDINATES_UP_TO = 1_000_000
"""Pixels of an axis for which coordinates are written out: beyond, readers build them from the transform."""
FILES = "files"
"""Key of the digests of all other metadata, in the root's header."""
SEAL = "seal"
"""Key of the digest of the root itself, taken with zeros in its place."""
_UNSEALED = "0" * 64

_CONVENTIONS = {
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"),
    "proj": ("f17cb550-5864-4468-aeb7-f3180cfb622f", "Coordinate reference system information"),
    "multiscales": ("d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of groups"),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A plan and a header, equal to others by what the header says: the plan follows from it."""

    plan: Plan
    header: Header
    said: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Job) and self.said == other.said

    def __hash__(self) -> int:
        return hash(self.said)


def rendered(plan: Plan, header: Header) -> dict[str, bytes]:
    """Return every object of a store but its shards, records and sheets, by name; the root is the last.

    The bytes follow from the plan, the header and the versions of Zarr and its codecs. The root holds a
    sha256 of each of the others, and a seal: its own sha256, taken with zeros in place of the seal.
    """
    return dict(_rendered(_Job(plan, header, json.dumps(header.to_attributes(), sort_keys=True))))


@lru_cache(maxsize=2)
def _rendered(job: _Job) -> dict[str, bytes]:
    """Return what `rendered` does: a job asks for it when it begins, and again to mend what is harmed."""
    plan, header = job.plan, job.header
    memory: dict[str, Any] = {}
    store = MemoryStore(memory)
    _write(store, plan, header)
    with warnings.catch_warnings():
        # The specification of Zarr 3 does not have it yet; without it xarray warns at every opening.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(store)
    made = {name: data.to_bytes() for name, data in sorted(memory.items())}
    root = json.loads(made.pop(ROOT))
    root["attributes"][ATTRIBUTE] |= {
        FILES: {name: hashlib.sha256(data).hexdigest() for name, data in made.items()},
        SEAL: _UNSEALED,
    }
    text = json.dumps(root, indent=2)
    unsealed = f'"{SEAL}": "{_UNSEALED}"'
    made[ROOT] = text.replace(unsealed, unsealed.replace(_UNSEALED, _sha256(text)), 1).encode()
    return made


def sealed_files(root: bytes | None) -> dict[str, str] | None:
    """Return the digests that a root holds, by name; ``None`` if a byte of it is not as written."""
    try:
        header = json.loads(root or b"")["attributes"][ATTRIBUTE]
        files, seal = header[FILES], header[SEAL]
        text = (root or b"").decode()
        text = text.replace(f'"{SEAL}": "{seal}"', f'"{SEAL}": "{_UNSEALED}"', 1)
        return dict(files) if _sha256(text) == seal else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(store: MemoryStore, plan: Plan, header: Header) -> None:
    recipe, said = plan.recipe, header.to_attributes()
    attributes = {
        **provenance(recipe),
        "about": f'Levels of imagery, one group each: xarray.open_zarr(STORE, group="{plan.level}")',
        "zarr_conventions": _conventions("multiscales", "spatial", "proj"),
        "multiscales": {"layout": _layout(plan)},
        **_proj(recipe.grid),
        ATTRIBUTE: said,
    }
    root = zarr.create_group(store, attributes=attributes)
    _write_table(root, plan)
    about = "sha256 of job, place and bytes of every shard"
    ledger = root.create_group(LEDGER, attributes={"about": about, ATTRIBUTE: said})
    for stage in plan.stages:
        _write_level(root, plan, stage)
        ledger.create_array(
            str(stage.level),
            shape=(stage.rows, stage.columns, 32),
            chunks=(1, 1, 32),
            dtype="uint8",
            compressors=None,
            fill_value=0,
            dimension_names=(f"shard_row_{stage.level}", f"shard_column_{stage.level}", "byte"),
        )


def _write_table(root: Any, plan: Plan) -> None:
    """Write what is seen when the root is opened as a dataset: a row for every level.

    Its dimension has no coordinate, which all levels of a tree would inherit.
    """
    grid, stages = plan.recipe.grid, plan.stages
    about = {"long_name": "name of the level's group, 0 the coarsest of the world"}
    _array(root, "level", np.array([s.level for s in stages], np.int64), ("levels",), about)
    for name, index in (("rows", 0), ("columns", 1)):
        _array(root, name, np.array([s.window.shape[index] for s in stages], np.int64), ("levels",), {})
    gsd = np.array([grid.gsd_m(s.level) for s in stages], np.float64)
    _array(root, "ground_sample_distance", gsd, ("levels",), {"units": "m"})


def _write_level(root: Any, plan: Plan, stage: Stage) -> None:
    recipe, grid, window = plan.recipe, plan.recipe.grid, stage.window
    attributes = array_attributes(recipe, stage.level)
    placed = {
        "geoinfinite_window": [window.y0, window.y1, window.x0, window.x1],
        "zarr_conventions": _conventions("spatial", "proj"),
        **_proj(grid),
        **_spatial(grid, stage.level, window),
        "spatial:dimensions": ["y", "x"],
        "spatial:bbox": list(grid.bounds(stage.level, window)),
        "spatial:registration": "pixel",
    }
    group = root.create_group(str(stage.level), attributes={**attributes, **placed})
    group.create_array(
        IMAGE,
        **pixel_array(plan, stage),
        dimension_names=("band", "y", "x"),
        # Readers take the CRS from the coordinate; with more attributes an array would not be the lazy one.
        attributes={**attributes, "coordinates": "spatial_ref"},
    )
    has_labels = max(window.shape) <= COORDINATES_UP_TO
    mapping = spatial_ref_attributes(grid)
    if not has_labels or min(window.shape) == 1:
        # From two labels of an axis readers know its step; else they have to be told.
        mapping = {**mapping, "GeoTransform": geo_transform(grid, stage.level, window)}
    _array(group, "spatial_ref", np.array(0, np.int32), (), mapping)
    _write_bands(group, recipe.bands)
    if has_labels:
        for axis, (start, stop) in (
            (GridAxis(grid, stage.level, "y"), (window.y0, window.y1)),
            (GridAxis(grid, stage.level, "x"), (window.x0, window.x1)),
        ):
            _array(group, axis.which, axis.labels(range(start, stop)), (axis.which,), axis.attributes())


def _write_bands(group: Any, bands: int) -> None:
    names = band_names(bands)
    if isinstance(names[0], int):
        _array(group, "band", np.array(names, np.int64), ("band",), {})
        return
    band = group.create_array(
        "band", shape=(bands,), dtype="string", chunks=(bands,), fill_value="", dimension_names=("band",)
    )
    band[:] = np.array(names, dtype=np.dtypes.StringDType())


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
    factor = plan.recipe.grid.factor
    for parent, stage in zip((None, *plan.stages), plan.stages, strict=False):
        entry: dict[str, Any] = {
            "asset": str(stage.level),
            **_spatial(plan.recipe.grid, stage.level, stage.window),
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
