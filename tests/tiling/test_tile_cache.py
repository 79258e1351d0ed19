from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from geoinfinite.tiling import DiskTileCache, MemoryTileCache, NoTileCache


def tile(value: float) -> np.ndarray:
    return np.full(25, value, np.float32)


def test_memory_is_bounded_and_the_oldest_tile_goes_first() -> None:
    cache = MemoryTileCache(max_bytes=350)
    for name in "abc":
        cache.put(name, tile(ord(name)))
    assert cache.get("a") is not None
    cache.put("d", tile(0))
    assert [cache.get(name) is not None for name in "abcd"] == [True, False, True, True]


def test_putting_a_tile_again_counts_once() -> None:
    cache = MemoryTileCache(max_bytes=250)
    for _ in range(9):
        cache.put("a", tile(1))
    cache.put("b", tile(2))
    assert cache.get("a") is not None
    assert cache.get("b") is not None


def test_a_tile_larger_than_the_cache_is_not_held() -> None:
    cache = MemoryTileCache(max_bytes=99)
    cache.put("a", tile(1))
    assert cache.get("a") is None


def test_clearing_lets_go_of_everything() -> None:
    cache = MemoryTileCache(max_bytes=999)
    cache.put("a", tile(1))
    cache.clear()
    assert cache.get("a") is None


def test_two_threads_draw_no_tile_twice() -> None:
    cache, drawn, results = MemoryTileCache(10**6), [], []
    begin = threading.Barrier(2)

    def draw(keys: list[int]) -> dict[int, np.ndarray]:
        drawn.extend(keys)
        time.sleep(0.02)
        return {key: tile(key) for key in keys}

    def work(order: list[list[int]]) -> None:
        begin.wait()
        for keys in order:
            results.append((keys, cache.obtain(keys, draw)))

    batches = [[1, 2], [3, 4], [5, 6], [2, 3]]
    threads = [threading.Thread(target=work, args=(order,)) for order in (batches, batches[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(drawn) == [1, 2, 3, 4, 5, 6]
    assert all((found[key] == key).all() for keys, found in results for key in keys)


def test_a_tile_that_another_thread_failed_to_draw_is_drawn_anew() -> None:
    cache, begun = MemoryTileCache(10**6), threading.Event()

    def fail(keys: list[int]) -> dict[int, np.ndarray]:
        begun.set()
        time.sleep(0.05)
        raise ValueError("no luck")

    def first() -> None:
        with pytest.raises(ValueError, match="no luck"):
            cache.obtain([1], fail)

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait()
    found = cache.obtain([1], lambda keys: {key: tile(3) for key in keys})
    thread.join(timeout=30)
    assert (found[1] == 3).all()


def test_tiles_on_disk_are_whole_and_bounded(tmp_path: Path) -> None:
    cache = DiskTileCache(tmp_path, max_bytes=3 * tile(0).nbytes * 2)
    key = ("token", 2, 0, (-1, 3))
    cache.put(key, tile(7))
    assert (DiskTileCache(tmp_path, 10**6).get(key) == 7).all()
    (file,) = tmp_path.glob("*/*.npy")
    file.write_bytes(file.read_bytes()[:40])
    assert cache.get(key) is None
    for other in range(5):
        cache.put(other, tile(9))
    assert sum(f.stat().st_size for f in tmp_path.glob("*/*.npy")) <= cache.max_bytes
    assert cache.get(4) is not None
    cache.clear()
    assert not list(tmp_path.glob("*/*.npy"))


def test_no_cache_draws_everything_and_keeps_nothing() -> None:
    cache, drawn = NoTileCache(), []
    for _ in range(2):
        cache.obtain([1, 2, 1], lambda keys: drawn.append(keys) or {key: tile(1) for key in keys})
    assert drawn == [[1, 2], [1, 2]]
