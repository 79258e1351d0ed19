"""What every preset must be where it is something else: the paper's loop, another preset, a plain solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import eager
import numpy as np
import preset_cases
import pytest
import small_worlds
from drawings import UNCACHED, exchanged

from geoinfinite.diffusion.model import Cond
from geoinfinite.engine import generate, read, resolve
from geoinfinite.engine.parent_pixels import read_extended
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.resample import project_mean
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.samplers import SOLVERS
from geoinfinite.samplers.presets import (
    EarlySync,
    IndependentTiles,
    InfiniteDiffusion,
    MultiDiffusion,
    SpotDiffusion,
    TiledSampler,
)

LEVEL, STEPS = 1, 5
SIZES = {"steps": STEPS, "tile": 32, "stride": 24, "consistency": "none"}
TURN = 96


def step_of(sampler: TiledSampler, noise: Callable[[int], np.ndarray]) -> eager.Step:
    steps = {
        "euler": eager.euler,
        "ab2": eager.adams,
        "dpmpp_2m": eager.dpmpp_2m,
        "ddim": lambda sigmas: eager.ancestral(sigmas, noise),
    }
    return steps[sampler.solver](sampler.sigmas)


def eagerly(ring: Recipe) -> np.ndarray:
    """The level's image in [-1, 1], fused in the paper's way; the decoder sees the whole canvas."""
    facts, sampler = ring.model.facts(), ring.sampler
    latent, margin = facts.latent, facts.margin
    first, rows = -24, 24 * 2 + 32
    if latent > 1:
        # The decoder's tiles look 4 px further than they are.
        first, rows = -48, 24 * 4 + 32
    canvas = eager.Canvas(first // latent, rows // latent, TURN // latent, 32 // latent, 24 // latent)
    field = ring.noise(LEVEL, facts.channels or 3, latent)
    area = Window(canvas.top, canvas.top + canvas.rows, 0, canvas.columns)

    def under(window: Window) -> np.ndarray:
        pixels = read_extended(ring.root.read, ring.grid, 0, window.coarsen(4).expand(margin))
        return ring.encoding.to_unit(pixels)

    models = eager.bind(
        ring.model.load("cpu"),
        canvas,
        lambda y, x: under(Window(y, y + canvas.tile, x, x + canvas.tile).refine(latent)),
    )
    step = step_of(sampler, lambda i: field(area, i))
    x0 = eager.multidiffusion(canvas, models, field(area, 0), sampler.sigmas, step).astype(np.float32)
    if latent > 1:
        turns = np.concatenate([x0] * 3, axis=2)
        whole = Window(first, first + rows, -TURN, 2 * TURN)
        image = ring.model.load("cpu").bind(Cond(under(whole)[None], 1.0)).image(turns[None])[0]
        return image[:, -first : 48 - first, TURN : 2 * TURN]
    images = []
    for (y, x), model in zip(canvas.places(), models, strict=True):
        at_rows, columns = canvas.index(y, x, canvas.tile)
        images.append(model.image(x0[None][..., at_rows, columns])[0])
    return canvas.average(x0, images)[:, -first : 48 - first]


def lazily(ring: Recipe) -> np.ndarray:
    """The level's image by the engine; the world is of float32, so nothing is rounded."""
    return generate(ring, LEVEL, ring.grid.full(LEVEL), resources=UNCACHED) * 2 - 1


@pytest.fixture
def ring(tmp_path: Path) -> Recipe:
    """A world of float32 once round the Earth, grey enough that nothing is clipped."""
    plain = small_worlds.ring_world(tmp_path)
    values = (small_worlds.revealing(12, 24) / 510 + 0.25).astype(np.float32)
    small_worlds.write_root(Path(plain.root.source), values, "EPSG:4326", (-180.0, 90.0), 15.0)
    return plain.replace(dtype="float32")


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize(("solver", "eta"), [("euler", 0.0), ("ab2", 0.0), ("dpmpp_2m", 0.0), ("ddim", 1.0)])
def test_multidiffusion_is_the_paper_s(ring: Recipe, solver: str, eta: float, model: str) -> None:
    sampler = MultiDiffusion(**SIZES, solver=solver, eta=eta)
    world = ring.replace(sampler=sampler, model=ModelReference(model))
    wanted = eagerly(world)
    assert np.abs(lazily(world) - wanted).max() <= 1e-5
    independent = world.replace(sampler=IndependentTiles(**SIZES, solver=solver, eta=eta))
    assert np.abs(lazily(independent) - wanted).max() > 1e-3


