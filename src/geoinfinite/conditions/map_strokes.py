"""Strokes of a map: areas and lines of features in the order of painting, on cells of a level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.conditions.carrier import SNAP, Points
from geoinfinite.conditions.carrying import carried_lines, carried_polygons
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_style import AREAS, Colour, Rule, Style, StyleLayer
from geoinfinite.conditions.vectors import Features, is_sound, mended, shapely_module
from geoinfinite.plane.window import Window

EDGES = 16
"""Edges of a line that are painted at once: of a long line, what is far from a window is left out."""
_LONGEST = 256.0
"""Cells of an edge; longer ones are divided."""
_MOST_PARTS = 2.0**16
"""Parts into which an edge is divided at most."""
_SPARE = 2.0
"""Parts of cells beyond an edge that count as within."""
_CORNERS = 8
"""Corners of a quarter of a round end."""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """A shape in one colour."""

    order: tuple[float, ...]
    """The least is painted first."""
    shape: Any
    """A geometry as `burnt` has it, counted from the corner of a window."""
    colour: Colour


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What is painted on: a window of cells, in a style."""

    cells: Cells
    window: Window
    style: Style

    @property
    def reach(self) -> int:
        """Cells about the window from which lines reach into it."""
        return self.cells.reach(self.style.widest, self.style.unit, self.window)


def strokes_of(
    features: Features, said: list[dict[str, str]], canvas: Canvas, file_layer: int
) -> Iterator[Stroke]:
    """Return the strokes of features near a window, whose attributes are given; in no order."""
    kinds = {tuple(tags.items()): tags for tags in said}
    for number, layer in enumerate(canvas.style.layers):
        rule_of = {kind: _rule_of(tags, layer) for kind, tags in kinds.items()}
        rules = [rule_of[tuple(tags.items())] for tags in said]
        painted = np.flatnonzero([rule >= 0 for rule in rules])
        if not len(painted):
            continue
        paint = _areas if layer.paints == AREAS else _lines
        some = Features(features.named, features.ids[painted], features.geometries[painted], {}, features.crs)
        for feature, order, shape, colour in paint(some, [rules[i] for i in painted], layer, canvas):
            place = file_layer, float(some.ids[feature])
            yield Stroke((number, *order[:2], *place, *order[2:]), shape, colour)


_Painted = Iterator[tuple[int, tuple[float, ...], Any, Colour]]
"""Number of the feature, what decides the order before and after it, shape, colour."""


def _rule_of(said: dict[str, str], layer: StyleLayer) -> int:
    """Return the number of the rule that paints a feature, or -1."""
    if not said:
        return -1
    return next((n for n, rule in enumerate(layer.rules) if rule.suits(said)), -1)


def _areas(features: Features, rules: list[int], layer: StyleLayer, canvas: Canvas) -> _Painted:
    """Paint polygons, the largest first, each with its outline; what has no area is not painted."""
    shapely, carrier = shapely_module(), canvas.cells.carrier(features.crs)
    sound = _only(features, _POLYGONAL)
    broken = ~is_sound(sound.geometries) & ~shapely.is_missing(sound.geometries)
    sound.geometries[broken] = mended(sound.geometries[broken])
    polygons, feature = carried_polygons(sound, carrier)
    if not len(polygons):
        return
    areas = np.bincount(feature, shapely.area(polygons), len(features.ids))
    for moved, near in canvas.cells.copies(polygons, carrier, canvas.window.expand(canvas.reach)):
        for polygon, owner in zip(moved, feature[near].tolist(), strict=True):
            rule = layer.rules[rules[owner]]
            shape = _filled(polygon, canvas)
            if rule.fill is not None and shape is not None:
                yield owner, (0, -areas[owner], 0), shape, rule.fill
        outlined = np.array([layer.rules[rules[owner]].line is not None for owner in feature[near]])
        rings, of = shapely.get_rings(moved[outlined], return_index=True)
        owners = feature[near][outlined][of]
        for owner, shape, rule in _widened(rings, owners, [layer.rules[rules[i]] for i in owners], canvas):
            if rule.line is not None:
                yield owner, (0, -areas[owner], 1), shape, rule.line


def _lines(features: Features, rules: list[int], layer: StyleLayer, canvas: Canvas) -> _Painted:
    """Paint lines in the order of the rules: first all edges, then all lines."""
    carrier = canvas.cells.carrier(features.crs)
    lines, feature = carried_lines(_only(features, _LINEAL), carrier)
    if not len(lines):
        return
    for moved, near in canvas.cells.copies(lines, carrier, canvas.window.expand(canvas.reach)):
        owners = feature[near]
        suited = [layer.rules[rules[i]] for i in owners]
        for is_casing in (True, False):
            for owner, shape, rule in _widened(moved, owners, suited, canvas, is_casing=is_casing):
                colour = rule.casing if is_casing else rule.line
                if colour is not None:
                    yield owner, (0 if is_casing else 1, rules[owner]), shape, colour


_POLYGONAL, _LINEAL = (3, 6, 7), (1, 2, 5, 7)
"""Types of geometries that may hold polygons, and lines, as shapely numbers them."""


def _only(features: Features, types: tuple[int, ...]) -> Features:
    """Return features with geometries of some types; others have none."""
    found = np.isin(shapely_module().get_type_id(features.geometries), types)
    geometries = features.geometries.copy()
    geometries[~found] = None
    return Features(features.named, features.ids, geometries, {}, features.crs)


