"""What a tile of 512 px is told out of a file of 200 000 boxes, as boxes and as a map: time and memory.

Run ``python -m pytest benchmarks/bench_vectors.py --benchmark-enable -s`` on an idle machine. ``seconds``
is the median over tiles of another place each; ``whole`` what reading all of the file takes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from geoinfinite.conditions import Boxes, Map, Place
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

GRID = Grid("EPSG:32632", (400_000.0, 5_200_000.0), 1.0, (200_000, 200_000))
SLOT = Slot("boxes", "boxes", most=20)
HINT = Slot("hint", "raster", channels=3, span=(0.0, 1.0))
DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf"}
MEMORY = """
import json, sys
import bench_vectors as bench

def peak():
    # What getrusage says of a new process holds the peak of its parent too.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

ask = bench.ASKED[sys.argv[2]]
ask(sys.argv[3], 100, 100)
before = peak()
for n in range(10):
    ask(sys.argv[1], 3_000 + 17_003 * n, 190_000 - 18_041 * n)
print(json.dumps((peak() - before) / 1024))
"""


def written(path: Path, count: int) -> str:
    """Write a file of boxes that are turned, all over the grid."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(4e5, 6e5, count), rng.uniform(5e6, 5.2e6, count)
    across, up, angle = rng.uniform(5, 60, count), rng.uniform(5, 60, count), rng.uniform(0, np.pi, count)
    cos, sin = np.cos(angle), np.sin(angle)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    corners = [
        np.stack([x + a * across * cos - b * up * sin, y + a * across * sin + b * up * cos], axis=1)
        for a, b in signs
    ]
    classes = rng.integers(0, 20, count).astype(str).astype(object)
    polygons = shapely.to_wkb(shapely.polygons(np.stack(corners, axis=1)))
    facts = {"crs": GRID.crs, "geometry_type": "Polygon", "driver": DRIVERS[path.suffix]}
    pyogrio.raw.write(str(path), polygons, [classes], ["class"], **facts)
    return str(path)


def boxes_told(path: str, y: int, x: int) -> int:
    """Ask for the boxes of a tile; return how many there are."""
    place = Place(GRID, 0, Window(y, y + 512, x, x + 512))
    return len(Boxes("boxes", path, column="class").told(place, SLOT).classes)


def map_told(path: str, y: int, x: int) -> int:
    """Ask for a tile of a map of the same file; return how many pixels are no background."""
    masks = {"column": "class", "colours": tuple((str(n), (n + 1, 9, 9)) for n in range(20))}
    asked = Map("hint", path, style="plain", **masks)
    return int(np.count_nonzero(asked.told(Place(GRID, 0, Window(y, y + 512, x, x + 512)), HINT)[1]))


ASKED = {"boxes": boxes_told, "map": map_told}


@pytest.mark.parametrize("what", list(ASKED))
@pytest.mark.parametrize("ending", list(DRIVERS))
def test_a_tile_out_of_many_boxes(benchmark: Any, tmp_path: Path, ending: str, what: str) -> None:
    """Time tiles, and a whole read."""
    path, ask = written(tmp_path / f"many{ending}", 200_000 if benchmark.enabled else 2_000), ASKED[what]
    places = iter(np.random.default_rng(2).integers(0, 199_000, (1000, 2)).tolist())
    counts = []
    Boxes("boxes", path, column="class").check(SLOT, GRID, 0)
    benchmark.pedantic(lambda: counts.append(ask(path, *next(places))), rounds=60, iterations=1)
    start = time.perf_counter()
    pyogrio.raw.read(path)
    benchmark.extra_info.update(whole_seconds=time.perf_counter() - start, most_told=max(counts))
    assert not benchmark.enabled or max(counts) > 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("what", list(ASKED))
@pytest.mark.parametrize("ending", list(DRIVERS))
def test_memory_does_not_grow_with_the_file(benchmark: Any, tmp_path: Path, ending: str, what: str) -> None:
    """Measure in fresh processes by how much ten tiles raise the peak, with a small file and a large one."""
    grown = {}
    first = written(tmp_path / f"first{ending}", 50)
    for count in (2_000, 200_000) if benchmark.enabled else (500,):
        path = written(tmp_path / f"{count}{ending}", count)
        command = [sys.executable, "-c", MEMORY, path, what, first]
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        grown[count] = json.loads(done.stdout)
    benchmark.extra_info.update({f"mebibytes_{count}": value for count, value in grown.items()})
    benchmark.pedantic(lambda: None, rounds=1)
    assert max(grown.values()) < 64
