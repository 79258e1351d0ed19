"""Of many that begin at one moment, one wins and the others join or are told; nothing is left over."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import store_jobs
from s3_server import S3Server
from simultaneous import TOLD, run_at_once

from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import write_zarr

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

STARTS = 12


def small(ring: Recipe) -> Plan:
    """A window of level 2 in four shards on one."""
    return plan_window(ring, 2, Window(13, 84, -20, 57), shard=48)


def names_left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".tif" or p.stem != "ring")


def check_told(outcomes: list[str], *reasons: str) -> None:
    """Everyone is done, or told in one of some ways; at least one is done."""
    for outcome in outcomes:
        assert outcome == "done" or (outcome.startswith(TOLD) and any(r in outcome for r in reasons)), outcome
    assert "done" in outcomes


def test_one_plan_begun_by_many_at_once(ring: Recipe, tmp_path: Path) -> None:
    plan = small(ring)
    write_zarr(plan, tmp_path / "clean.zarr")
    clean = store_jobs.contents(tmp_path / "clean.zarr")
    store = tmp_path / "a.zarr"
    outcomes = run_at_once([(write_zarr, (plan, store))] * STARTS)
    check_told(outcomes, "is being written by another process; wait for it")
    assert verify(store)
    assert store_jobs.contents(store) == clean
    assert names_left(tmp_path) == ["a.zarr", "clean.zarr"]


def test_different_plans_begun_at_once(ring: Recipe, tmp_path: Path) -> None:
    plans = [small(ring.replace(seed=seed)) for seed in range(4)]
    store = tmp_path / "a.zarr"
    outcomes = run_at_once([(write_zarr, (plans[i % 4], store)) for i in range(STARTS)])
    check_told(outcomes, "holds another job: world.seed=", "is being written by another process")
    winners = {i % 4 for i, outcome in enumerate(outcomes) if outcome == "done"}
    assert len(winners) == 1
    assert verify(store)
    pixels = generate(plans[winners.pop()].recipe, 2, plans[0].window)
    assert (store_jobs.pixels(store, 2)[:] == pixels).all()
    assert names_left(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize(("write", "name"), [(write_cog, "a.tif"), (write_png, "a.png")])
def test_one_file_begun_by_many_at_once(ring: Recipe, tmp_path: Path, write: Any, name: str) -> None:
    plan = small(ring)
    outcomes = run_at_once([(write, (plan, tmp_path / name))] * STARTS)
    told = "is being written by another process", "was removed by another process", f"{name} exists; choose"
    check_told(outcomes, *told)
    assert Counter(outcomes)["done"] == 1
    with rasterio.open(tmp_path / name) as file:
        assert (file.read() == generate(ring, 2, plan.window)).all()
    assert names_left(tmp_path) == [name]


def test_one_plan_begun_by_many_at_once_in_a_bucket(ring: Recipe, tmp_path: Path, s3: S3Server) -> None:
    plan = small(ring)
    write_zarr(plan, tmp_path / "clean.zarr")
    url = f"{s3.bucket(f'b{uuid.uuid4()}')}/a.zarr"
    store = open_objects(url, s3.options)
    outcomes = run_at_once([(write_zarr, (plan, store))] * 4)
    assert outcomes == ["done"] * 4
    assert verify(url, storage_options=s3.options)
    assert {name: store.get(name) for name in store.names()} == store_jobs.contents(tmp_path / "clean.zarr")


def test_different_plans_begun_at_once_in_a_bucket(ring: Recipe, s3: S3Server) -> None:
    plans = [small(ring), small(ring.replace(seed=12))]
    store = open_objects(f"{s3.bucket(f'b{uuid.uuid4()}')}/a.zarr", s3.options)
    outcomes = run_at_once([(write_zarr, (plan, store)) for plan in plans * 2])
    check_told(outcomes, "holds another job: world.seed=")
    assert [outcome == "done" for outcome in outcomes] in ([True, False] * 2, [False, True] * 2)
    assert verify(store)
    winner = plans[int(outcomes[0] != "done")]
    assert np.array_equal(store_jobs.pixels(store, 2)[:], generate(winner.recipe, 2, winner.window))
