"""Levels whose tiles are fused between layers: the pixels of single windows, by any scheduler and shards."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
import store_jobs
import xarray as xr
from drawings import UNCACHED
from faulty_objects import FaultyObjects, Nth
from preset_cases import MODELS, PRESET_CASES

from geoinfinite.engine import generate
from geoinfinite.errors import StoreError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import LevelSettings, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import EarlySync, IndependentTiles, MultiDiffusion
from geoinfinite.stores import ledger
from geoinfinite.stores.jobs.sheets import StageSheets, TaskId
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.pools.settings import RunSettings
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr

PIXELS, LATENT = MODELS
CASES = [(PIXELS, case) for case in PRESET_CASES]
CASES += [(LATENT, c) for c in ("independent", "multidiffusion", "earlysync", "spotdiffusion", "charted")]


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def written(plan: Plan, path: Path) -> None:
    """Write a plan's store, and check that its pixels are those of `generate`."""
    report = write_zarr(plan, path)
    assert (report.tiles, report.evaluations) == (plan.tiles, plan.evaluations)
    assert not (path / "layers").exists()
    assert verify(path).ok
    for stage in plan.stages:
        pixels = generate(plan.recipe, stage.level, stage.window, resources=UNCACHED)
        assert (store_jobs.pixels(path, stage.level)[:] == pixels).all()


@pytest.mark.parametrize(("model", "case"), CASES)
def test_a_strip_across_the_antimeridian(ring: Recipe, tmp_path: Path, model: str, case: str) -> None:
    world = store_jobs.layered(ring, case, model)
    # The shards of levels of one layer are whole strides.
    written(plan_window(world, 2, Window(7, 68, -37, 90), shard=48), tmp_path / "a.zarr")


@pytest.mark.parametrize(("model", "shard"), [(PIXELS, 20), (PIXELS, 130), (LATENT, 36)])
def test_shards_of_any_side_hold_the_same_pixels(
    ring: Recipe, tmp_path: Path, model: str, shard: int
) -> None:
    world = store_jobs.layered(ring, "infinitediffusion cuts", model)
    written(plan_window(world, 2, Window(7, 50, -31, 44), shard=shard), tmp_path / "a.zarr")


@pytest.mark.parametrize(("model", "case"), [(PIXELS, "multidiffusion"), (LATENT, "spotdiffusion")])
def test_a_whole_level_once_round(ring: Recipe, tmp_path: Path, model: str, case: str) -> None:
    world = store_jobs.layered(ring, case, model)
    for x0 in (0, -29):
        plan = plan_window(world, 1, Window(0, 48, x0, x0 + 96), shard=40)
        written(plan, tmp_path / f"{x0}.zarr")


@pytest.mark.parametrize(("model", "case"), [(PIXELS, "spotdiffusion"), (LATENT, "multidiffusion")])
def test_a_corner_of_a_bounded_grid(patch: Recipe, tmp_path: Path, model: str, case: str) -> None:
    written(store_jobs.corner(store_jobs.layered(patch, case, model), 40), tmp_path / "a.zarr")


def test_levels_have_samplers_of_their_own(ring: Recipe, tmp_path: Path) -> None:
    alone = IndependentTiles(steps=3, tile=32, stride=24)
    fused = MultiDiffusion(steps=3, tile=32, stride=24)
    for number, (first, second) in enumerate([(fused, alone), (alone, fused)]):
        world = ring.replace(
            sampler=first,
            levels=(LevelSettings(2, second),),
            numerics=store_jobs.layered(ring).numerics,
        )
        plan = store_jobs.crossing(world)
        assert [s.layered for s in plan.stages] == [first is fused, second is fused]
        written(plan, tmp_path / f"{number}.zarr")


