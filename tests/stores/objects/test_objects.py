"""Objects behave alike in a folder, in memory and in a bucket; a folder keeps to itself."""

from __future__ import annotations

import os
import pickle
import uuid
from pathlib import Path

import numpy as np
import pytest
import zarr
from s3_server import S3Server

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects import Objects, open_objects

KINDS = "folder", "memory", "s3"


@pytest.fixture(params=KINDS)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return open_objects(tmp_path / "a.zarr")
    if request.param == "memory":
        return open_objects(f"memory://{uuid.uuid4()}")
    server: S3Server = request.getfixturevalue("s3")
    return open_objects(f"{server.bucket(f'b{uuid.uuid4()}')}/in/a.zarr", server.options)


def test_objects_travel(objects: Objects) -> None:
    objects.put("a", b"1")
    travelled = pickle.loads(pickle.dumps(objects))
    assert travelled == objects
    assert travelled.get("a") == b"1"
    travelled.put("b", b"2")
    assert objects.get("b") == b"2"


@pytest.mark.parametrize("name", ["", "..", "../a", "a//b", "/a", "a/../../b", "a/.", "a\\b", "a\0b"])
def test_no_name_leaves_the_store(objects: Objects, name: str) -> None:
    for operation in (objects.get, objects.size, objects.delete, lambda n: objects.put(n, b"")):
        with pytest.raises(
            StoreError, match=r"is not the name of an object: take parts joined by single '/'"
        ):
            operation(name)


def test_zarr_reads_what_zarr_wrote_elsewhere(objects: Objects, tmp_path: Path) -> None:
    values = np.arange(7 * 11, dtype=np.int32).reshape(7, 11)
    plain = zarr.create_array(tmp_path / "p", shape=(7, 11), shards=(4, 4), chunks=(2, 2), dtype="int32")
    plain[:] = values
    for file in (f for f in (tmp_path / "p").rglob("*") if f.is_file()):
        objects.put(f"g/{file.relative_to(tmp_path / 'p')}", file.read_bytes())
    array = zarr.open_array(objects.zarr_store(), path="g", mode="r")
    assert (array[:] == values).all()
    assert (array[3:6, 2:9] == values[3:6, 2:9]).all()
    assert array.nchunks_initialized == array.nchunks
    with pytest.raises(ValueError, match=r"read-only|read only"):
        array[:] = 0


def test_only_one_whole_job_writes_a_folder_and_parts_share_it(tmp_path: Path) -> None:
    one, other = open_objects(tmp_path / "a"), open_objects(tmp_path / "a")
    one.put("x", b"")
    with one.writing(), pytest.raises(StoreError, match=r"a is being written by another process; wait"):
        other.writing().__enter__()
    with one.writing(shared=True):
        with other.writing(shared=True):
            pass
        with pytest.raises(StoreError, match=r"a is being written by another process"):
            other.writing().__enter__()


def test_a_folder_that_is_removed_meanwhile_is_not_written(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"a was removed by another process; run the same again"),
        open_objects(tmp_path / "a").writing(),
    ):
        pass


def test_partial_files_are_no_objects_and_are_removed(tmp_path: Path) -> None:
    objects = open_objects(tmp_path)
    objects.put("c/0", b"whole")
    partial = tmp_path / "c" / f"1.{'0a' * 16}.partial"
    partial.write_bytes(b"ha")
    (tmp_path / "c" / "mine.partial").write_bytes(b"not ours: we never made such a name")
    (tmp_path / "empty" / "folders").mkdir(parents=True)
    assert sorted(objects.names()) == ["c/0", "c/mine.partial"]
    with objects.writing(shared=True):
        assert partial.exists()
    with objects.writing():
        assert not partial.exists()
        assert not (tmp_path / "empty").exists()
        partial.write_bytes(b"ha")
    assert sorted(f.name for f in tmp_path.rglob("*")) == ["0", "c", "mine.partial"]


