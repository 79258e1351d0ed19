"""What fusing tiles after every step costs an export: memory, disk, evaluations and time, by rows of shards.

Run ``python -m pytest benchmarks/bench_layers.py --benchmark-enable -s``. Every case is a process of its own,
so that its peak memory is its own. The width stays the same while the rows grow: memory and disk must not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
from faulty_objects import FaultyObjects

from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.samplers.presets import IndependentTiles, MultiDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

LEVEL, TOP, LEFT = 2, 11_000, 44_800
"""Around the Alps."""
TILE, STRIDE, SHARD, COLUMNS = 64, 48, 192, 4
SAMPLERS: dict[str, TiledSampler] = {
    "multidiffusion": MultiDiffusion(steps=20, tile=TILE, stride=STRIDE),
    "independent": IndependentTiles(steps=20, tile=TILE, stride=STRIDE),
}
QUICK_STEPS = 3


def measure(name: str, rows: int, steps: int, path: str) -> dict[str, float]:
    """Export a window of some rows of shards; return what it took of this process and of the disk."""
    earth = worldfile.load("earth", Recipe)
    world = earth.replace(
        model=ModelReference("analytic:gaussian"),
        conditions=(),
        sampler=replace(SAMPLERS[name], steps=steps),
        numerics=Numerics(micro_batch=4),
    )
    window = Window(TOP, TOP + rows * SHARD, LEFT, LEFT + COLUMNS * SHARD)
    plan = plan_window(world, LEVEL, window, shard=SHARD)
    sheets: dict[str, int] = {}
    peaks = [0]

    def weigh(operation: str, name: str) -> None:
        if not name.startswith("layers/"):
            return
        if operation == "put":
            sheets[name] = (Path(path) / name).stat().st_size
            peaks.append(sum(sheets.values()))
        elif operation == "delete":
            sheets.pop(name, None)

    began = time.perf_counter()
    with dask.config.set(scheduler="synchronous"):
        report = write_zarr(plan, FaultyObjects(open_objects(path), after=weigh))
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "memory_mb": peak_memory() / 1e6,
        "disk_mb": max(peaks) / 1e6,
        "evaluations": float(report.evaluations),
        "evaluations_per_megapixel": plan.stages[-1].evaluations / (window.size / 1e6),
    }


def peak_memory() -> int:
    """Return the most bytes that this process ever held; a child's `getrusage` would count its parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def apart(name: str, rows: int, steps: int, path: Path) -> dict[str, float]:
    """Measure in a process of its own."""
    call = f"bench_layers.measure({name!r}, {rows}, {steps}, {str(path)!r})"
    # What this process finds by name, support of tests among it, its child does too.
    code = f"import sys, json; sys.path[:0] = {sys.path!r}; import bench_layers; print(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux")
@pytest.mark.slow
def test_layers(benchmark: Any, tmp_path: Path) -> None:
    """Export 4, 8 and 16 rows of shards with a fusion after every step, and 8 with one at the end."""
    rows, steps = ((4, 8, 16), 20) if benchmark.enabled else ((1, 2), QUICK_STEPS)
    found: dict[str, dict[str, float]] = {}

    def export() -> None:
        for name, number in [("independent", rows[1]), *(("multidiffusion", r) for r in rows)]:
            found[f"{name} {number}"] = apart(name, number, steps, tmp_path / f"{name}-{number}.zarr")

    benchmark.pedantic(export, rounds=1)
    alone, fused = found[f"independent {rows[1]}"], found[f"multidiffusion {rows[1]}"]
    shortest, longest = (found[f"multidiffusion {rows[i]}"] for i in (0, -1))
    benchmark.extra_info.update(
        {f"{case} rows: {key}": round(value, 2) for case, one in found.items() for key, value in one.items()}
    )
    benchmark.extra_info["memory, longest over shortest"] = longest["memory_mb"] / shortest["memory_mb"]
    benchmark.extra_info["disk, longest over shortest"] = longest["disk_mb"] / shortest["disk_mb"]
    benchmark.extra_info["wall, fused over alone"] = fused["seconds"] / alone["seconds"]
    benchmark.extra_info["evaluations, fused over alone"] = fused["evaluations"] / alone["evaluations"]
    if benchmark.enabled:
        for case, one in found.items():
            print(f"\n{case:20}", *(f"{key}={value:.1f}" for key, value in one.items()), end="")
        assert longest["memory_mb"] < 1.1 * shortest["memory_mb"]
        assert longest["disk_mb"] < 1.1 * shortest["disk_mb"]
