"""Folders, memory and buckets keep the contract that anybody may run; objects that break it are caught."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from s3_server import S3Server

from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.testing import ObjectsContract


class TestFolder(ObjectsContract):
    def objects(self, folder: Path) -> Objects:
        return open_objects(folder / "a.zarr")


class TestMemory(ObjectsContract):
    def objects(self, folder: Path) -> Objects:
        return open_objects(f"memory://{uuid.uuid4()}")


class TestBucket(ObjectsContract):
    @pytest.fixture(autouse=True)
    def _served(self, s3: S3Server) -> None:
        self.server = s3

    def objects(self, folder: Path) -> Objects:
        return open_objects(f"{self.server.bucket(f'b{uuid.uuid4()}')}/in/a.zarr", self.server.options)


class Careless:
    """Objects that create over what is there."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)

    def create(self, name: str, data: bytes) -> bool:
        self._objects.put(name, data)
        return True


class Broken(ObjectsContract):
    __test__ = False

    def objects(self, folder: Path) -> Objects:
        return Careless(open_objects(folder / "a.zarr"))


@pytest.mark.parametrize(
    "test",
    [
        Broken.test_one_of_many_creates,
        Broken.test_put_replaces_create_does_not_and_delete_may_be_repeated,
    ],
)
def test_objects_that_create_over_what_is_there_are_caught(tmp_path: Path, test: object) -> None:
    with pytest.raises(AssertionError, match="assert"):
        test(Broken(), tmp_path)
