"""Boxes in the CRS of a file that hold all that lies in a window of a level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import Carrier
from geoinfinite.errors import WindowError
from geoinfinite.plane.crs import Bounds, carry_bounds, parse_crs, transformer, turn
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

_PROBES = 9
"""Points of a window along each axis that are carried to the other CRS."""
_SPLITS = 4
"""How often a window is quartered where a part of it has no place there, or x or y jumps."""
_JUMP = 0.5
"""Bend between three probes, beside the width of all, beyond which what they follow is not smooth."""
_MARGIN = 1 / 16
"""Part of its width by which a box is grown: between probes its edges are curves."""
_PIXELS = 2
"""Pixels about a window that count as in it."""

Lattice = NDArray[np.float64]
"""``((x, y), row, column)`` of probes."""


def boxes_about(crs: str, grid: Grid, level: int, window: Window) -> tuple[Bounds, ...]:
    """Return boxes in a CRS that hold all that lies in a window, under every name that a longitude has.

    A part of the window that has no place in the CRS has no box.
    """
    carrier, found = Carrier(crs, grid, level), []
    for piece in _in_level(grid, level, window):
        found += _carried(piece, carrier) if carrier.is_other else [grid.bounds(level, piece)]
    around = turn(crs)
    if around is None and grid.periodic and not carrier.is_other:
        around = grid.shape[1] * grid.resolution
    if around is not None:
        found = [(x0 + by, y0, x1 + by, y1) for x0, y0, x1, y1 in found for by in (0.0, -around, around)]
        found = [box for box in found if box[0] < around and box[2] > -around]
    return tuple(dict.fromkeys(found))


def _in_level(grid: Grid, level: int, window: Window) -> list[Window]:
    """Return a window in pieces that are the level's, if columns are wrapped, each with its margin."""
    y0, y1 = window.y0 - _PIXELS, window.y1 + _PIXELS
    x0, x1, period = window.x0 - _PIXELS, window.x1 + _PIXELS, grid.period(level)
    if period is None:
        return [Window(y0, y1, x0, x1)]
    if x1 - x0 >= period:
        return [Window(y0, y1, 0, period)]
    turns = range(x0 // period, -(-x1 // period))
    moved = [(max(x0 - n * period, 0), min(x1 - n * period, period)) for n in turns]
    return [Window(y0, y1, start, stop) for start, stop in moved if start < stop]


def _carried(window: Window, carrier: Carrier) -> list[Bounds]:
    """Return boxes that hold a window in the other CRS."""
    found: list[Bounds] = []
    pieces = [window]
    for split in range(_SPLITS + 1):
        further: list[Window] = []
        for piece in pieces:
            probes = _probes(piece, carrier)
            finite = np.asarray(np.isfinite(probes).all(axis=0))
            if not finite.any():
                continue
            box = _smooth_box(piece, probes, carrier) if finite.all() else None
            if box is not None:
                found.append(_grown(box))
            elif split < _SPLITS and piece.size > 1:
                further += _quarters(piece)
            else:
                found += _ragged_boxes(probes, finite)
        pieces = further
    return found


def _probes(window: Window, carrier: Carrier) -> Lattice:
    left, bottom, right, top = carrier.grid.bounds(carrier.level, window)
    x, y = np.meshgrid(np.linspace(left, right, _PROBES), np.linspace(top, bottom, _PROBES))
    probes = np.stack(transformer(carrier.grid.crs, carrier.source).transform(x, y))
    return np.where(np.isfinite(probes), probes, np.nan)


def _smooth_box(window: Window, probes: Lattice, carrier: Carrier) -> Bounds | None:
    """Return the box of probes; ``None`` if they jump."""
    around = turn(carrier.source)
    if around is not None and not parse_crs(carrier.grid.crs).is_geographic:
        # PROJ knows whether a pole lies within.
        try:
            box = carry_bounds(carrier.grid.bounds(carrier.level, window), carrier.grid.crs, carrier.source)
        except WindowError:
            return None
        return box[0], box[1], box[2] + (around if box[2] < box[0] else 0.0), box[3]
    if around is not None:
        probes = np.stack([np.unwrap(probes[0], period=around, axis=1), probes[1]])
    for values in probes:
        width = values.max() - values.min()
        bends = [np.abs(np.diff(values, 2, axis)).max() for axis in (0, 1)]
        if width > 0 and max(bends) > _JUMP * width:
            return None
    (x0, y0), (x1, y1) = probes.min(axis=(1, 2)), probes.max(axis=(1, 2))
    return float(x0), float(y0), float(x1), float(y1)


def _grown(box: Bounds) -> Bounds:
    across, up = _MARGIN * (box[2] - box[0]), _MARGIN * (box[3] - box[1])
    return box[0] - across, box[1] - up, box[2] + across, box[3] + up


def _quarters(window: Window) -> Iterator[Window]:
    y, x = (window.y0 + window.y1) // 2, (window.x0 + window.x1) // 2
    for y0, y1 in ((window.y0, y), (y, window.y1)):
        for x0, x1 in ((window.x0, x), (x, window.x1)):
            if y0 < y1 and x0 < x1:
                yield Window(y0, y1, x0, x1)


def _ragged_boxes(probes: Lattice, finite: NDArray[np.bool_]) -> Iterator[Bounds]:
    """Return boxes of probes that do not hang together: one for either side of a jump of x."""
    steps = [np.abs(np.diff(values, axis=axis)) for values in probes for axis in (0, 1)]
    known = np.concatenate([step[np.isfinite(step)] for step in steps])
    # Of the steps between probes only few are jumps.
    margin = _PROBES * float(np.median(known)) if len(known) else 0.0
    x, y = probes[0][finite], probes[1][finite]
    order = np.argsort(x)
    gaps = np.diff(x[order])
    cut = int(np.argmax(gaps)) + 1 if len(gaps) and gaps.max() > _JUMP * (x.max() - x.min()) else 0
    for side in (order[:cut], order[cut:]):
        if len(side):
            yield (
                float(x[side].min() - margin),
                float(y[side].min() - margin),
                float(x[side].max() + margin),
                float(y[side].max() + margin),
            )
