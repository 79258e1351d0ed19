"""Worlds load, save, and become arrays."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from geoinfinite import World
from geoinfinite.arrays import origin_of
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
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
