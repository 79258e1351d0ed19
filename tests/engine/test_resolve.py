"""A level is resolved once: it reads files when it is made, and never afterwards."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_worlds
from drawings import on_parent

from geoinfinite.engine import Drawn, RasterSource, generate, resolve
from geoinfinite.engine.resolve import ResolvedLevels, resolve_same
from geoinfinite.errors import ModelError, WindowError, WorldError
from geoinfinite.file_memo import LARGE
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

OPENED = """
import sys
opened = []
NOT_OURS = (".py", ".pyc", ".so", ".zip", ".pth")
def note(event, arguments):
    if event == "open" and listening and isinstance(arguments[0], str):
        name = arguments[0]
        # Libraries look at what else is installed when they are first used.
        of_libraries = name.endswith(NOT_OURS) or ".dist-info/" in name
        if not of_libraries and not name.startswith(("/proc", "/sys", "/dev")):
            opened.append(name)
listening = False
sys.addaudithook(note)
import geoinfinite as gi
world = gi.World.load("analytic")
# What libraries open when they are used for the first time.
small = world.array(1).isel(y=slice(0, 8), x=slice(0, 8))
small.values, gi.plan(small)
import torch, diffusers, safetensors.torch  # noqa
listening = True
world = gi.World.load("earth")
world = world.replace(numerics=type(world.numerics)(micro_batch=1))
da = world.array(2).isel(y=slice(20_000, 20_064), x=slice(42_000, 42_064))
da.values
first = len(opened)
da.values
world.array(1).isel(y=slice(8_000, 8_064), x=slice(9_000, 9_064)).values
gi.plan(da)
print(first, len(opened) - first, sorted(opened))
"""


@pytest.mark.slow
def test_the_first_read_opens_few_files_and_later_ones_none() -> None:
    out = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, check=True)
    first, later, names = out.stdout.split(" ", 2)
    assert int(first) <= 10, names
    assert int(later) == 0, names


def test_levels_form_a_chain_to_the_raster(patch: Recipe) -> None:
    level = resolve(patch, 3)
    numbers = [level.number]
    while level.parent is not None:
        assert isinstance(level.source, Drawn)
        level = level.parent
        numbers.append(level.number)
    assert numbers == [3, 2, 1, 0]
    assert isinstance(level.source, RasterSource)
    assert level.token == patch.token


def test_a_level_is_kept_while_its_files_stand_unchanged(patch: Recipe) -> None:
    kept = ResolvedLevels(limit=2)
    first = resolve(patch, 2, kept=kept)
    assert resolve(patch, 2, kept=kept) is first
    assert first.parent is resolve(patch, 1, kept=kept)
    root = Path(patch.root.source)
    os.utime(root, ns=(1, 1))
    again = resolve(patch, 2, kept=kept)
    assert again is not first
    assert again.token == first.token
    values = small_worlds.revealing(20, 28)[:, ::-1]
    small_worlds.write_root(root, values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    assert resolve(patch, 2, kept=kept).token != first.token


def test_few_recipes_are_kept(patch: Recipe) -> None:
    kept = ResolvedLevels(limit=2)
    first = resolve(patch, 1, kept=kept)
    for seed in (1, 2):
        resolve(patch.replace(seed=seed), 1, kept=kept)
    assert resolve(patch, 1, kept=kept) is not first


@pytest.mark.parametrize("number", [-1, 4])
def test_a_level_that_the_grid_does_not_have(patch: Recipe, number: int) -> None:
    with pytest.raises(WindowError, match=rf"level={number} does not exist: this grid has levels 0 to 3"):
        resolve(patch, number)


def test_a_level_travels_as_a_name(patch: Recipe) -> None:
    level = resolve(patch, 3)
    sent = pickle.dumps(level)
    assert len(sent) < 3000
    assert pickle.loads(sent) is level


def test_other_content_under_the_same_name_is_refused(patch: Recipe, tmp_path: Path) -> None:
    sent = pickle.dumps(resolve(patch, 2))
    values = small_worlds.revealing(20, 28)[:, ::-1]
    root = Path(patch.root.source)
    shutil.copy(root, tmp_path / "kept.tif")
    small_worlds.write_root(root, values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    with pytest.raises(WorldError, match=r"world 'patch' has other content here \(token .*copy the files"):
        pickle.loads(sent)
    shutil.copy(tmp_path / "kept.tif", root)
    assert pickle.loads(sent).number == 2
    with pytest.raises(WorldError, match="has other content here"):
        resolve_same(patch, 2, "0" * 32)


@pytest.mark.parametrize(("size", "refused"), [(LARGE, False), (LARGE - 1, True)])
def test_another_process_does_not_read_a_large_file_again_to_name_it(
    patch: Recipe, size: int, refused: bool
) -> None:
    root = Path(patch.root.source)
    with root.open("r+b") as file:
        file.truncate(size)
    stood = root.stat()
    sent = pickle.dumps(resolve(patch, 2))
    with root.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    # Only who reads the file to its end can tell now.
    os.utime(root, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    with pytest.raises(WorldError, match="has other content here") if refused else nullcontext():
        assert pickle.loads(sent).number == 2


def test_a_level_knows_its_blocks_and_its_parent_s_pixels(ring: Recipe) -> None:
    level = resolve(ring, 1)
    assert level.blocks(Window(3, 9, -5, 2)) == Window(0, 12, -8, 4)
    asked: list[Window] = []

    def read(window: Window) -> np.ndarray:
        asked.append(window)
        return generate(ring, 0, window)

    on_parent(ring, 1, Window(3, 9, -5, 2), read)
    assert asked == [level.parent_window(Window(3, 9, -5, 2))]
    assert level.cost(Window(3, 3, 0, 9)).tiles == 0
    assert resolve(ring, 0).cost(ring.grid.full(0)).evaluations == 0
    with pytest.raises(TypeError, match="is read from"):
        _ = resolve(ring, 0).drawn


def test_cost_counts_evaluations_of_every_solver(patch: Recipe) -> None:
    window = Window(0, 24, 0, 24)
    for solver, each in (("euler", 3), ("heun", 5), ("plms", 4), ("unipc", 3)):
        world = patch.replace(sampler=replace(patch.sampler, solver=solver))
        cost = resolve(world, 1).cost(window)
        assert cost.evaluations == cost.tiles * each


def test_weights_that_change_after_the_world_was_opened_are_refused(patch: Recipe, tmp_path: Path) -> None:
    bundled, folder = ModelReference("bundled:earth-small").directory, tmp_path / "mine"
    shutil.copytree(bundled, folder)
    level = resolve(patch.replace(model=str(folder), sampler=None), 1)
    assert level.drawn.load("cpu").nbytes > 10**6
    sidecar = folder / "geoinfinite.json"
    sidecar.write_text(sidecar.read_text() + " ")
    with pytest.raises(
        ModelError, match=r"mine'?: .*geoinfinite.json was changed after the world was opened"
    ):
        level.drawn.load("cpu")
