"""YOLO-OBB: a text file beside every picture, corners as shares of its sides, and ``data.yaml``.

Source: https://docs.ultralytics.com/datasets/obb/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import yaml

from geoinfinite.chips.entry import Entry
from geoinfinite.chips.selection import ChipSet

_DIGITS = 8
"""Decimals of a share of a side: a hundred thousandth of a pixel of the largest chips."""


def beside(entry: Entry, chips: ChipSet) -> Mapping[str, bytes]:
    """Return the labels of a chip: ``CLASS x1 y1 x2 y2 x3 y3 x4 y4`` a line; an empty file without any."""
    height, width = entry.window.shape
    lines = []
    for label in entry.boxes:
        shares = (label.corners / (width, height)).clip(0, 1)
        numbers = " ".join(np.format_float_positional(v, _DIGITS, trim="0") for v in shares.ravel())
        lines.append(f"{label.number} {numbers}\n")
    return {f"labels/{entry.split}/{entry.id}.txt": "".join(lines).encode()}


def together(entries: Sequence[Entry], chips: ChipSet) -> Mapping[str, bytes]:
    """Return ``data.yaml``: where pictures lie, and the names of classes.

    Trainers ask for a folder ``val``; without one it is that of training.
    """
    splits = sorted({entry.split for entry in entries})
    folders = {split: f"images/{split}" for split in splits}
    said = {
        "train": folders.get("train", folders[splits[0]]),
        "val": folders.get("val", folders.get("train", folders[splits[0]])),
        **({"test": folders["test"]} if "test" in folders else {}),
        "names": dict(enumerate(chips.classes)),
    }
    return {"data.yaml": yaml.safe_dump(said, sort_keys=False, allow_unicode=True).encode()}
