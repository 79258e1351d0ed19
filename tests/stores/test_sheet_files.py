"""Sheets on disk: whole or not at all, of this job and task or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import store_jobs

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.sheet_files import SheetFiles

SHEET = (3, 12, 0)
TILES = np.arange(2 * 3 * 5 * 4 * 4, dtype=np.float32).reshape(2, 3, 5, 4, 4)


@pytest.fixture
def sheets(tmp_path: Path) -> SheetFiles:
    found = SheetFiles(open_objects(tmp_path), "job", 4)
    found.save(SHEET, TILES)
    return found


def file(sheets: SheetFiles) -> Path:
    return Path(sheets.objects.url, sheets.name(SHEET))


def test_a_sheet_comes_back_bit_for_bit(sheets: SheetFiles) -> None:
    assert sheets.holds(SHEET)
    loaded = sheets.load(SHEET)
    assert loaded.dtype == TILES.dtype
    assert all((loaded[index] == TILES[index]).all() for index in np.ndindex(2, 3))
    assert (np.load(file(sheets)) == TILES).all()


@pytest.mark.parametrize("at", [0, 60, 128, 700, -33, -1])
def test_every_flipped_bit_is_found(sheets: SheetFiles, at: int) -> None:
    data = bytearray(file(sheets).read_bytes())
    data[at] ^= 4
    file(sheets).write_bytes(data)
    assert not sheets.holds(SHEET)


@pytest.mark.parametrize("length", [0, 20, 32, 128, -32, -1])
def test_a_torn_sheet_is_found(sheets: SheetFiles, length: int) -> None:
    file(sheets).write_bytes(file(sheets).read_bytes()[:length])
    assert not sheets.holds(SHEET)


def test_a_foreign_sheet_is_found(sheets: SheetFiles) -> None:
    data = file(sheets).read_bytes()
    for job, level, place in (("other", 4, SHEET), ("job", 5, SHEET), ("job", 4, (3, 0, 12))):
        elsewhere = SheetFiles(sheets.objects, job, level)
        elsewhere.objects.put(elsewhere.name(place), data)
        assert not elsewhere.holds(place)
    assert not sheets.holds((3, 5, 5))


def test_what_is_no_sheet_is_not_read_as_one(sheets: SheetFiles) -> None:
    file(sheets).write_bytes(b"#" * 500)
    with pytest.raises(StoreError, match=r"layers/4/3/12-0.npy is no sheet of tiles .*delete it, and resume"):
        sheets.load(SHEET)


def test_tasks_are_those_stored_and_nothing_else(sheets: SheetFiles) -> None:
    sheets.save((0, 0, 7), TILES)
    for name in (f"3/12-0.npy.{'01' * 16}.partial", "3/notes.txt", "3/a-b.npy", "x/1-1.npy", "1-1.npy"):
        path = Path(sheets.objects.url, sheets.prefix, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"?")
    assert sorted(sheets.tasks()) == [(0, 0, 7), SHEET]
    assert list(SheetFiles(sheets.objects, "job", 1).tasks()) == []


def test_dropping_and_clearing_leave_nothing(sheets: SheetFiles, tmp_path: Path) -> None:
    other = SheetFiles(sheets.objects, "job", 5)
    other.save(SHEET, TILES)
    for _ in range(2):
        sheets.drop(SHEET)
        assert not sheets.holds(SHEET)
    sheets.clear()
    assert other.holds(SHEET)
    for _ in range(2):
        other.clear()
        assert store_jobs.contents(tmp_path) == {}
