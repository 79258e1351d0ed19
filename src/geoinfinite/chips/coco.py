"""COCO: one JSON file for every split, with upright boxes and the polygons of what is visible.

Source: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from geoinfinite.chips.boxes import BoxLabel
from geoinfinite.chips.entry import Entry
from geoinfinite.chips.selection import ChipSet
from geoinfinite.conditions.vectors import shapely_module
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC

_DIGITS = 4
_LEAST_AREA = 1e-9


def together(entries: Sequence[Entry], chips: ChipSet) -> Mapping[str, bytes]:
    """Return ``annotations/SPLIT.json`` for every split.

    Pictures and annotations are numbered from 1 over all splits, in the order of the chips. ``obb`` has the
    eight numbers of the turned box, ``share`` the part of the object that shows; columns of filters stand in
    the records of pictures.
    """
    picture_of = {entry.id: number for number, entry in enumerate(entries, 1)}
    annotations: dict[str, list[dict[str, Any]]] = {split: [] for split in _splits(entries)}
    number = 0
    for entry in entries:
        for label in entry.boxes:
            number += 1
            annotations[entry.split].append(_annotation(number, picture_of[entry.id], label))
    named = enumerate(chips.classes, 1)
    categories = [{"id": i, "name": name, "supercategory": "object"} for i, name in named]
    files = {}
    for split, found in annotations.items():
        document = {
            "info": {
                "description": SYNTHETIC,
                "digital_source_type": DIGITAL_SOURCE_TYPE,
                "geoinfinite_token": chips.source.token,
                "geoinfinite_level": chips.source.level,
                "crs": chips.source.grid.crs,
            },
            "licenses": [],
            "images": [_image(picture_of[e.id], e) for e in entries if e.split == split],
            "annotations": found,
            "categories": categories,
        }
        files[f"annotations/{split}.json"] = json.dumps(document, indent=1, allow_nan=False).encode()
    return files


def _splits(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(sorted(entry.split for entry in entries)))


def _image(number: int, entry: Entry) -> dict[str, Any]:
    w = entry.window
    return {
        "id": number,
        "file_name": entry.files["picture"].rpartition("/")[2],
        "width": w.width,
        "height": w.height,
        "geoinfinite_window": [w.y0, w.y1, w.x0, w.x1],
        "bounds": list(entry.bounds),
        **{name: None if value != value else value for name, value in entry.scores.items()},
    }


def _annotation(number: int, picture: int, label: BoxLabel) -> dict[str, Any]:
    rings = _rings(label)
    points = np.concatenate([np.reshape(ring, (-1, 2)) for ring in rings])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    box = [x0, y0, x1 - x0, y1 - y0]
    return {
        "id": number,
        "image_id": picture,
        "category_id": label.number + 1,
        "bbox": [round(float(v), _DIGITS) for v in box],
        "area": round(float(shapely_module().area(label.part)), _DIGITS),
        "segmentation": rings,
        "iscrowd": 0,
        "obb": [round(float(v), _DIGITS) for v in label.corners.ravel()],
        "share": round(label.share, _DIGITS),
        "feature": label.feature,
    }


def _rings(label: BoxLabel) -> list[list[float]]:
    """Return the outer rings of what is visible, without the point that closes them."""
    shapely = shapely_module()
    parts = [p for p in shapely.get_parts(label.part) if shapely.area(p) > _LEAST_AREA]
    rings = [shapely.get_coordinates(shapely.get_exterior_ring(part))[:-1] for part in parts]
    return [[round(float(v), _DIGITS) for v in ring.ravel()] for ring in rings]
