"""Known pixels stay bit for bit, what is drawn fits them, and tiles that are known cost nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import small_worlds
import xarray as xr
from affine import Affine
from counting import count_calls

import geoinfinite as gi
from geoinfinite.conditions import Known
from geoinfinite.engine import Resources, resolve
from geoinfinite.errors import WorldError
from geoinfinite.models.earth.detail_tiles import DetailTiles
from geoinfinite.plane.window import Window
from geoinfinite.samplers import SOLVERS, EarlySync, IndependentTiles, InfiniteDiffusion, MultiDiffusion
from geoinfinite.samplers.known import knowing, repeated
from geoinfinite.samplers.schedules import karras
from geoinfinite.tiling import NoTileCache

SOLVING: dict[str, Any] = {
    "solver": "dpmpp_2m",
    "schedule": "karras",
    "shift": 1.0,
    "tile": 64,
    "consistency": "none",
}
PRESETS = {
    "independent": IndependentTiles(**SOLVING, steps=12, stride=56),
    "earlysync": EarlySync(**SOLVING, steps=12, stride=56),
    "multidiffusion": MultiDiffusion(**SOLVING, steps=6, stride=48),
}
SIDE = 256
WHOLE = Window(0, SIDE, 0, SIDE)
HOLE = np.ones((SIDE, SIDE), bool)
HOLE[96:150, 110:180] = False
BOUNDS = 500_000.0, 5_194_880.0, 505_120.0, 5_200_000.0
PLACE = {"crs": "EPSG:32632", "bounds": BOUNDS, "resolution": 20.0}


def fresh() -> Resources:
    return Resources(NoTileCache())


def world(folder: Path, preset: str, model: str = "analytic:planet") -> tuple[gi.World, np.ndarray]:
    """A world with a known raster that has a hole, and the raster's values."""
    base = gi.World.for_model(model, **PLACE)
    base = base.replace(numerics=replace(base.numerics, micro_batch=1))
    values = gi.generate(base.replace(seed=5, sampler=PRESETS["independent"]), 0, WHOLE, resources=fresh())
    transform = Affine(20, 0, 500_000, 0, -20, 5_200_000)
    path = grounds.write(folder / "known.tif", np.where(HOLE, values, 0), "EPSG:32632", transform, mask=HOLE)
    return base.replace(sampler=PRESETS[preset], conditions=[Known(path)]), values


