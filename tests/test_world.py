"""Worlds load, save, and become arrays."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
import rasterio.windows

from geoinfinite import World, generate
from geoinfinite.arrays import origin_of
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@pytest.fixture
def world(patch: Recipe) -> World:
    return World(**{f.name: getattr(patch, f.name) for f in dataclasses.fields(patch)})


def test_a_saved_world_is_the_same_world(world: World, tmp_path: Path) -> None:
    world.save(tmp_path / "world.toml")
    again = World.load(tmp_path / "world.toml")
    assert again == world
    assert again.token == world.token
    assert pickle.loads(pickle.dumps(world)) == world
    assert type(world.replace(seed=3)) is World


def test_its_arrays_and_their_origin(world: World) -> None:
    part = world.array(level=1).isel(y=slice(3, 9))
    assert origin_of(part).recipe is world
    assert origin_of(part).window == Window(3, 9, 0, 112)
    assert world.array(1, chunks={"x": 50}).chunks == ((3,), (80,), (50, 50, 12))
    assert world.array(1, chunks=64).chunks == ((3,), (64, 16), (64, 48))
    assert [*world.tree().children] == ["0", "1", "2", "3"]


def test_unknown_worlds_are_named() -> None:
    with pytest.raises(WorldError, match=r"world 'mars' does not exist; .* bundled world: analytic, earth"):
        World.load("mars")


def test_windows_of_other_libraries_give_the_same_pixels(world: World) -> None:
    expected = generate(world, 1, Window(3, 9, 20, 31))
    for window in (((3, 9), (20, 31)), rasterio.windows.Window(20, 3, 11, 6)):
        assert (generate(world, 1, window) == expected).all()


def test_a_recipe_travels_as_text(world: World) -> None:
    again = World.loads(worldfile.dump(world))
    assert (again, again.token) == (world, world.token)
    with pytest.raises(WorldError, match="text is longer than 262144 characters, which no world file is"):
        World.loads("#" * 2**18 + "\n")
    with pytest.raises(WorldError, match="has a line with more than 1000 dots; no key lies so deep"):
        World.loads(f"[{'a.' * 2000}b]")


def test_files_that_hold_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_bytes(b"[world]\nname = '\xff'\n")
    with pytest.raises(WorldError, match=r"w.toml is not UTF-8: .*; save it as UTF-8"):
        World.load(tmp_path / "w.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * (2**18 + 1))
    with pytest.raises(WorldError, match=r"large.toml is larger than 262144 bytes"):
        World.load(tmp_path / "large.toml")
    for name in ("a\0b", "~nobody-of-this-name/w.toml", "a" * 5000):
        with pytest.raises(WorldError, match=r"does not exist; name a .toml file or a bundled world"):
            World.load(name)
