"""Coordinate reference systems: which ones a grid can lie on, and boxes carried from one to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from geoinfinite.errors import WindowError, WorldError, shorten
from geoinfinite.ignored_warnings import ignored

Bounds = tuple[float, float, float, float]
"""``(left, bottom, right, top)`` in units of a CRS."""

_SIDE = 64
"""Points on each side of a box that is carried to another CRS."""
_LONGEST_NAME = 200
"""Characters of the longest name of a CRS that PROJ is asked for; those that it has, up to 106."""
_NOT_A_NAME = frozenset("[{+:=")
"""Characters of definitions, codes and compound names."""
_HALVINGS = 20
"""How often the widest step is halved to tell a jump from a steep place."""


def parse_crs(text: str) -> CRS:
    """Return the CRS that a text names; raises pyproj's ``CRSError`` for a text that names none."""
    found = _parsed(text)
    if isinstance(found, str):
        raise CRSError(found)
    return found


@lru_cache(maxsize=64)
def _parsed(text: str) -> CRS | str:
    """Return the CRS that a text names, or why it names none: PROJ looks long for what it does not know."""
    if "\0" in text:
        return "it has a null character, where PROJ would stop reading"
    if len(text) > _LONGEST_NAME and not _NOT_A_NAME.intersection(text):
        return f"it is a name of {len(text)} characters, and none has more than {_LONGEST_NAME}"
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        return str(error)
    except RecursionError:
        return "its JSON is nested too deep"


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """Return what carries points ``(x, y)`` or ``(longitude, latitude)`` from one CRS to another.

    Datum grids are not used, even where they are installed or could be downloaded: a point must not lie
    metres apart on two machines.
    """
    crs = parse_crs(source), parse_crs(target)
    # PROJ warns of grids that it would like to have.
    with ignored(UserWarning):
        ways = TransformerGroup(*crs, always_xy=True).transformers
    without = [way for way in ways if not any(part.grids for part in way.operations or ())]
    if len(without) == len(ways) or not without:
        return Transformer.from_crs(*crs, always_xy=True)
    # What a group holds belongs to one thread; made from its text it serves all.
    return Transformer.from_pipeline(without[0].definition)


def horizontal(text: str) -> str:
    """Return the horizontal part of a CRS; of one without heights the text itself.

    >>> horizontal("EPSG:4979"), horizontal("EPSG:32633+5773"), horizontal("EPSG:3857")
    ('EPSG:4326', 'EPSG:32633', 'EPSG:3857')
    """
    crs = parse_crs(text)
    if not crs.is_compound and len(crs.axis_info) < 3:
        return text
    flat = crs.to_2d()
    authority = flat.to_authority()
    name = ":".join(authority) if authority else ""
    return name if name and parse_crs(name) == flat else str(flat.to_wkt())


def is_on_earth(text: str) -> bool:
    """Say whether a CRS is geographic or projected: not geocentric, vertical or local.

    >>> is_on_earth("EPSG:32633"), is_on_earth("EPSG:4978"), is_on_earth("EPSG:5773")
    (True, False, False)
    """
    crs = parse_crs(text)
    return bool(crs.is_geographic or crs.is_projected)


def check_grid_crs(text: str) -> None:
    """Raise `WorldError` unless a text names a CRS with two horizontal axes on the Earth."""
    try:
        crs, flat = parse_crs(text), horizontal(text)
    except CRSError as error:
        raise WorldError(
            f"grid.crs={shorten(text)!r} is not a coordinate reference system that PROJ knows; "
            'write one such as "EPSG:4326"'
        ) from error
    if not is_on_earth(text):
        raise WorldError(
            f"grid.crs={shorten(text)!r} is a {crs.type_name}, whose axes are not a place on the Earth's "
            'surface; write a geographic or projected one such as "EPSG:4326"'
        )
    if flat != text:
        raise WorldError(
            f"grid.crs={shorten(text)!r} has heights, and pixels have none; write its horizontal part, "
            f"grid.crs = {shorten(flat)!r}"
        )


def turn(text: str) -> float | None:
    """Return once round the Earth in units of a geographic CRS; ``None`` for a projected one.

    >>> turn("EPSG:4326"), turn("EPSG:4807"), turn("EPSG:3857")
    (360.0, 400.0, None)
    """
    crs = parse_crs(text)
    if not crs.is_geographic:
        return None
    return round(math.tau / float(crs.axis_info[0].unit_conversion_factor), 9)


