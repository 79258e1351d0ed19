"""Guidance: in closed form what the paper writes, at the cost that was planned, clipped at the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import preset_cases
import pytest
from counting import count_calls
from drawings import UNCACHED, caching, cost, exchanged
from steered_worlds import KINDS, LATENTS, MODELS, PIXELS, REGIONS, TOGETHER, world

from geoinfinite import World
from geoinfinite.conditions import Metadata, Place, Text
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.engine import generate, read, resolve
from geoinfinite.models.analytic.conditional import DEVIATION, LENGTHS_PX, SLOTS, colour_of, shift_of
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics
from geoinfinite.samplers import SOLVERS
from geoinfinite.samplers.clipping import clipped_estimates
from geoinfinite.samplers.presets import IndependentTiles

SIDE = 24
ALONE = IndependentTiles(solver="euler", schedule="karras", shift=1.0, steps=5, tile=SIDE, stride=SIDE)
"""One tile, whose solve is written out again below."""
TILE = Window(0, SIDE, 0, SIDE)
SCALES = [0.0, 1.0, 2.5, 7.5]


def covariance() -> np.ndarray:
    """Of the pixels of a tile, row by row: exponential along both axes."""
    axis = np.exp(-np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE))) / LENGTHS_PX[0])
    return DEVIATION**2 * np.kron(axis, axis)


def solved(steered: World, means: list[tuple[float, np.ndarray]], limit: float = np.inf) -> np.ndarray:
    """Euler's method in double precision with dense algebra: the sum of weighted posterior means, clipped."""
    power, basis = np.linalg.eigh(covariance())
    x = initial(steered).reshape(3, -1).astype(float)
    sigmas = steered.sampler_at(0).sigmas
    x *= sigmas[0]
    for sigma, after in pairwise(sigmas):
        share = power / (power + sigma**2)
        answers = [
            weight * (mean + (((x - mean) @ basis) * share) @ basis.T)
            for weight, mean in ((w, m.reshape(3, -1)) for w, m in means)
        ]
        x0 = sum(answers).clip(-limit, limit)
        x = x0 + after / sigma * (x - x0)
    return x.reshape(3, SIDE, SIDE)


def initial(steered: World) -> np.ndarray:
    noise: NoiseField = steered.noise(0, 3)
    return noise(TILE)


def flat(colour: np.ndarray) -> np.ndarray:
    return np.broadcast_to(colour[:, None, None], (3, SIDE, SIDE)).astype(float)


def drawn(steered: World) -> np.ndarray:
    """The tile in the network's terms, beyond the range too."""
    return 2 * generate(steered, 0, TILE, resources=UNCACHED).astype(float) - 1


def one_tile(*conditions: object, guidance: float | None = None, place: str = "utm") -> World:
    steered = world(place, conditions, ALONE, guidance=guidance, numerics=Numerics(micro_batch=1))
    return steered.replace(grid=replace(steered.grid, shape=(SIDE, SIDE)), dtype="float32")


