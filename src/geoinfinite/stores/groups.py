"""Writes the groups and arrays of a store that are no pixels: what readers see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store

from geoinfinite.arrays.attributes import array_attributes, provenance
from geoinfinite.arrays.axis import GridAxis, crs_of, geo_transform
from geoinfinite.arrays.dataarray import band_names, spatial_ref_attributes
from geoinfinite.plane.window import Window
from geoinfinite.stores import conventions
from geoinfinite.stores.cuts import DIGEST_BYTES, IMAGE, LEDGER, PARENTS
from geoinfinite.stores.layout import ATTRIBUTE, array_format, pixel_array
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.presets import StorePreset
from geoinfinite.stores.stages import Stage

COORDINATES_UP_TO = 1_000_000
"""Pixels of an axis for which coordinates are written out: beyond, readers build them from the transform."""


def write_groups(store: Store, plan: Plan, said: Mapping[str, Any]) -> None:
    """Write all groups and arrays of a plan into an empty store, without a pixel; ``said`` is the header."""
    levels = ", ".join(str(stage.level) for stage in plan.listed)
    attributes = {
        **provenance(plan.recipe),
        "about": f"Levels of imagery, one group each, finest first: {levels}. "
        f'xarray.open_zarr(STORE, group="{plan.level}") opens the finest. '
        f"Preset {plan.preset.name!r}, read by {plan.preset.readers}",
        **conventions.of_root(plan),
        ATTRIBUTE: said,
    }
    zarr_format = plan.preset.zarr_format
    root: Any = zarr.create_group(store, attributes=attributes, zarr_format=zarr_format)
    _write_table(root, plan)
    about = "sha256 of job, place and bytes of every object of a shard"
    ledger = root.create_group(LEDGER, attributes={"about": about, ATTRIBUTE: said})
    if any(stage.group.startswith(PARENTS) for stage in plan.stored):
        about = "Levels with the margins that drawing the next one reads; no part of the pyramid"
        root.create_group(PARENTS, attributes={"about": about})
        ledger.create_group(PARENTS)
    for stage in plan.stored:
        _write_group(root, plan, stage)
        _write_records(ledger, plan.preset, stage)


def _write_table(root: Any, plan: Plan) -> None:
    """Write what is seen when the root is opened as a dataset: a row for every level that is listed.

    Its dimension has no coordinate, which all levels of a tree would inherit.
    """
    grid, stages = plan.recipe.grid, plan.listed
    about = {"long_name": "name of the level's group, 0 the coarsest of the world"}
    columns: dict[str, tuple[Any, dict[str, Any]]] = {
        "level": (np.array([s.level for s in stages], np.int64), about),
        "rows": (np.array([s.window.height for s in stages], np.int64), {}),
        "columns": (np.array([s.window.width for s in stages], np.int64), {}),
        "ground_sample_distance": (
            np.array([grid.gsd_m(s.level) for s in stages], np.float64),
            {"units": "m"},
        ),
    }
    for name, (values, attributes) in columns.items():
        _array(root, plan.preset, name, values, ("levels",), attributes)


def _write_records(ledger: Any, preset: StorePreset, stage: Stage) -> None:
    cut = stage.cut(preset)
    record = cut.digests * DIGEST_BYTES
    ledger.create_array(
        stage.group,
        shape=(cut.rows, cut.columns, record),
        chunks=(1, 1, record),
        dtype="uint8",
        **_plain(preset),
        **_dimensions(preset, (f"shard_row_{stage.group}", f"shard_column_{stage.group}", "byte"), {}),
    )


def _write_group(root: Any, plan: Plan, stage: Stage) -> None:
    recipe, grid, window, preset = plan.recipe, plan.recipe.grid, stage.window, plan.preset
    attributes = array_attributes(recipe, stage.level)
    placed = {
        "geoinfinite_window": [window.y0, window.y1, window.x0, window.x1],
        **conventions.of_group(grid, stage.level, window),
    }
    group = root.create_group(stage.group, attributes={**attributes, **placed})
    # Readers take the CRS from the coordinate. What else is said here stays true of a part of the array.
    said = {**attributes, **conventions.SPATIAL_DIMENSIONS, "coordinates": "spatial_ref"}
    if preset.zarr_format == 2:
        said |= {"grid_mapping": "spatial_ref", "band_names": list(map(str, band_names(recipe.bands)))}
        # GDAL before 3.10 does not know of grid mappings.
        said["_CRS"] = {"wkt": crs_of(grid).to_wkt()}
    told = {key: value for key, value in pixel_array(plan, stage).items() if key != "zarr_format"}
    group.create_array(IMAGE, **told, **_dimensions(preset, ("band", "y", "x"), said))
    has_labels = max(window.shape) <= COORDINATES_UP_TO
    mapping = spatial_ref_attributes(grid)
    if not has_labels or min(window.shape) == 1:
        # From two labels of an axis readers know its step; else they have to be told.
        mapping = {**mapping, "GeoTransform": geo_transform(grid, stage.level, window)}
    _array(group, preset, "spatial_ref", np.array(0, np.int32), (), mapping)
    _write_bands(group, preset, recipe.bands)
    if has_labels:
        _write_labels(group, plan, stage.level, window)


def _write_labels(group: Any, plan: Plan, level: int, window: Window) -> None:
    for axis, (start, stop) in (
        (GridAxis(plan.recipe.grid, level, "y"), (window.y0, window.y1)),
        (GridAxis(plan.recipe.grid, level, "x"), (window.x0, window.x1)),
    ):
        labels = axis.labels(range(start, stop))
        _array(group, plan.preset, axis.which, labels, (axis.which,), axis.attributes())


def _write_bands(group: Any, preset: StorePreset, bands: int) -> None:
    names = band_names(bands)
    if isinstance(names[0], int):
        _array(group, preset, "band", np.array(names, np.int64), ("band",), {})
    elif preset.zarr_format == 2:
        _array(group, preset, "band", np.array(names), ("band",), {})
    else:
        band = group.create_array(
            "band", shape=(bands,), dtype="string", chunks=(bands,), fill_value="", dimension_names=("band",)
        )
        band[:] = np.array(names, dtype=np.dtypes.StringDType())


def _array(
    group: Any,
    preset: StorePreset,
    name: str,
    data: Any,
    dimensions: tuple[str, ...],
    attributes: Mapping[str, Any],
) -> None:
    # Not zero: a coordinate that is zero everywhere is still written.
    told = array_format(preset, fill_value=-1) if data.shape else _plain(preset, fill_value=-1)
    told = {key: value for key, value in told.items() if key != "zarr_format"}
    group.create_array(
        name, data=data, chunks=data.shape, **told, **_dimensions(preset, dimensions, attributes)
    )


def _plain(preset: StorePreset, *, fill_value: float = 0) -> dict[str, Any]:
    """Return what zarr is told of an array without a codec."""
    told = array_format(preset, fill_value=fill_value)
    return {key: value for key, value in told.items() if key != "zarr_format"} | {"compressors": None}


def _dimensions(preset: StorePreset, names: tuple[str, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return names of dimensions, and attributes: version 2 of Zarr has the first among the second."""
    if preset.zarr_format == 3:
        return {"dimension_names": names, "attributes": dict(attributes)}
    return {"attributes": {**attributes, "_ARRAY_DIMENSIONS": list(names)}}
