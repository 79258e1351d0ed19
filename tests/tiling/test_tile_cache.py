import numpy as np

from geoinfinite.tiling import MemoryTileCache


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