def assert_equal_where_in_range(found: np.ndarray, wanted: np.ndarray) -> None:
    """Compare what a dtype of a limited range can hold."""
    assert (np.abs(wanted) < 1).mean() > 0.05
    np.testing.assert_allclose(found, wanted.clip(-1, 1), atol=2e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_one_scale_is_the_paper_s_formula(scale: float) -> None:
    steered = one_tile(Text("prompt", "a harbour"), guidance=scale)
    told, untold = flat(colour_of("a harbour")), flat(colour_of(None))
    assert_equal_where_in_range(drawn(steered), solved(steered, [(1 - scale, untold), (scale, told)]))


@pytest.mark.parametrize("scale", SCALES)
def test_a_condition_s_own_scale_nests_it(tmp_path: Path, scale: float) -> None:
    """InstructPix2Pix: D(0, 0) + 1.5 (D(0, hint) - D(0, 0)) + s (D(text, hint) - D(0, hint))."""
    hint, text = KINDS["raster"](tmp_path, "utm"), Text("prompt", "a harbour")
    steered = one_tile(text, replace(hint, guidance=1.5), guidance=scale)
    pixels = hint.told(Place(steered.grid, 0, TILE), SLOTS[1]).astype(float)
    none, only_text = flat(colour_of(None)), flat(colour_of("a harbour"))
    # Slots are told in the model's order: words first, then the hint beyond them.
    wanted = [(1 - scale, none), (scale - 1.5, only_text), (1.5, only_text + pixels)]
    assert_equal_where_in_range(drawn(steered), solved(steered, wanted))


def test_slots_of_one_scale_are_left_out_together() -> None:
    """One more answer, however many slots the scale counts for."""
    steered = one_tile(Text("prompt", "a harbour"), Metadata("metadata"), guidance=2.5)
    facts = np.array([*Place(steered.grid, 0, TILE).lonlat(), np.nan])
    told = flat(colour_of("a harbour") + shift_of(facts))
    assert cost(steered, 0, TILE).evaluations == 2 * 5
    assert_equal_where_in_range(drawn(steered), solved(steered, [(-1.5, flat(colour_of(None))), (2.5, told)]))


def test_guidance_1_asks_once_and_is_no_guidance(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text("prompt", "a harbour")
    calls, pixels = count_calls(monkeypatch), []
    for scale, each in ((None, 1), (1.0, 1), (2.5, 2), (0.0, 1)):
        calls.batches.clear()
        pixels.append(drawn(one_tile(text, guidance=scale)))
        assert calls.calls == 5 * each
    assert (pixels[0] == pixels[1]).all()
    assert (pixels[0] != pixels[2]).any()
    # Scale 0 is the answer that is told nothing: exactly that of a world without the condition.
    assert (pixels[3] == drawn(one_tile())).all()


def test_estimates_are_clipped_after_guidance() -> None:
    steered, limit = one_tile(Text("prompt", "a harbour"), guidance=7.5), 0.4
    level = resolve(steered, 0)
    solving = replace(level.drawn.solving, solver=clipped_estimates(SOLVERS["euler"], limit))
    found = 2 * read(exchanged(level, solving=solving), TILE, UNCACHED).astype(float) - 1
    means = [(-6.5, flat(colour_of(None))), (7.5, flat(colour_of("a harbour")))]
    assert_equal_where_in_range(found, solved(steered, means, limit))
    assert np.abs(solved(steered, means, limit) - solved(steered, means).clip(-limit, limit)).max() > 0.05


@pytest.mark.parametrize(("place", "model"), [("ring", PIXELS), ("utm", LATENTS)])
@pytest.mark.parametrize("preset", preset_cases.PRESET_CASES)
def test_evaluations_are_those_that_were_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, preset: str, model: str
) -> None:
    """Guidance, a scale of a condition's own, and texts by region: each network call is counted before."""
    conditions = [KINDS[kind](tmp_path, place) for kind in TOGETHER]
    sampler = preset_cases.PRESET_CASES[preset]
    steered = world(place, tuple(conditions), sampler, model=model, guidance=2.5)
    alone = steered.replace(numerics=Numerics(micro_batch=1))
    calls = count_calls(monkeypatch)
    for window in (REGIONS[place], Window(11, 12, 43, 49)):
        calls.batches.clear()
        generate(alone, 0, window, resources=caching(None))
        assert calls.calls == cost(alone, 0, window).evaluations
    bare = cost(alone.replace(conditions=(), sampler=sampler), 0, REGIONS[place]).evaluations
    assert cost(alone, 0, REGIONS[place]).evaluations > 3 * bare


@pytest.mark.parametrize("model", MODELS)
def test_known_pixels_and_regions_are_planned_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    conditions = tuple(KINDS[kind](tmp_path, "ring") for kind in ("known", "text by region"))
    alone = world("ring", conditions, model=model, guidance=2.5, numerics=Numerics(micro_batch=1))
    calls = count_calls(monkeypatch)
    for window in (REGIONS["ring"], Window(11, 12, 85, 86), alone.grid.full(0)):
        calls.batches.clear()
        generate(alone, 0, window, resources=caching(None))
        assert calls.calls == cost(alone, 0, window).evaluations


def test_strength_is_no_guidance(tmp_path: Path) -> None:
    """A hint of half the strength adds half, and costs what it did."""
    hint = KINDS["raster"](tmp_path, "utm")
    steered = one_tile(replace(hint, strength=0.5))
    pixels = hint.told(Place(steered.grid, 0, TILE), SLOTS[1]).astype(float)
    assert_equal_where_in_range(drawn(steered), solved(steered, [(1.0, 0.5 * pixels)]))
    assert cost(steered, 0, TILE) == cost(one_tile(hint), 0, TILE)