def same(ring: Recipe, one: TiledSampler, other: TiledSampler) -> bool:
    drawn = [
        generate(ring.replace(sampler=s), 1, Window(0, 48, -20, 76), resources=UNCACHED) for s in (one, other)
    ]
    return bool((drawn[0] == drawn[1]).all())


SOLVED = "euler", "ab2", "dpmpp_3m", "ddim", "lcm", "unipc"


@pytest.mark.parametrize("model", preset_cases.MODELS)
@pytest.mark.parametrize("solver", SOLVED)
def test_presets_that_are_other_presets(ring: Recipe, solver: str, model: str) -> None:
    world = ring.replace(model=ModelReference(model))
    common = {"steps": 4, "tile": 32, "stride": 24, "solver": solver}
    independent, multi = IndependentTiles(**common), MultiDiffusion(**common)
    assert not same(world, independent, multi)
    assert same(world, InfiniteDiffusion(**common, phases=1), independent)
    assert same(world, InfiniteDiffusion(**common, cuts=(4,)), independent)
    assert same(world, InfiniteDiffusion(**common, phases=4), multi)
    assert same(world, InfiniteDiffusion(**common, cuts=(1, 1, 1, 1)), multi)
    assert same(world, EarlySync(**common, synced=3), multi)
    assert same(world, EarlySync(**common, synced=1), InfiniteDiffusion(**common, cuts=(1, 3)))
    assert not same(world, EarlySync(**common, synced=2), multi)


def one_tile(folder: Path) -> Recipe:
    """A float32 world of which level 1 is exactly one tile of 32 px."""
    values = (small_worlds.revealing(8, 8) / 510 + 0.25).astype(np.float32)
    root = small_worlds.write_root(folder / "one.tif", values, "EPSG:32633", (4e5, 5e6), 300.0)
    world = small_worlds.patch_world(folder)
    grid = Grid("EPSG:32633", (4e5, 5e6), 300.0, (8, 8), factor=4, levels=2)
    return world.replace(grid=grid, root=replace(world.root, source=str(root)), dtype="float32", name="one")


@pytest.mark.parametrize("solver", SOLVED)
@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_one_tile_is_the_plain_solver_s(tmp_path: Path, preset: str, solver: str) -> None:
    settings = asdict(preset_cases.PRESET_CASES[preset]) | {"solver": solver, "tile": 32, "stride": 32}
    if "chart" in settings:
        settings |= {"chart": 32, "halo": 0}
    sampler = type(preset_cases.PRESET_CASES[preset])(**settings)
    world = one_tile(tmp_path).replace(sampler=sampler)
    tile = Window(0, 32, 0, 32)
    parent = read_extended(world.root.read, world.grid, 0, tile.coarsen(4).expand(2))
    bound = world.model.load("cpu").bind(Cond(world.encoding.to_unit(parent)[None], 75.0))
    noise = world.noise(1, 3)
    x0 = SOLVERS[solver](
        bound.denoise,
        noise(tile, 0)[None] * np.float32(sampler.sigmas[0]),
        sampler.sigmas,
        noise=lambda i: noise(tile, i)[None],
    )
    known = world.encoding.to_unit(parent)[None, :, 2:-2, 2:-2]
    image = project_mean(bound.image(x0), known, 4)
    wanted = world.encoding.settle(image[0], parent[:, 2:-2, 2:-2], 4)
    level = resolve(world, 1)
    if isinstance(sampler, SpotDiffusion):
        # Spots move their lattice at every step, so their only tile would be four.
        fixed = (
            replace(layer, lattice=replace(layer.lattice, origin=(0, 0))) for layer in level.drawn.layers
        )
        level = exchanged(level, layers=tuple(fixed))
    assert (read(level, tile, UNCACHED) == wanted).all()