def given_crs(text: str) -> CRS:
    """Return the CRS of a ``crs=`` argument; raise `WindowError` for a text that names none."""
    try:
        return parse_crs(text)
    except CRSError as error:
        raise WindowError(
            f"crs={shorten(text)!r} is not a coordinate reference system that PROJ knows; "
            'write one such as "EPSG:4326"'
        ) from error


def carry_bounds(box: Bounds, source: str, target: str) -> Bounds:
    """Return the bounds of a box in another CRS; ``left > right`` where they cross the antimeridian."""
    try:
        out = transformer(source, target).transform_bounds(*box, densify_pts=21, errcheck=True)
    except (ProjError, CRSError) as error:
        raise _not_carried(box, source, target, str(error)) from error
    return (float(out[0]), float(out[1]), float(out[2]), float(out[3]))


def carry_over_seams(box: Bounds, source: str, target: str, period: float | None, shown: str = "") -> Bounds:
    """Return the bounds of a box in another CRS, ``left <= right``, also where that CRS is cut open.

    ``period`` is what x grows by in one turn of the target; with it a box over the cut runs on past it.
    Without one such a box has no bounds: they would be nearly the whole Earth. Raises `WindowError`, which
    names the box as ``shown``.

    >>> earth = 40_075_016.685578488
    >>> left, _, right, _ = carry_over_seams((178, -1, 182, 1), "EPSG:4326", "EPSG:3857", earth)
    >>> round(left / earth * 360, 9), round(right / earth * 360, 9)
    (178.0, 182.0)
    """
    half = turn(source)
    if half is None and parse_crs(target).is_geographic:
        # Over a pole every meridian is met; PROJ knows, and points along the sides would not.
        return _unfolded(carry_bounds(box, source, target), period)
    x, y = _carried(_ring(box), box, source, target)
    if _jumps(box, source, target):
        if period is None:
            raise WindowError(
                f"{shown or box} in {shorten(source)} lies over the line where {shorten(target)} is cut, "
                "and the grid ends there (grid.periodic=false); ask for the two sides one by one"
            )
        x = np.unwrap(x, period=period)
    elif half is None or -half / 2 <= box[0] <= box[2] <= half / 2:
        return _unfolded(carry_bounds(box, source, target), period)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _unfolded(box: Bounds, period: float | None) -> Bounds:
    left, bottom, right, top = box
    return left, bottom, right + (period or 0.0 if right < left else 0.0), top


def _ring(box: Bounds) -> NDArray[np.float64]:
    """Return points ``(2, n)`` along the sides of a box, once round from its lower left corner."""
    left, bottom, right, top = box
    across, up = np.linspace(left, right, _SIDE), np.linspace(bottom, top, _SIDE)
    x = np.concatenate([across, np.full(_SIDE, right), across[::-1], np.full(_SIDE, left)])
    y = np.concatenate([np.full(_SIDE, bottom), up, np.full(_SIDE, top), up[::-1]])
    return np.stack([x, y])


def _carried(points: NDArray[np.float64], box: Bounds, source: str, target: str) -> NDArray[np.float64]:
    carried = np.stack(transformer(source, target).transform(*points))
    if not np.isfinite(carried).all():
        raise _not_carried(box, source, target, "some of their points have no place in it")
    return carried


def _jumps(box: Bounds, source: str, target: str) -> bool:
    """Say whether x in the target CRS jumps along the lower or the upper side of a box.

    A step of a continuous function shrinks as its ends draw together; a jump does not.
    """
    for y in (box[1], box[3]):
        ends, count, first, last = (box[0], box[2]), _SIDE, None, 0.0
        for _ in range(_HALVINGS):
            at = np.linspace(*ends, count)
            steps = np.abs(np.diff(_carried(np.stack([at, np.full(count, y)]), box, source, target)[0]))
            widest = int(steps.argmax())
            ends, count, last = (at[widest], at[widest + 1]), 3, float(steps[widest])
            first = last if first is None else first
        if first and last > first / 100:
            return True
    return False


def _not_carried(box: Sequence[float], source: str, target: str, why: str) -> WindowError:
    return WindowError(
        f"bounds {tuple(box)} cannot be carried from {shorten(source)} to {shorten(target)}: {why}; "
        "give them in the grid's own CRS"
    )
