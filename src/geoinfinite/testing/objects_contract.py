"""The contract of `Objects`, which keep the bytes of a store, as a class of tests."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects import Objects


class ObjectsContract:
    """Tests of an `Objects`: subclass it in a test file, and make an empty one with `objects`.

    >>> class TestMine(ObjectsContract):
    ...     def objects(self, folder):
    ...         return open_objects(folder / "a.zarr")
    """

    def objects(self, folder: Path) -> Objects:
        """Return empty objects, other ones at every call; ``folder`` is empty and this test's own."""
        raise NotImplementedError("return the Objects under test, empty")

    def test_it_is_small_and_travels(self, tmp_path: Path) -> None:
        """Objects are pickled with every task, and name the same bytes wherever they arrive."""
        objects = self.objects(tmp_path)
        objects.put("a/b", b"abc")
        sent = pickle.dumps(objects)
        assert len(sent) < 10_000
        assert pickle.loads(sent).get("a/b") == b"abc"
        assert isinstance(objects, Objects)

    def test_what_is_put_is_there_and_nothing_else(self, tmp_path: Path) -> None:
        """Names are whole: neither the folder above an object nor a longer name is one."""
        objects = self.objects(tmp_path)
        assert list(objects.names()) == []
        objects.put("2/image/c/0", b"abcdef")
        objects.put("2/image/zarr.json", b"")
        objects.put("23/x", b"?")
        assert objects.get("2/image/c/0") == b"abcdef"
        assert (objects.size("2/image/c/0"), objects.size("2/image/zarr.json")) == (6, 0)
        for name in ("2/image/c", "2/image/c/00", "3", "2"):
            assert objects.get(name) is None
            assert objects.size(name) is None
        assert sorted(objects.names("2/")) == ["2/image/c/0", "2/image/zarr.json"]
        assert list(objects.names("3/")) == []

    def test_a_range_ends_where_the_object_ends(self, tmp_path: Path) -> None:
        """A ranged read returns what there is of it."""
        objects = self.objects(tmp_path)
        objects.put("a", b"abcdef")
        assert objects.get_range("a", 1, 3) == b"bcd"
        assert objects.get_range("a", 4, 100) == b"ef"
        with pytest.raises(FileNotFoundError, match="b"):
            objects.get_range("b", 0, 1)

    def test_put_replaces_create_does_not_and_delete_may_be_repeated(self, tmp_path: Path) -> None:
        """The three ways to change an object."""
        objects = self.objects(tmp_path)
        assert objects.create("a/b", b"first")
        assert not objects.create("a/b", b"second")
        assert objects.get("a/b") == b"first"
        objects.put("a/b", b"third")
        assert objects.get("a/b") == b"third"
        for _ in range(2):
            objects.delete("a/b")
            assert objects.get("a/b") is None

    def test_one_of_many_creates(self, tmp_path: Path) -> None:
        """Of several callers at once exactly one creates an object."""
        objects, begin = self.objects(tmp_path), Barrier(8)

        def create(number: int) -> bool:
            begin.wait()
            return objects.create("zarr.json", bytes([number]))

        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(create, range(8)))
        assert made.count(True) == 1
        assert objects.get("zarr.json") == bytes([made.index(True)])

    def test_readers_see_whole_objects(self, tmp_path: Path) -> None:
        """While one thread replaces an object, others see the old bytes or the new ones."""
        objects = self.objects(tmp_path)
        values = [bytes([letter]) * 300_000 for letter in b"xy"]
        objects.put("a", values[0])

        def replace_often() -> None:
            for turn in range(20):
                objects.put("a", values[turn % 2])

        with ThreadPoolExecutor(2) as threads:
            writer = threads.submit(replace_often)
            while not writer.done():
                assert objects.get("a") in values
            writer.result()

    @pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "a//b", "", "a/", "./a", "a\\b"])
    def test_names_stay_within_the_store(self, tmp_path: Path, name: str) -> None:
        """A name that leaves the store is refused."""
        objects = self.objects(tmp_path)
        with pytest.raises(StoreError, match="is not the name of an object"):
            objects.put(name, b"x")
        with pytest.raises(StoreError, match="is not the name of an object"):
            objects.get(name)
