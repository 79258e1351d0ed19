"""What a store costs besides its network: megabytes per second, milliseconds per shard, memory by shards.

Run ``python -m pytest benchmarks/bench_stream.py --benchmark-enable -s``.
``ratio`` is the time of the whole job over the time that Zarr takes to write the same bytes with the same
codecs, in the same run.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dask
import pytest
import zarr

from geoinfinite.engine import draw, process_resources, read, resolve
from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_stages, plan_window
from geoinfinite.stores.pools.settings import RunSettings
from geoinfinite.stores.writing import write_zarr

ALPS = Window(2640, 4560, 11_220, 13_140)
"""1920 x 1920 px of level 1 around the Alps."""


def seconds_of_zarr(path: Path, store: Path, plan: Plan) -> float:
    """Write a finished store's pixels with Zarr alone, shard by shard."""
    image = layout.open_image(open_objects(store), plan.level)
    pixels = image[:]
    array = zarr.create_array(
        path, shape=image.shape, shards=image.shards, chunks=image.chunks, dtype=image.dtype,
        compressors=image.compressors, fill_value=0, config={"write_empty_chunks": True},
    )  # fmt: skip
    stage = plan.stages[-1]
    began = time.perf_counter()
    for row in range(stage.rows):
        for column in range(stage.columns):
            y, x = stage.shard_window(row, column).slices(stage.window)
            array[:, y, x] = pixels[:, y, x]
    return time.perf_counter() - began


@pytest.mark.parametrize("steps", [1, 8])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_stream(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, steps: int, scheduler: str
) -> None:
    """Draw and store a window, then let Zarr store it again."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:zero", "zero_cost:ZeroModel")
    earth = worldfile.load("earth", Recipe)
    world = earth.replace(
        model=ModelReference("analytic:zero"),
        conditions=(),
        sampler=replace(earth.sampler, steps=steps),
        numerics=replace(earth.numerics, device="cpu"),
    )
    plan, store = plan_window(world, 1, ALPS), tmp_path / "a.zarr"

    def write() -> None:
        shutil.rmtree(store, ignore_errors=True)
        with dask.config.set(scheduler=scheduler, num_workers=2):
            write_zarr(plan, store)

    began = time.perf_counter()
    benchmark.pedantic(write, rounds=1)
    seconds = time.perf_counter() - began
    alone = seconds_of_zarr(tmp_path / "zarr.zarr", store, plan)
    benchmark.extra_info["MB per second"] = round(plan.bytes / seconds / 1e6, 1)
    benchmark.extra_info["MB per second, Zarr alone"] = round(plan.bytes / alone / 1e6, 1)
    benchmark.extra_info["ratio"] = round(seconds / alone, 1)
    benchmark.extra_info["milliseconds per tile"] = round(1e3 * seconds / plan.tiles, 2)


def small_shards(shards: int) -> Plan:
    """Return a plan of level 1 in shards of one stride, whose tiles take no more than a closed formula."""
    earth = worldfile.load("earth", Recipe)
    world = earth.replace(
        model=ModelReference("analytic:gaussian"),
        conditions=(),
        sampler=replace(earth.sampler, solver="euler", steps=1, tile=32, stride=24),
        numerics=replace(earth.numerics, device="cpu"),
    )
    return plan_window(world, 1, Window(2640, 2640 + 24 * shards // 20, 11_220, 11_220 + 24 * 20), shard=24)


def milliseconds_of_drawing(plan: Plan) -> float:
    """Draw the shards of a row with nothing around them."""
    stage, resources = plan.stages[-1], process_resources()
    parent = partial(read, stage.source.parent, resources=resources)
    began = time.perf_counter()
    for column in range(stage.columns):
        draw(stage.source, stage.shard_window(0, column), parent, resources)
    return 1e3 * (time.perf_counter() - began) / stage.columns


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("where", ["synchronous", "threads", "cluster"])
def test_overhead_of_a_shard(benchmark: Any, tmp_path: Path, where: str) -> None:
    """Write shards of four tiles, and resume the finished store."""
    distributed = pytest.importorskip("distributed")
    plan, store = small_shards(1000 if benchmark.enabled else 20), tmp_path / "a.zarr"
    found = {"drawing alone": milliseconds_of_drawing(plan)}
    with contextlib.ExitStack() as stack:
        client = None
        if where == "cluster":
            cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
            client = stack.enter_context(
                distributed.Client(stack.enter_context(cluster), set_as_default=False)
            )
        stack.enter_context(dask.config.set(scheduler="threads" if client else where, num_workers=2))
        settings = RunSettings(client=client)
        if client is not None:
            client.run(milliseconds_of_drawing, plan)

        def write() -> None:
            for what in ("write", "resume"):
                began = time.perf_counter()
                write_zarr(plan, store, settings=settings)
                found[what] = 1e3 * (time.perf_counter() - began) / plan.shards

        benchmark.pedantic(write, rounds=1)
    found["beside the drawing"] = found["write"] - found["drawing alone"]
    benchmark.extra_info.update({f"{key}, ms per shard": round(value, 2) for key, value in found.items()})
    if benchmark.enabled:
        print(f"\n{where:12}", *(f"{key} {value:.2f} ms;" for key, value in found.items()), end="")


def memory_of(shards: int, path: str) -> dict[str, float]:
    """Write that many shards that are read from the root raster; return the memory that this added."""
    root = resolve(worldfile.load("earth", Recipe), 0)
    columns = 400 if shards >= 400 else 10

    def plan(window: Window) -> Plan:
        return plan_stages(root, window, lambda level, needed: 12)

    # A few shards first, so that what every job loads is there.
    write_zarr(plan(Window(0, 12, 0, 120)), f"{path}-warm")
    window = Window(12, 12 + 12 * shards // columns, 0, 12 * columns)
    before, began = peak_memory(), time.perf_counter()
    with dask.config.set(scheduler="synchronous"):
        report = write_zarr(plan(window), path)
    seconds = time.perf_counter() - began
    return {"shards": report.drawn, "mb": (peak_memory() - before) / 1e6, "ms": 1e3 * seconds / report.drawn}


def peak_memory() -> int:
    """Return the most bytes that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux")
def test_memory_by_shards(benchmark: Any, tmp_path: Path) -> None:
    """Write 10^3 and 10^5 shards, each number in a process of its own."""
    found = []

    def write() -> None:
        for shards in (1_000, 88_000) if benchmark.enabled else (30, 60):
            call = f"bench_stream.memory_of({shards}, {str(tmp_path / str(shards))!r})"
            done = subprocess.run(
                [sys.executable, "-c", f"import json, bench_stream; print(json.dumps({call}))"],
                cwd=Path(__file__).parent, check=True, capture_output=True, text=True,
            )  # fmt: skip
            found.append(json.loads(done.stdout))

    benchmark.pedantic(write, rounds=1)
    few, many = found
    benchmark.extra_info["MB more"] = round(many["mb"] - few["mb"], 1)
    if benchmark.enabled:
        print(f"\n{few} {many}", end="")
        assert many["mb"] - few["mb"] < 50