@pytest.mark.parametrize(("root", "fine"), [("planet", "gaussian"), ("latent-planet", "latent")])
def test_a_generated_root_is_drawn_in_layers(ring: Recipe, tmp_path: Path, root: str, fine: str) -> None:
    sampler = EarlySync(steps=4, tile=32, stride=24, synced=2)
    world = store_jobs.layered(ring, "multidiffusion", f"analytic:{fine}").replace(
        root=Root("generated"),
        levels=(LevelSettings(0, replace(sampler, consistency="none"), ModelReference(f"analytic:{root}")),),
        grid=replace(ring.grid, shape=(96, 192), resolution=1.875),
    )
    plan = plan_window(world, 1, Window(100, 170, -50, 20), shard=48)
    assert [(s.level, s.layered) for s in plan.stages] == [(0, True), (1, True)]
    written(plan, tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("scheduler", "model", "case"),
    [
        ("threads", "analytic:gaussian", "multidiffusion"),
        ("threads", "analytic:latent", "spotdiffusion"),
        ("threads", "analytic:gaussian", "charted"),
        pytest.param("processes", "analytic:latent", "multidiffusion", marks=pytest.mark.slow),
    ],
)
def test_schedulers_write_the_same_bytes(
    ring: Recipe, tmp_path: Path, scheduler: str, model: str, case: str
) -> None:
    plan = store_jobs.strip(store_jobs.layered(ring, case, model))
    write_zarr(plan, tmp_path / "one.zarr")
    with dask.config.set(scheduler=scheduler, num_workers=2):
        report = write_zarr(plan, tmp_path / "other.zarr", settings=RunSettings(look_ahead=23))
    assert (report.drawn, report.tiles, report.evaluations) == (plan.shards, plan.tiles, plan.evaluations)
    assert store_jobs.contents(tmp_path / "one.zarr") == store_jobs.contents(tmp_path / "other.zarr")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set(scheduler=None),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "case"),
    [(PIXELS, "multidiffusion"), (LATENT, "earlysync"), (PIXELS, "spotdiffusion"), (LATENT, "charted")],
)
def test_a_cluster_writes_the_same_bytes(
    ring: Recipe, tmp_path: Path, client: Any, model: str, case: str
) -> None:
    plan = store_jobs.strip(store_jobs.layered(ring, case, model))
    write_zarr(plan, tmp_path / "one.zarr")
    with dask.config.set(scheduler="distributed"):
        report = write_zarr(plan, tmp_path / "other.zarr")
        again = write_zarr(plan, tmp_path / "other.zarr")
    assert (report.drawn, report.tiles, report.evaluations) == (plan.shards, plan.tiles, plan.evaluations)
    assert (again.drawn, again.tiles) == (0, 0)
    assert store_jobs.contents(tmp_path / "one.zarr") == store_jobs.contents(tmp_path / "other.zarr")


def above(sheets: StageSheets, place: TaskId) -> set[TaskId]:
    """Return the shards that a sheet's cone upwards meets."""
    ring = {place}
    while next(iter(ring))[0] < len(sheets.layers):
        ring = {reader for sheet in ring for reader in sheets.readers(sheet)}
    return ring


BAD, BAD_NAME = (2, 0, 1), "layers/2/2/0-1.npy"


@pytest.mark.parametrize(("scheduler", "look_ahead"), [("synchronous", 7), ("threads", 256)])
def test_a_sheet_that_fails_stops_those_above_it_and_no_other(
    ring: Recipe, tmp_path: Path, look_ahead: int, scheduler: str
) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    lost = above(StageSheets(plan.stages[-1]), BAD)
    assert 0 < len(lost) < plan.stages[-1].shards
    write_zarr(plan, tmp_path / "clean.zarr")
    with (
        dask.config.set(scheduler=scheduler, num_workers=2),
        pytest.raises(
            StoreError,
            match=rf"^{len(lost)} of {plan.shards} shards of .*a.zarr failed: level 2 layer 2 sheet \(0, 1\) "
            r"\(ValueError: no luck\); the others are kept: geoinfinite resume .*a.zarr$",
        ),
    ):
        write_zarr(plan, store_jobs.Sabotage(BAD_NAME).at(path), settings=RunSettings(look_ahead=look_ahead))
    assert len(store_jobs.records(path)) == plan.shards - len(lost)
    assert (path / "layers").is_dir()
    report = resume_store(path)
    assert report.drawn == len(lost)
    # Nothing is drawn twice: neither what was kept nor what was dropped is needed again.
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_sheet_that_fails_on_a_cluster_does_not_hang_it(ring: Recipe, tmp_path: Path, client: Any) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    lost = above(StageSheets(plan.stages[-1]), BAD)
    said = (
        rf"^{len(lost)} of {plan.shards} shards of .*: level 2 layer 2 sheet \(0, 1\) \(ValueError: no luck\)"
    )
    settings = RunSettings(client=client)
    with pytest.raises(StoreError, match=said):
        write_zarr(plan, store_jobs.Sabotage(BAD_NAME).at(path), settings=settings)
    assert resume_store(path, settings=settings).drawn == len(lost)
    assert (store_jobs.pixels(path, 2)[:] == generate(plan.recipe, 2, plan.window)).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("patience", [0, 3])
