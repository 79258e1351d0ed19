"""Laws of steered worlds: nothing told changes nothing, what is told stays where it is, and has a name."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import certain_models
import grounds
import numpy as np
import preset_cases
import pytest
import small_worlds
from affine import Affine
from counting import count_calls
from drawings import UNCACHED
from steered_worlds import KINDS, MODELS, PIXELS, PLACES, REGIONS, TOGETHER, hint, world

from geoinfinite.conditions import Condition, Embedding, Metadata, Raster, Text
from geoinfinite.engine import generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window

REGION = REGIONS["utm"]
STEP, TILE, STRIDE = 20.0, 32, 24


def on_lattice(folder: Path, values: np.ndarray, name: str = "aligned.tif", zoom: int = 1) -> str:
    """A raster whose pixels are those of the grid, or ``zoom`` of them along each side."""
    left, top = PLACES["utm"].origin
    transform = Affine(STEP * zoom, 0, left, 0, -STEP * zoom, top)
    return grounds.write(folder / name, values, "EPSG:32632", transform)


def far_away(folder: Path) -> str:
    transform = Affine(1, 0, 20, 0, -1, 20)
    return grounds.write(folder / "far.tif", np.ones((3, 9, 9), np.float32), "EPSG:4326", transform)


NOTHING: dict[str, Callable[[Path], Condition]] = {
    "an empty text": lambda folder: Text("prompt", ""),
    "facts that are not known": lambda folder: Metadata("metadata", unknown=("lon", "lat", "cloud_cover")),
    "a hint of strength 0": lambda folder: Raster("hint", hint(folder, "utm"), strength=0),
    "vectors of another place": lambda folder: Embedding("embedding", far_away(folder)),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("preset", ["independent", "infinitediffusion"])
@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_told_is_no_condition(tmp_path: Path, nothing: str, preset: str, model: str) -> None:
    steered = world("utm", (NOTHING[nothing](tmp_path),), preset_cases.PRESET_CASES[preset], model=model)
    bare = steered.replace(conditions=())
    one, other = (generate(w, 0, REGION, resources=UNCACHED) for w in (steered, bare))
    np.testing.assert_array_equal(one, other)


def reached(rows: range, columns: range, layers: int) -> np.ndarray:
    """Pixels of tiles that see given pixels, through tiles that see those in turn: counted tile by tile."""
    seen = np.zeros(PLACES["utm"].shape, bool)
    seen[rows.start : rows.stop, columns.start : columns.stop] = True
    for _ in range(layers):
        now = seen.copy()
        for y in range(-STRIDE, seen.shape[0], STRIDE):
            for x in range(-STRIDE, seen.shape[1], STRIDE):
                tile = slice(max(y, 0), y + TILE), slice(max(x, 0), x + TILE)
                now[tile] |= seen[tile].any()
        seen = now
    return seen


@pytest.mark.parametrize(("preset", "layers"), [("independent", 1), ("earlysync", 3), ("multidiffusion", 2)])
def test_a_change_of_a_raster_stays_with_the_tiles_that_see_it(
    tmp_path: Path, preset: str, layers: int
) -> None:
    values = grounds.noise((3, *PLACES["utm"].shape))
    rows, columns = range(3, 6), range(8, 12)
    changed = values.copy()
    changed[:, rows.start : rows.stop, columns.start : columns.stop] ^= 0x55
    paths = on_lattice(tmp_path, values, "before.tif"), on_lattice(tmp_path, changed, "after.tif")
    sampler = preset_cases.PRESET_CASES[preset]
    if preset == "multidiffusion":
        # More steps would carry the change to every pixel of so small a world.
        sampler = replace(sampler, steps=layers)
    hints = [Raster("hint", path, resampling="nearest") for path in paths]
    # Eight bits would hide how little a pixel's neighbours follow it.
    steered = [world("utm", (each,), sampler, dtype="float32") for each in hints]
    full = steered[0].grid.full(0)
    before, after = (generate(w, 0, full, resources=UNCACHED) for w in steered)
    differs = (before != after).any(axis=0)
    assert not (differs & ~reached(rows, columns, layers)).any()
    # It goes beyond the pixels that were changed, and does not reach everything.
    assert differs.sum() > len(rows) * len(columns)
    assert not reached(rows, columns, layers).all()


def test_a_network_that_repeats_its_hint_gives_back_the_coarse_raster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Super-resolution keeps the coarse image: block means are its pixels, whatever tile drew them."""
    certain_models.offer(monkeypatch)
    coarse = grounds.noise((3, 11, 15))
    source = on_lattice(tmp_path, coarse, zoom=6)
    steered = world("utm", (Raster("hint", source, resampling="nearest"),), model=certain_models.PIXELS)
    fine = generate(steered, 0, steered.grid.full(0), resources=UNCACHED)
    means = fine.reshape(3, 11, 6, 15, 6).mean((2, 4))
    # The hint spans half of the model's range.
    np.testing.assert_allclose(means, 127.5 + (coarse / 255.0 - 0.5) * 127.5, atol=0.6)