@pytest.mark.parametrize("link", ["layers", "2", "2/image", "2/image/c/0/0/0", "zarr.json"])
def test_links_in_a_folder_are_refused_and_what_they_point_to_is_left_alone(
    tmp_path: Path, link: str
) -> None:
    precious = tmp_path / "precious"
    (precious / "2" / "image").mkdir(parents=True)
    (precious / "a.txt").write_text("mine")
    store = tmp_path / "a.zarr"
    (store / link).parent.mkdir(parents=True)
    (store / link).symlink_to(precious / "a.txt" if link.endswith(("0", "json")) else precious)
    objects = open_objects(store)
    below = link if link.endswith(("0", "json")) else f"{link}/a.txt"
    for touch in (objects.get, objects.size, objects.delete, lambda n: objects.put(n, b"theirs")):
        with pytest.raises(
            StoreError, match=rf"a.zarr/{link} is a link, .*files and folders only; delete it"
        ):
            touch(below)
    with pytest.raises(StoreError, match=rf"{link} is a link"):
        list(objects.names())
    with objects.writing():
        pass
    assert (precious / "a.txt").read_text() == "mine"
    assert sorted(f.name for f in precious.rglob("*")) == ["2", "a.txt", "image"]


def test_what_would_hang_a_reader_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "zarr.json")
    with pytest.raises(StoreError, match=r"zarr.json is not a regular file"):
        open_objects(tmp_path).get("zarr.json")


def test_a_folder_may_be_named_by_a_link_also_by_one_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("real", "none"):
        (tmp_path / f"to-{name}").symlink_to(tmp_path / name)
        open_objects(tmp_path / f"to-{name}").put("a", b"1")
        assert (tmp_path / name / "a").read_bytes() == b"1"


def test_the_folder_above_is_not_made(tmp_path: Path) -> None:
    for write in (lambda o: o.put("a", b""), lambda o: o.create("a", b"")):
        with pytest.raises(
            StoreError, match=r"the folder .*none does not exist; create it, or choose another"
        ):
            write(open_objects(tmp_path / "none" / "a.zarr"))
    assert list(tmp_path.iterdir()) == []


def test_addresses_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"ftp:// is not known; take a path, s3://, gs://, az:// or memory://"
    ):
        open_objects("ftp://host/a.zarr")
    with pytest.raises(StoreError, match=r"a MemoryStore is neither a path nor a URL"):
        open_objects(zarr.storage.MemoryStore())  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"storage_options are for URLs such as s3://.*leave them out"):
        open_objects(tmp_path / "a.zarr", {"region": "x"})
    with pytest.raises(
        StoreError, match=r"s3://b/a cannot be opened: .*'regoin'.*check the URL and storage_opt"
    ):
        open_objects("s3://b/a", {"regoin": "x"})
    assert open_objects(f"file://{tmp_path}/with%20space").url == f"{tmp_path}/with space"


def test_a_bucket_that_is_not_there_is_said(s3: S3Server) -> None:
    objects = open_objects("s3://nobody-made-me/a.zarr", s3.options)
    for write in (objects.put, objects.create):
        with pytest.raises(
            StoreError, match=r"s3://nobody-made-me/a.zarr/x cannot be written: .*NoSuchBucket"
        ):
            write("x", b"")


def test_a_server_that_is_not_there_is_said() -> None:
    options = {"endpoint": "http://127.0.0.1:9", "region": "x", "key": "a", "secret": "b"}
    options["retry_config"] = {"max_retries": 0}  # type: ignore[assignment]
    with pytest.raises(StoreError, match=r"s3://b/a/x cannot be read: .*check the address, the credentials"):
        open_objects("s3://b/a", options).get("x")


def test_the_common_options_of_fsspec_are_understood(s3: S3Server) -> None:
    url = s3.bucket(f"b{uuid.uuid4()}")
    theirs = {
        "key": "a",
        "secret": "b",
        "client_kwargs": {"region_name": "us-east-1"},
        "endpoint_url": s3.address,
    }
    open_objects(url + "/x", theirs).put("a", b"1")
    assert open_objects(url + "/x", s3.options).get("a") == b"1"


def test_memory_is_that_of_one_process() -> None:
    reopen, (url, process) = open_objects("memory://here").__reduce__()  # type: ignore[misc]
    assert process == os.getpid()
    with pytest.raises(StoreError, match=r"memory://here lives in the memory of one process; write it with"):
        reopen(url, process + 1)
