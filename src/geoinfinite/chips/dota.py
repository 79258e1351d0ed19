"""DOTA: corners in pixels, class and difficulty, a line for every object.

Source: https://captain-whu.github.io/DOTA/dataset.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoinfinite.chips.entry import Entry
from geoinfinite.chips.selection import ChipSet
from geoinfinite.plane.ground import grounds_m

EASY_SHARE = 0.7
"""Objects of which less shows are difficult: the limit of DOTA's own tool for cutting pictures."""
_DIGITS = 4


def beside(entry: Entry, chips: ChipSet) -> Mapping[str, bytes]:
    """Return the labels of a chip, below a head with its source and its ground sample distance in metres.

    Blanks in the names of classes become ``-``, as the format has none.
    """
    lines = ["imagesource:geoinfinite", f"gsd:{_gsd_m(entry, chips):.6g}"]
    for label in entry.boxes:
        numbers = " ".join(np.format_float_positional(v, _DIGITS, trim="0") for v in label.corners.ravel())
        difficult = int(label.share < EASY_SHARE)
        lines.append(f"{numbers} {'-'.join(label.name.split())} {difficult}")
    return {f"{entry.split}/labelTxt/{entry.id}.txt": ("\n".join(lines) + "\n").encode()}


def _gsd_m(entry: Entry, chips: ChipSet) -> float:
    """Return metres per pixel along y at the middle of a chip."""
    left, bottom, right, top = entry.bounds
    step = chips.source.grid.resolution_at(chips.source.level)
    middle = np.array([(left + right) / 2]), np.array([(bottom + top) / 2])
    return float(grounds_m(chips.source.grid.crs, *middle, step)[0])