@pytest.mark.parametrize("preset", list(PRESETS))
def test_pixels_are_kept_windows_agree_and_the_plan_is_exact(
    tmp_path: Path, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, values = world(tmp_path, preset)
    calls = count_calls(monkeypatch)
    drawn = gi.generate(recipe, 0, WHOLE, resources=fresh())
    np.testing.assert_array_equal(drawn[:, HOLE], values[:, HOLE])
    assert (drawn[:, ~HOLE] != 0).any()
    level = resolve(recipe, 0)
    assert sum(calls.batches) == level.cost(WHOLE).evaluations
    unsteered = resolve(recipe.replace(conditions=()), 0).cost(WHOLE)
    assert level.cost(WHOLE).tiles == unsteered.tiles
    for part in (Window(90, 160, 100, 190), Window(0, 40, 0, 50), Window(100, 101, 120, 121)):
        found = gi.generate(recipe, 0, part, resources=fresh())
        np.testing.assert_array_equal(found, drawn[:, *part.slices(WHOLE)])


def test_a_window_of_known_tiles_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, values = world(tmp_path, "independent")
    calls = count_calls(monkeypatch)
    far = Window(200, 250, 10, 50)
    found = gi.generate(recipe, 0, far, resources=fresh())
    np.testing.assert_array_equal(found, values[:, *far.slices(WHOLE)])
    assert sum(calls.batches) == 0 == resolve(recipe, 0).cost(far).evaluations


def test_latents_too(tmp_path: Path) -> None:
    recipe, values = world(tmp_path, "independent", "analytic:conditional-latent")
    drawn = gi.generate(recipe, 0, WHOLE, resources=fresh())
    np.testing.assert_array_equal(drawn[:, HOLE], values[:, HOLE])
    part = Window(90, 160, 100, 190)
    found = gi.generate(recipe, 0, part, resources=fresh())
    np.testing.assert_array_equal(found, drawn[:, *part.slices(WHOLE)])


def test_an_array_with_gaps_is_given_back_without_them(tmp_path: Path) -> None:
    recipe, _ = world(tmp_path, "independent")
    recipe = recipe.replace(dtype="float32", conditions=())
    whole = recipe.replace(seed=3).array(0)[:, 60:200, 70:220].compute()
    gaps = whole.where(xr.DataArray(HOLE[60:200, 70:220], dims=("y", "x")))
    gaps[:, 3, 5:9] = np.nan
    known = Known(gi.conditions.save(gaps, tmp_path / "gaps.tif"))
    found = recipe.replace(conditions=[known]).array(0)[:, 60:200, 70:220].compute()
    assert found.dtype == np.float32
    xr.testing.assert_identical(found.where(gaps.notnull()).drop_attrs(), gaps.drop_attrs())
    assert found.notnull().all()


@pytest.mark.parametrize("solver", ["dpmpp_2s", "dpmpp_3m", "plms", "unipc"])
def test_solvers_that_carry_fields_between_fused_parts(
    tmp_path: Path, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step that is taken again carries is not what one that is taken once does."""
    recipe, values = world(tmp_path, "independent")
    sampler = InfiniteDiffusion(**SOLVING | {"solver": solver, "steps": 11, "stride": 48})
    recipe, part = recipe.replace(sampler=sampler), Window(80, 170, 90, 200)
    calls = count_calls(monkeypatch)
    drawn = gi.generate(recipe, 0, part, resources=fresh())
    assert sum(calls.batches) == resolve(recipe, 0).cost(part).evaluations
    kept = HOLE[part.slices(WHOLE)]
    np.testing.assert_array_equal(drawn[:, kept], values[:, *part.slices(WHOLE)][:, kept])
    inner = Window(100, 140, 120, 170)
    found = gi.generate(recipe, 0, inner, resources=fresh())
    np.testing.assert_array_equal(found, drawn[:, *inner.slices(part)])


def test_a_store_holds_them(tmp_path: Path) -> None:
    recipe, values = world(tmp_path, "independent")
    recipe.array(0)[:, 60:170, 90:200].geoinfinite.to_zarr(str(tmp_path / "s.zarr"))
    found = xr.open_zarr(tmp_path / "s.zarr", group="0").image.values
    kept = HOLE[60:170, 90:200]
    np.testing.assert_array_equal(found[:, kept], values[:, 60:170, 90:200][:, kept])
    assert gi.verify(str(tmp_path / "s.zarr")).ok


@pytest.mark.slow
def test_the_bundled_network_completes_a_real_raster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earth = gi.World.load("earth").root
    # The hole lies over the corner of four tiles.
    whole, part = Window(520, 840, 2420, 2780), Window(680, 840, 2560, 2760)
    real, mask = earth.read(whole).astype(np.uint8), np.ones(part.shape, bool)
    mask[36:124, 52:140] = False
    coarse = np.rint(real.reshape(3, 80, 4, 90, 4).mean(axis=(2, 4))).astype(np.uint8)
    place = Affine.translation(-180 + whole.x0 / 15, 90 - whole.y0 / 15)
    root = grounds.write(tmp_path / "root.tif", coarse, "EPSG:4326", place * Affine.scale(4 / 15, -4 / 15))
    real = real[:, *part.slices(whole)]
    lattice = place * Affine.scale(1 / 15, -1 / 15) * Affine.translation(140, 160)
    path = grounds.write(tmp_path / "known.tif", np.where(mask, real, 0), "EPSG:4326", lattice, mask=mask)
    recipe = gi.World.for_model("bundled:earth-small", root=root, conditions=[Known(path, level=1)])
    one = recipe.replace(numerics=replace(recipe.numerics, micro_batch=1))
    array, within = one.array(1)[:, 160:320, 140:340], Window(160, 320, 140, 340)
    calls = count_calls(monkeypatch, DetailTiles)
    array.geoinfinite.to_zarr(str(tmp_path / "s.zarr"))
    assert sum(calls.batches) == gi.plan(array).evaluations > 0
    drawn = [xr.open_zarr(tmp_path / "s.zarr", group="1").image.values]
    drawn += [gi.generate(recipe.replace(seed=n), 1, within) for n in (1, 2)]
    edges = []
    for image in drawn:
        np.testing.assert_array_equal(image[:, mask], real[:, mask])
        across, down = steps(image)
        edges += [across[36:124, 51], across[36:124, 139], down[35, 52:140], down[123, 52:140]]
    across, down = steps(real)
    ground = [across[44:116, 60:132].ravel(), down[44:116, 60:132].ravel()]
    # A network of one evaluation does not see the pixels beside the hole: its rim shows a little.
    assert np.concatenate(edges).mean() / np.concatenate(ground).mean() <= 1.2


def steps(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean difference, over bands, between neighbours across and down."""
    across, down = (np.abs(np.diff(image.astype(float), axis=axis)).mean(0) for axis in (2, 1))
    return across, down


STRAIGHT = [name for name, solver in SOLVERS.items() if not solver.renoises and name != "plms_v"]
"""Solvers whose path towards one estimate is straight: fresh noise, or velocities, bend it."""


def rim(image: np.ndarray) -> float:
    """Mean step between neighbours across the rim of the hole, over that of the ground around it."""
    across, down = steps(image)
    edge = [across[96:150, 109], across[96:150, 179], down[95, 110:180], down[149, 110:180]]
    around = [across[10:80].ravel(), down[10:80].ravel()]
    return float(np.concatenate(edge).mean() / np.concatenate(around).mean())


def test_repeated_steps_leave_no_rim(tmp_path: Path) -> None:
    """Replacing alone leaves one: the known-bad variant."""
    recipe, values = world(tmp_path, "independent", "analytic:conditional")
    sampler = replace(PRESETS["independent"], steps=24)
    repeated_often = gi.generate(recipe.replace(sampler=sampler), 0, WHOLE, resources=fresh())
    alone = gi.generate(recipe.replace(sampler=replace(sampler, repeats=1)), 0, WHOLE, resources=fresh())
    assert sampler.repeats_where_known == 8
    assert rim(values) == pytest.approx(1.0, abs=0.05)
    assert rim(repeated_often) <= 1.1
    assert rim(alone) > 1.6


@pytest.mark.parametrize("solver", STRAIGHT)
def test_a_known_state_stays_clean_data_and_noise(solver: str) -> None:
    x0, noise = np.array([0.3, -1.2]), np.array([0.7, -0.4])
    sigmas = tuple(karras(9))
    denoise = knowing(lambda x, sigma: x / (1 + sigma), x0, np.array([1.0, 0.0]))
    # Fresh noise that continues the first: what is left of it is that of the next level.
    taken = SOLVERS[solver]
    for stop in range(1, 9):
        eta = 0.0 if taken.eta else None
        x = taken(denoise, x0 + sigmas[0] * noise, sigmas[: stop + 1], lambda i: noise, eta=eta)
        assert x[0] == pytest.approx(x0[0] + sigmas[stop] * noise[0], abs=1e-6)


def test_no_two_repeats_share_their_noise() -> None:
    drawn: list[int] = []

    def noise(i: int) -> float:
        drawn.append(i)
        return 0.0

    repeated(SOLVERS["euler_ancestral"], 3)(lambda x, sigma: 0.0, 1.0, (4.0, 2.0, 1.0), noise)
    assert len(drawn) == len(set(drawn)) == 2 * 3 + 2 * 2
    assert 0 not in drawn


def test_means_hold_where_unknown_pixels_have_room_and_known_pixels_win(tmp_path: Path) -> None:
    recipe = small_worlds.patch_world(tmp_path)
    parent = gi.generate(recipe, 1, Window(8, 24, 8, 24))
    values, mask = gi.generate(recipe.replace(seed=9), 2, Window(32, 96, 32, 96)), np.zeros((64, 64), bool)
    mask[:, :22], mask[30:33, 22:40] = True, True
    step, (left, top) = recipe.grid.resolution_at(2), recipe.grid.origin
    transform = Affine(step, 0, left + 32 * step, 0, -step, top - 32 * step)
    path = grounds.write(tmp_path / "k.tif", values, recipe.grid.crs, transform, mask=mask)
    recipe = recipe.replace(conditions=[Known(path, level=2)])
    drawn = gi.generate(recipe, 2, Window(32, 96, 32, 96))
    np.testing.assert_array_equal(drawn[:, mask], values[:, mask])
    means = drawn.astype(float).reshape(3, 16, 4, 16, 4).mean(axis=(2, 4))
    parts = mask.reshape(16, 4, 16, 4).sum(axis=(1, 3))
    parents = gi.generate(recipe, 1, Window(8, 24, 8, 24)).astype(float)
    np.testing.assert_array_equal(means[:, parts == 0], parents[:, parts == 0])
    # The coarser level knows the means of blocks that are known.
    of_known = np.rint(values.astype(float).reshape(3, 16, 4, 16, 4).mean(axis=(2, 4)))
    np.testing.assert_array_equal(parents[:, parts == 16], of_known[:, parts == 16])
    some = (parts > 0) & (parts < 16)
    kept = np.where(mask, values, 0).astype(float).reshape(3, 16, 4, 16, 4).sum(axis=(2, 4))
    wanted = (16 * parents - kept) / np.where(some, 16 - parts, 1)
    has_room = some & (wanted > 1) & (wanted < 254)
    assert has_room.sum() > 8
    assert np.abs(means - parents)[has_room].max() < 1.0
    assert (gi.generate(recipe, 1, Window(8, 24, 8, 24)) != parent).any()


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    recipe, _ = world(tmp_path, "independent")
    (known,) = recipe.conditions
    for change, message in (
        ({"conditions": [known, known]}, r"condition.known stands twice for level 0; merge the rasters"),
        ({"conditions": [Known(known.source, level=3)]}, r"known.level=3 is not drawn; levels 0 to 0 are"),
        (
            {"dtype": "uint16"},
            r"has 3 bands of uint8, and the world has 3 of uint16; convert",
        ),
    ):
        with pytest.raises(WorldError, match=message):
            recipe.replace(**change)
    with pytest.raises(WorldError, match=r"sampler.repeats=4 takes a step again before it is fused"):
        MultiDiffusion(repeats=4)


def test_holes_of_a_root_are_drawn_when_asked_and_refused_otherwise(tmp_path: Path) -> None:
    recipe, values = world(tmp_path, "independent")
    source = recipe.conditions[0].source
    text = f"""
        [root]
        source = "{source}"
        [grid]
        levels = 2
        [level.0.model]
        ref = "analytic:planet"
        [level.0.sampler]
        preset = "independent"
        tile = 64
        stride = 56
        steps = 12
        [level.1.model]
        ref = "analytic:gaussian"
    """
    with pytest.raises(WorldError, match=r"leave level.0 out, or set root.source = .*, or root.fill"):
        gi.World.loads(text)
    filled = gi.World.loads(text.replace("[grid]", 'fill = "draw"\n[grid]'))
    assert gi.World.loads(filled_text(filled, tmp_path)) == filled
    part = Window(80, 160, 100, 190)
    drawn = gi.generate(filled, 0, part, resources=fresh())
    kept = HOLE[part.slices(WHOLE)]
    np.testing.assert_array_equal(drawn[:, kept], values[:, *part.slices(WHOLE)][:, kept])
    assert drawn[:, ~kept].std() > 5
    finer = gi.generate(filled, 1, Window(440, 480, 480, 520))
    means = finer.astype(float).reshape(3, 10, 4, 10, 4).mean(axis=(2, 4))
    np.testing.assert_array_equal(means, gi.generate(filled, 0, Window(110, 120, 120, 130)))
    plain = gi.World.loads(text.partition("[level.0.model]")[0])
    with pytest.raises(WorldError, match=r"has \d+ masked pixels .*; draw them: root.fill = "):
        gi.generate(plain, 1, Window(440, 480, 480, 520))
    assert filled.token != plain.token


def filled_text(filled: gi.World, folder: Path) -> str:
    """The world file of a world."""
    filled.save(folder / "filled.toml")
    return (folder / "filled.toml").read_text()


def test_a_store_costs_what_was_planned_where_tiles_cost_differently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, _ = world(tmp_path, "independent")
    text = gi.conditions.Text("prompt", "sea", source=grounds.regions(tmp_path), column="text")
    steered = gi.World.for_model("analytic:conditional", **PLACE, conditions=[text, *recipe.conditions])
    steered = steered.replace(
        sampler=replace(PRESETS["independent"], steps=3), numerics=replace(steered.numerics, micro_batch=1)
    )
    calls = count_calls(monkeypatch)
    array = steered.array(0)[:, 20:230, 30:250]
    planned = gi.plan(array, shard=56)
    assert planned.shards == 16
    array.geoinfinite.to_zarr(str(tmp_path / "s.zarr"), shard=56)
    assert sum(calls.batches) == planned.evaluations