def test_both_sides_of_the_antimeridian_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certain_models.offer(monkeypatch)
    grid, values = PLACES["ring"], grounds.noise((3, 48, 96))
    source = grounds.write(
        tmp_path / "ring.tif", values, "EPSG:4326", Affine(grid.resolution, 0, -180, 0, -grid.resolution, 90)
    )
    steered = world("ring", (Raster("hint", source, resampling="nearest"),), model=certain_models.PIXELS)
    found = generate(steered, 0, Window(7, 31, -20, 20), resources=UNCACHED)
    wanted = np.concatenate([values[:, 7:31, -20:], values[:, 7:31, :20]], axis=2)
    np.testing.assert_allclose(found, 127.5 + (wanted / 255.0 - 0.5) * 127.5, atol=0.6)


def test_a_steered_level_keeps_the_means_of_its_parent(tmp_path: Path) -> None:
    text = Text("prompt", "a harbour")
    cascade = small_worlds.patch_world(tmp_path, model=ModelReference(PIXELS), conditions=(text,))
    parent = generate(cascade, 0, cascade.grid.full(0), resources=UNCACHED)
    child = generate(cascade, 1, cascade.grid.full(1), resources=UNCACHED)
    np.testing.assert_array_equal(child.reshape(3, 20, 4, 28, 4).mean((2, 4)), parent)
    bare = generate(cascade.replace(conditions=()), 1, cascade.grid.full(1), resources=UNCACHED)
    assert (child != bare).any()


def test_a_condition_may_steer_one_level_alone(tmp_path: Path) -> None:
    everywhere, here = Text("prompt", "a harbour"), Text("prompt", "a wood", levels=(2,))
    cascade = small_worlds.patch_world(tmp_path, model=ModelReference(PIXELS), conditions=(everywhere, here))
    wood = cascade.replace(conditions=(replace(here, levels=()),))
    harbour = cascade.replace(conditions=(everywhere,))
    window = Window(3, 40, 5, 61)

    def of(recipe: Any, level: int) -> np.ndarray:
        return generate(recipe, level, window, resources=UNCACHED)

    np.testing.assert_array_equal(of(cascade, 1), of(harbour, 1))
    assert (of(cascade, 2) != of(harbour, 2)).any()
    assert (of(cascade, 1) != of(wood, 1)).any()


def test_opening_a_global_world_asks_no_condition_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """88 million columns: the arrays of all levels are opened, sliced and chunked."""
    asked = []
    told = Raster.told

    def counted(self: Raster, *place: Any) -> Any:
        asked.append(place)
        return told(self, *place)

    monkeypatch.setattr(Raster, "told", counted)
    calls = count_calls(monkeypatch)
    source = hint(tmp_path, "ring")
    grid = Grid("EPSG:4326", (-180.0, 90.0), 1 / 12, (2160, 4320), factor=4, levels=8, periodic=True)
    conditions = (Raster("hint", source, fill=(0,)), Text("prompt", "a wood"))
    steered = world("ring", conditions, grid=grid)
    place = {"y": slice(9_000_000, 9_000_064), "x": slice(70_000_000, 70_000_064)}
    array = steered.array(level=7, chunks={}).isel(place)
    assert array.shape == (3, 64, 64)
    assert len(pickle.dumps(steered)) < 4000
    assert len(pickle.dumps(array.data)) < 20_000
    assert (asked, calls.calls) == ([], 0)


def test_a_world_is_named_by_what_its_conditions_say(tmp_path: Path) -> None:
    conditions = tuple(KINDS[kind](tmp_path, "utm") for kind in TOGETHER)
    steered = world("utm", conditions)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = shutil.copy(tmp_path / "hint.tif", elsewhere / "other name.tif")
    raster, *others = conditions
    assert steered.replace(conditions=(replace(raster, source=str(moved)), *others)).token == steered.token
    assert steered.replace(conditions=conditions[::-1]).token == steered.token
    again = generate(steered.replace(conditions=conditions[::-1]), 0, REGION, resources=UNCACHED)
    np.testing.assert_array_equal(again, generate(steered, 0, REGION, resources=UNCACHED))
    other = hint(elsewhere, "utm", seed=4)
    tokens = {steered.token, steered.replace(conditions=()).token}
    for changed in (
        replace(raster, source=other),
        replace(raster, strength=0.5),
        replace(raster, guidance=1.5),
        replace(raster, resampling="average"),
        replace(raster, fill=(1,)),
    ):
        tokens.add(steered.replace(conditions=(changed, *others)).token)
    tokens.add(steered.replace(conditions=(raster, Text("prompt", "a wood"))).token)
    assert len(tokens) == 8


def test_a_file_that_is_changed_is_another_world(tmp_path: Path) -> None:
    steered = world("utm", (Raster("hint", hint(tmp_path, "utm")),))
    before, pixels = steered.token, generate(steered, 0, REGION)
    hint(tmp_path, "utm", seed=8)
    assert steered.token != before
    assert (generate(steered, 0, REGION) != pixels).any()