def _filled(polygon: Any, canvas: Canvas) -> dict[str, Any] | None:
    """Return a polygon as `burnt` has it, without corners that are far away."""
    rings = []
    for ring in shapely_module().get_rings(polygon):
        points = _on_parts(shapely_module().get_coordinates(ring), canvas)
        height, width = (side * canvas.style.samples for side in canvas.window.shape)
        nearby = without_far_corners(points[:-1], width, height)
        if len(nearby) > 2:
            rings.append([*nearby.tolist(), nearby[0].tolist()])
    return {"type": "Polygon", "coordinates": rings} if rings else None


def without_far_corners(points: Points, width: float, height: float) -> Points:
    """Return the corners of a ring without those that do not matter within ``(0, 0, width, height)``.

    Of corners in a row that lie beyond one side the inner ones do not matter: the way from the first to the
    last leads beyond that side too, and so crosses every row as often, but for pairs.
    """
    for axis, edge, sign in ((0, 0.0, -1), (0, width, 1), (1, 0.0, -1), (1, height, 1)):
        beyond = sign * (points[:, axis] - edge) > _SPARE
        if beyond.any():
            points = points[~(np.roll(beyond, 1) & beyond & np.roll(beyond, -1))]
    return points


def _widened(
    lines: NDArray[Any],
    owners: NDArray[np.intp],
    rules: list[Rule],
    canvas: Canvas,
    *,
    is_casing: bool = False,
) -> Iterator[tuple[int, Any, Rule]]:
    """Return lines on cells as shapes of their widths, piece by piece, where they come near the window."""
    if not len(lines):
        return
    style, window = canvas.style, canvas.window
    starts, stops, line, piece = _edges(lines)
    if not len(piece):
        return
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    last = np.append(first[1:], len(piece)) - 1
    of = line[first]
    half = np.array([rule.width / 2 + (rule.casing_width if is_casing else 0.0) for rule in rules])
    if is_casing:
        half[[rule.casing is None for rule in rules]] = 0.0
    radii = canvas.cells.half_widths(half[of], style.unit, starts[first])
    low = np.minimum(np.minimum.reduceat(starts, first), stops[last])
    high = np.maximum(np.maximum.reduceat(starts, first), stops[last])
    low, high = low - radii[:, None] - 1, high + radii[:, None] + 1
    near = (
        (low[:, 0] < window.x1)
        & (high[:, 0] > window.x0)
        & (low[:, 1] < window.y1)
        & (high[:, 1] > window.y0)
    )
    chosen = np.flatnonzero(near & (radii > 0))
    shapes = _buffered(starts, stops, (first[chosen], last[chosen]), radii[chosen], canvas)
    for n, shape in zip(chosen, shapes, strict=True):
        yield int(owners[of[n]]), shape, rules[of[n]]


def _buffered(
    starts: Points,
    stops: Points,
    edges: tuple[NDArray[np.intp], NDArray[np.intp]],
    radii: Any,
    canvas: Canvas,
) -> NDArray[Any]:
    """Return pieces, from edge to edge, as shapes that `burnt` paints."""
    shapely, (first, last) = shapely_module(), edges
    if not len(first):
        return np.zeros(0, object)
    points = [np.concatenate([starts[a : b + 1], stops[b : b + 1]]) for a, b in zip(first, last, strict=True)]
    # Reckoned near its first point, a shape is the same wherever the window lies.
    base = np.floor(starts[first])
    piece = np.repeat(np.arange(len(first)), last - first + 2)
    lines = shapely.linestrings(np.concatenate(points) - base[piece], indices=piece)
    shapes = shapely.buffer(lines, radii, quad_segs=_CORNERS)
    corners, of = shapely.get_coordinates(shapes, return_index=True)
    shapely.set_coordinates(shapes, _on_parts(np.round(corners * SNAP) / SNAP + base[of], canvas))
    return np.asarray(shapes)


def _edges(lines: NDArray[Any]) -> tuple[Points, Points, NDArray[np.intp], NDArray[np.intp]]:
    """Return edges of lines from where to where, the number of the line and of the piece of each."""
    points, line = shapely_module().get_coordinates(lines, return_index=True)
    begins = np.flatnonzero(line[1:] == line[:-1])
    begins = begins[(points[begins] != points[begins + 1]).any(axis=1)]
    along = points[begins + 1] - points[begins]
    parts = np.clip(np.ceil(np.hypot(*along.T) / _LONGEST), 1, _MOST_PARTS).astype(np.intp)
    edge = np.repeat(np.arange(len(begins)), parts)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)
    starts, stops = (
        points[begins][edge] + np.round(along[edge] * (k / parts[edge])[:, None] * SNAP) / SNAP
        for k in (nth, nth + 1)
    )
    line = line[begins][edge]
    within = np.arange(len(line)) - np.searchsorted(line, line)
    is_new = (np.diff(line, prepend=-1) != 0) | (within % EDGES == 0)
    return starts, stops, line, np.cumsum(is_new) - 1


def _on_parts(points: Points, canvas: Canvas) -> Points:
    """Return points on cells as `burnt` has them, counted from the window's corner: exact in binary."""
    return np.asarray((points - (canvas.window.x0, canvas.window.y0)) * canvas.style.samples)
