"""Megabytes per second to a Zarr store with a network that costs nothing, beside Zarr's own writing.

Run ``python -m pytest benchmarks/bench_stream.py --benchmark-enable``.
``ratio`` is the time of the whole job over the
time that Zarr takes to write the same bytes with the same codecs, in the same run.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
import zarr

from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
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
