"""Sheets on disk: whole or not at all, of this job and place or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoinfinite.stores import ledger
from geoinfinite.stores.scratch import Scratch

PLACE = (3, 12, 0)
TILES = np.arange(2 * 3 * 5 * 4 * 4, dtype=np.float32).reshape(2, 3, 5, 4, 4)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    found = Scratch(tmp_path, "job", 4)
    found.save(PLACE, TILES)
    return found


def file(scratch: Scratch) -> Path:
    return scratch.folder / "3" / "12-0.npy"


def test_a_sheet_comes_back_bit_for_bit(scratch: Scratch) -> None:
    assert scratch.holds(PLACE)
    loaded = scratch.load(PLACE)
    assert loaded.dtype == TILES.dtype
    assert (loaded == TILES).all()
    assert (np.load(file(scratch)) == TILES).all()


@pytest.mark.parametrize("at", [0, 60, 128, 700, -33, -1])
def test_every_flipped_bit_is_found(scratch: Scratch, at: int) -> None:
    data = bytearray(file(scratch).read_bytes())
    data[at] ^= 4
    file(scratch).write_bytes(data)
    assert not scratch.holds(PLACE)


@pytest.mark.parametrize("length", [0, 20, 32, 128, -32, -1])
def test_a_torn_sheet_is_found(scratch: Scratch, length: int) -> None:
    file(scratch).write_bytes(file(scratch).read_bytes()[:length])
    assert not scratch.holds(PLACE)


def test_a_foreign_sheet_is_found(scratch: Scratch, tmp_path: Path) -> None:
    data = file(scratch).read_bytes()
    for job, level, place in (("other", 4, PLACE), ("job", 5, PLACE), ("job", 4, (3, 0, 12))):
        elsewhere = Scratch(tmp_path, job, level)
        target = elsewhere.folder / str(place[0]) / f"{place[1]}-{place[2]}.npy"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        assert not elsewhere.holds(place)
    assert scratch.holds(PLACE)


def test_places_are_those_on_disk_and_nothing_else(scratch: Scratch) -> None:
    scratch.save((0, 0, 7), TILES)
    for name in ("3/12-0.npy.0123.partial", "3/notes.txt", "3/a-b.npy", "x/1-1.npy", "1-1.npy"):
        (scratch.folder / name).parent.mkdir(exist_ok=True)
        (scratch.folder / name).write_bytes(b"?")
    assert sorted(scratch.places()) == [(0, 0, 7), PLACE]
    assert list(Scratch(scratch.store, "job", 1).places()) == []


def test_dropping_and_clearing_leave_nothing(scratch: Scratch, tmp_path: Path) -> None:
    other = Scratch(tmp_path, "job", 5)
    other.save(PLACE, TILES)
    for _ in range(2):
        scratch.drop(PLACE)
        assert not scratch.holds(PLACE)
    scratch.clear()
    assert other.holds(PLACE)
    for _ in range(2):
        other.clear()
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_sheet(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        scratch.save((3, 12, 1), TILES)
    assert [f.name for f in scratch.folder.rglob("*.*")] == ["12-0.npy"]
