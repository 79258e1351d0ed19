"""What drawing may use can be brought along, and changes no pixel."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from counting import count_calls
from drawings import UNCACHED, caching

from geoinfinite.engine import generate, process_resources
from geoinfinite.engine.open_rasters import OpenRasters
from geoinfinite.errors import Cancelled
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.tiling import DiskTileCache, MemoryTileCache

WINDOW = Window(10, 90, 5, 99)


def test_a_cache_on_disk_serves_the_next_process(
    patch: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_calls(monkeypatch)
    first = generate(patch, 2, WINDOW, resources=caching(DiskTileCache(tmp_path / "tiles", 2**30)))
    assert calls.calls > 0
    calls.batches.clear()
    again = generate(patch, 2, WINDOW, resources=caching(DiskTileCache(tmp_path / "tiles", 2**30)))
    assert (again == first).all()
    assert calls.calls == 0


def test_work_that_nobody_wants_any_more_ends_between_two_batches(
    patch: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, asked = count_calls(monkeypatch), iter([False, False, True])
    world = patch.replace(numerics=Numerics(micro_batch=1))
    cache = MemoryTileCache(2**24)
    cancelled = replace(caching(cache), is_cancelled=lambda: next(asked))
    with pytest.raises(Cancelled, match="drawing was cancelled; ask again"):
        generate(world, 1, WINDOW.intersect(world.grid.full(1)), resources=cancelled)
    assert calls.calls == 2 * world.sampler.steps
    pixels = generate(world, 1, Window(10, 80, 5, 99), resources=caching(cache))
    assert (pixels == generate(world, 1, Window(10, 80, 5, 99), resources=UNCACHED)).all()


def test_resources_of_another_process_are_its_own() -> None:
    assert pickle.loads(pickle.dumps(caching(MemoryTileCache(1)))) is process_resources()


class Dataset:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_rasters_stay_open_up_to_a_number() -> None:
    pool, opened = OpenRasters(limit=2), []

    def open_dataset() -> Dataset:
        opened.append(Dataset())
        return opened[-1]

    for key in ("a", "b", "a", "c", "a"):
        with pool.lend(key, open_dataset) as dataset:
            assert not dataset.closed
    assert len(opened) == 3
    assert [d.closed for d in opened] == [False, True, False]
    with pool.lend("a", open_dataset) as one, pool.lend("a", open_dataset) as other:
        assert one is not other
    with pytest.raises(KeyError, match="x"), pool.lend("a", open_dataset) as dataset:
        raise KeyError("x")
    assert dataset.closed
    pool.clear()
    assert all(d.closed for d in opened)
