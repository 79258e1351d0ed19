"""World files from strangers load and can be used, or are refused in one line, whatever they hold."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import hostile
import small_worlds

from geoinfinite import World
from geoinfinite.errors import GeoInfiniteError
from geoinfinite.recipe import worldfile

CASES = int(os.environ.get("GEOINFINITE_HOSTILE_WORLDS", "500"))
"""How many files are tried: the first so many of an endless list."""


def use(world: World) -> None:
    """Do with a world what needs no network: name it, write it, look at every level of it."""
    assert worldfile.loads(worldfile.dump(world), World) == world
    assert len(world.token) == 32
    for level in range(world.grid.levels):
        array = world.array(level)
        assert array.shape[1:] == world.grid.shape_at(level)
        corner = array.isel(y=[-1], x=[-1])
        assert world.grid.window(level, array.rio.bounds()).size > 0
        assert corner.size == world.bands
        world.noise(level, world.bands)


def outcome(text: str, folder: Path) -> str:
    """Return what comes of a world file: ``"used"`` or the error's text; other errors are raised."""
    try:
        with warnings.catch_warnings():
            # PROJ and rasterio warn of CRSs of which they know little.
            warnings.simplefilter("ignore", UserWarning)
            use(World.loads(text, folder=folder))
    except GeoInfiniteError as error:
        return str(error)
    return "used"


def test_a_world_file_is_used_or_refused_in_one_line(tmp_path: Path) -> None:
    small_worlds.ring_world(tmp_path)
    said = {outcome(hostile.world_text(seed), tmp_path) for seed in range(CASES)}
    assert "used" in said
    assert len(said) > CASES // 5
    assert [text for text in said if "\n" in text or len(text) > 700] == []
