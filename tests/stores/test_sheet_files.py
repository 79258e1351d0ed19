"""Sheets on disk: whole or not at all, of this job and place or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import store_jobs

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.sheet_files import SheetFiles

PLACE = (3, 12, 0)
TILES = np.arange(2 * 3 * 5 * 4 * 4, dtype=np.float32).reshape(2, 3, 5, 4, 4)


@pytest.fixture
def scratch(tmp_path: Path) -> SheetFiles:
    found = SheetFiles(open_objects(tmp_path), "job", 4)
    found.save(PLACE, TILES)
    return found


def file(scratch: SheetFiles) -> Path:
    return Path(scratch.objects.url, scratch.name(PLACE))


def test_a_sheet_comes_back_bit_for_bit(scratch: SheetFiles) -> None:
    assert scratch.holds(PLACE)
    loaded = scratch.load(PLACE)
    assert loaded.dtype == TILES.dtype
    assert all((loaded[index] == TILES[index]).all() for index in np.ndindex(2, 3))
    assert (np.load(file(scratch)) == TILES).all()


@pytest.mark.parametrize("at", [0, 60, 128, 700, -33, -1])
def test_every_flipped_bit_is_found(scratch: SheetFiles, at: int) -> None:
    data = bytearray(file(scratch).read_bytes())
    data[at] ^= 4
    file(scratch).write_bytes(data)
    assert not scratch.holds(PLACE)


@pytest.mark.parametrize("length", [0, 20, 32, 128, -32, -1])
def test_a_torn_sheet_is_found(scratch: SheetFiles, length: int) -> None:
    file(scratch).write_bytes(file(scratch).read_bytes()[:length])
    assert not scratch.holds(PLACE)


def test_a_foreign_sheet_is_found(scratch: SheetFiles) -> None:
    data = file(scratch).read_bytes()
    for job, level, place in (("other", 4, PLACE), ("job", 5, PLACE), ("job", 4, (3, 0, 12))):
        elsewhere = SheetFiles(scratch.objects, job, level)
        elsewhere.objects.put(elsewhere.name(place), data)
        assert not elsewhere.holds(place)
    assert not scratch.holds((3, 5, 5))


def test_what_is_no_sheet_is_not_read_as_one(scratch: SheetFiles) -> None:
    file(scratch).write_bytes(b"#" * 500)
    with pytest.raises(StoreError, match=r"layers/4/3/12-0.npy is no sheet of tiles .*delete it, and resume"):
        scratch.load(PLACE)


def test_places_are_those_stored_and_nothing_else(scratch: SheetFiles) -> None:
    scratch.save((0, 0, 7), TILES)
    for name in (f"3/12-0.npy.{'01' * 16}.partial", "3/notes.txt", "3/a-b.npy", "x/1-1.npy", "1-1.npy"):
        path = Path(scratch.objects.url, scratch.prefix, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"?")
    assert sorted(scratch.tasks()) == [(0, 0, 7), PLACE]
    assert list(SheetFiles(scratch.objects, "job", 1).tasks()) == []


def test_dropping_and_clearing_leave_nothing(scratch: SheetFiles, tmp_path: Path) -> None:
    other = SheetFiles(scratch.objects, "job", 5)
    other.save(PLACE, TILES)
    for _ in range(2):
        scratch.drop(PLACE)
        assert not scratch.holds(PLACE)
    scratch.clear()
    assert other.holds(PLACE)
    for _ in range(2):
        other.clear()
        assert store_jobs.contents(tmp_path) == {}