def test_a_worker_that_dies_does_not_hang_the_job(
    ring: Recipe, tmp_path: Path, client: Any, patience: int
) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    client.cluster.scheduler.allowed_failures = patience
    deadly, settings = store_jobs.Sabotage(BAD_NAME, str(tmp_path / "died")), RunSettings(client=client)
    if patience:
        assert write_zarr(plan, deadly.at(path), settings=settings).shards == plan.shards
    else:
        # Another task that waited on the worker that died is blamed as well.
        with pytest.raises(StoreError, match=r"shards of .*a.zarr failed: .*KilledWorker"):
            write_zarr(plan, deadly.at(path), settings=settings)
        resume_store(path)
    assert (tmp_path / "died").exists()
    assert (store_jobs.pixels(path, 2)[:] == generate(plan.recipe, 2, plan.window)).all()
    assert not (path / "layers").exists()


def test_a_full_disk_stops_the_job_and_keeps_what_is_there(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    error = OSError(errno.ENOSPC, "No space left on device")
    full = Nth(
        60,
        error,
        lambda name: re.match(r"layers/|ledger/(parents/)?\d/c/|(parents/)?\d/image/c/", name) is not None,
    )
    with pytest.raises(StoreError, match=r"No space left on device\); stopped there; the others are kept"):
        write_zarr(plan, FaultyObjects(open_objects(path), full))
    assert full.count == 61
    report = resume_store(path)
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_readers_see_no_layers_while_a_store_is_written(ring: Recipe, tmp_path: Path) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    with pytest.raises(store_jobs.PowerCut, match="dark"):
        write_zarr(plan, store_jobs.cut_after(50, path))
    assert store_jobs.files_of_layers(path)
    assert {problem.state for problem in verify(path).problems} == {ledger.State.MISSING}
    with xr.open_datatree(path, engine="zarr") as tree:
        assert set(tree.children) == {"2"}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_parts_make_the_store_of_the_whole_job(ring: Recipe, tmp_path: Path, order: tuple[int, ...]) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    for number in order:
        write_zarr(plan, path, part=(number, 3))
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_a_part_that_was_cut_goes_on_from_its_own_sheets(ring: Recipe, tmp_path: Path) -> None:
    plan, path, saved = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr", store_jobs.Saved()
    write_zarr(plan, saved.watching(tmp_path / "whole.zarr"), part=(2, 2))
    with pytest.raises(store_jobs.PowerCut, match="dark"):
        write_zarr(plan, store_jobs.cut_after(50, path), part=(2, 2))
    assert {f.parts[-4] for f in store_jobs.files_of_layers(path)} == {"part-2-of-2"}
    # The other part neither uses these sheets nor removes them.
    write_zarr(plan, path, part=(1, 2))
    again = store_jobs.Saved()
    write_zarr(plan, again.watching(path), part=(2, 2))
    assert 50 + len(again.sheets) == len(saved.sheets)
    assert verify(path).ok
    assert store_jobs.files_of_layers(path) == []


def test_levels_have_models_of_their_own(ring: Recipe, tmp_path: Path) -> None:
    world = store_jobs.layered(ring).replace(
        levels=(LevelSettings(2, model=ModelReference("analytic:latent")),)
    )
    written(store_jobs.strip(world), tmp_path / "a.zarr")
