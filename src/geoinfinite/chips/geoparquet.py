"""GeoParquet: one row for every chip, its ground as geometry, its boxes as a list.

Source: https://geoparquet.org/releases/v1.1.0/.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from geoinfinite.chips.entry import Entry
from geoinfinite.chips.extras import needed
from geoinfinite.chips.selection import ChipSet
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC


def together(entries: Sequence[Entry], chips: ChipSet) -> Mapping[str, bytes]:
    """Return ``chips.parquet``, in the CRS of the world.

    Columns: ``id``, ``split``, ``picture``, ``level``, ``y0``, ``y1``, ``x0``, ``x1``, ``world``, ``seed``,
    ``token``, ``synthetic``, ``digital_source_type``, ``boxes`` (class, feature, share, eight corners in
    pixels, polygon of the visible part in pixels as WKB), one for each filter, and ``geometry``.
    """
    geopandas = needed("geopandas", "format='geoparquet'")
    needed("pyarrow", "format='geoparquet'")
    columns = _columns(entries, chips)
    shapes = shapely_module().box(*zip(*(entry.bounds for entry in entries), strict=True))
    frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=chips.source.grid.crs)
    file = io.BytesIO()
    frame.to_parquet(file, index=False, schema_version="1.1.0")
    return {"chips.parquet": file.getvalue()}


def _columns(entries: Sequence[Entry], chips: ChipSet) -> dict[str, list[Any]]:
    source, count = chips.source, len(entries)
    edges = {name: [getattr(e.window, name) for e in entries] for name in ("y0", "y1", "x0", "x1")}
    files = {name: [e.files[name] for e in entries] for name in (entries[0].files if entries else ())}
    filters = {name: [e.scores[name] for e in entries] for name in (entries[0].scores if entries else ())}
    return {
        "id": [e.id for e in entries],
        "split": [e.split for e in entries],
        **files,
        "level": [source.level] * count,
        **edges,
        "world": [source.name] * count,
        # Seeds have 64 bits and no sign, which not every reader has.
        "seed": [str(source.seed)] * count,
        "token": [source.token] * count,
        "synthetic": [SYNTHETIC] * count,
        "digital_source_type": [DIGITAL_SOURCE_TYPE] * count,
        "boxes": [[_box(label) for label in e.boxes] for e in entries],
        **filters,
    }


def _box(label: Any) -> dict[str, Any]:
    return {
        "class": label.name,
        "feature": label.feature,
        "share": label.share,
        "corners": [float(v) for v in label.corners.ravel()],
        "part": shapely_module().to_wkb(label.part),
    }
