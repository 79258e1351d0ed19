"""Levels whose tiles are fused between layers: the pixels of single windows, by any scheduler and shards."""

from __future__ import annotations

import errno
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
from geoinfinite.stores import ledger, running, shards
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.sheet_files import SheetFiles
from geoinfinite.stores.sheets import Place, StageSheets
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
        pixels = generate(plan.world, stage.level, stage.window, resources=UNCACHED)
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
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str, model: str, case: str
) -> None:
    if scheduler == "threads":
        # Their ends fall between sheets that read each other.
        monkeypatch.setattr(running, "BATCH", 23)
    plan = store_jobs.strip(store_jobs.layered(ring, case, model))
    write_zarr(plan, tmp_path / "one.zarr")
    with dask.config.set(scheduler=scheduler, num_workers=2):
        report = write_zarr(plan, tmp_path / "other.zarr")
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


def failing(place: Place, error: Exception) -> Any:
    """Return a `SheetFiles.save` that fails at one sheet of level 2."""
    plain = SheetFiles.save

    def save(scratch: SheetFiles, where: Place, tiles: Any) -> None:
        if scratch.level == 2 and where == place:
            raise error
        plain(scratch, where, tiles)

    return save


def above(sheets: StageSheets, place: Place) -> set[Place]:
    """Return the shards that a sheet's cone upwards meets."""
    ring = {place}
    while next(iter(ring))[0] < len(sheets.layers):
        ring = {reader for sheet in ring for reader in sheets.readers(sheet)}
    return ring


@pytest.mark.parametrize(("scheduler", "batch"), [("synchronous", 7), ("threads", 256)])
def test_a_sheet_that_fails_stops_those_above_it_and_no_other(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, scheduler: str
) -> None:
    plan, path = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr"
    sheets, bad = StageSheets(plan.world, plan.stages[-1]), (2, 0, 1)
    lost = above(sheets, bad)
    assert 0 < len(lost) < plan.stages[-1].shards
    write_zarr(plan, tmp_path / "clean.zarr")
    monkeypatch.setattr(running, "BATCH", batch)
    with monkeypatch.context() as broken, dask.config.set(scheduler=scheduler, num_workers=2):
        broken.setattr(SheetFiles, "save", failing(bad, ValueError("no luck")))
        with pytest.raises(
            StoreError,
            match=rf"^{len(lost)} of 15 shards of .*a.zarr failed: level 2 layer 2 sheet \(0, 1\) "
            r"\(ValueError: no luck\); the others are kept: geoinfinite resume .*a.zarr$",
        ):
            write_zarr(plan, path)
    assert len(store_jobs.records(path)) == plan.shards - len(lost)
    assert (path / "layers").is_dir()
    report = resume_store(path)
    assert report.drawn == len(lost)
    # Nothing is drawn twice: neither what was kept nor what was dropped is needed again.
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_what_depends_on_a_failure_says_so(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(store_jobs.layered(ring))
    job = shards.Job(plan, open_objects(tmp_path / "a.zarr"), "job", {})
    broken = shards.failed(job, 1, (2, 0, 1), ValueError("no luck"))
    above_it = shards.attempt(job, 1, (3, 1, 1), shards.Ticks(None), broken)
    assert above_it.error == "level 2 layer 2 sheet (0, 1), which it reads, was not drawn"
    shard = shards.attempt(job, 1, (4, 1, 1), shards.Ticks(None), broken, above_it)
    assert (shard.name, shard.follows, shard.fatal) == ("level 2 shard (1, 1)", True, False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_sheet_that_fails_on_a_cluster_does_not_hang_it(ring: Recipe, tmp_path: Path, client: Any) -> None:
    plan, path, bad = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr", (2, 0, 1)
    lost = above(StageSheets(plan.world, plan.stages[-1]), bad)
    client.run(store_jobs.sabotage, 2, bad)
    said = rf"^{len(lost)} of 15 shards of .*: level 2 layer 2 sheet \(0, 1\) \(ValueError: no luck\)"
    with dask.config.set(scheduler="distributed"), pytest.raises(StoreError, match=said):
        write_zarr(plan, path)
    client.run(store_jobs.repair)
    with dask.config.set(scheduler="distributed"):
        assert resume_store(path).drawn == len(lost)
    assert (store_jobs.pixels(path, 2)[:] == generate(plan.world, 2, plan.window)).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("patience", [0, 3])
def test_a_worker_that_dies_does_not_hang_the_job(
    ring: Recipe, tmp_path: Path, client: Any, patience: int
) -> None:
    plan, path, bad = store_jobs.crossing(store_jobs.layered(ring)), tmp_path / "a.zarr", (2, 0, 1)
    client.cluster.scheduler.allowed_failures = patience
    client.run(store_jobs.sabotage, 2, bad, str(tmp_path / "died"))
    with dask.config.set(scheduler="distributed"):
        if patience:
            assert write_zarr(plan, path).drawn == plan.shards
        else:
            # Another task that waited on the worker that died is blamed as well.
            with pytest.raises(StoreError, match=r"shards of .*a.zarr failed: .*KilledWorker"):
                write_zarr(plan, path)
            resume_store(path)
    assert (tmp_path / "died").exists()
    assert (store_jobs.pixels(path, 2)[:] == generate(plan.world, 2, plan.window)).all()
    assert not (path / "layers").exists()


def test_a_full_disk_stops_the_job_and_keeps_what_is_there(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    write_zarr(plan, tmp_path / "clean.zarr")
    full = Nth(
        60,
        OSError(errno.ENOSPC, "No space left on device"),
        lambda name: "zarr.json" not in name,
    )

    with monkeypatch.context() as broken:
        broken.setattr(running, "BATCH", 10)
        with pytest.raises(
            StoreError, match=r"No space left on device\); stopped there; the others are kept"
        ):
            write_zarr(plan, FaultyObjects(open_objects(path), full))
    report = resume_store(path)
    assert report.tiles < plan.tiles
    assert store_jobs.contents(path) == store_jobs.contents(tmp_path / "clean.zarr")


def test_readers_see_no_layers_while_a_store_is_written(
    ring: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = store_jobs.strip(store_jobs.layered(ring)), tmp_path / "a.zarr"
    with monkeypatch.context() as broken:
        broken.setattr(SheetFiles, "save", store_jobs.cut_after(50))
        with pytest.raises(store_jobs.PowerCut, match="dark"):
            write_zarr(plan, path)
    assert store_jobs.files_of_layers(path)
    assert {problem.state for problem in verify(path).problems} == {ledger.State.MISSING}
    with xr.open_datatree(path, engine="zarr") as tree:
        assert set(tree.children) == {"1", "2", "ledger"}


def test_levels_have_models_of_their_own(ring: Recipe, tmp_path: Path) -> None:
    world = store_jobs.layered(ring).replace(
        levels=(LevelSettings(2, model=ModelReference("analytic:latent")),)
    )
    written(store_jobs.strip(world), tmp_path / "a.zarr")
