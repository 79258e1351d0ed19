"""Map tiles on disk: bounded, whole or absent, shared by servers."""

from __future__ import annotations

import os
from pathlib import Path

from geoinfinite.serve.kept_tiles import KeptTiles


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_longest_unused_go_first_and_the_size_is_bounded(tmp_path: Path) -> None:
    kept = KeptTiles(tmp_path, max_bytes=1000)
    for number in range(9):
        kept.put(str(number), bytes([number]) * 68)
        for age, file in enumerate(sorted(files(tmp_path), key=lambda file: file.stat().st_mtime_ns)):
            os.utime(file, ns=(10**18 + age, 10**18 + age))
        assert kept.get("0") == bytes(68)
    kept.put("last", bytes(168))
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 1000
    assert kept.get("0") == bytes(68)
    assert kept.get("last") == bytes(168)
    assert kept.get("1") is None


def test_two_servers_share_a_folder(tmp_path: Path) -> None:
    one, two = KeptTiles(tmp_path, 10_000), KeptTiles(tmp_path, 10_000)
    one.put("a", b"drawn by one")
    assert two.get("a") == b"drawn by one"
    files(tmp_path)[0].unlink()
    assert one.get("a") is None
    assert KeptTiles(tmp_path, 10_000).get("a") is None


def test_a_damaged_file_counts_as_not_there(tmp_path: Path) -> None:
    kept = KeptTiles(tmp_path, 10_000)
    kept.put("a", b"pixels of a tile")
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + b"!", b"", whole[:10]):
        file.write_bytes(damaged)
        assert kept.get("a") is None
    kept.put("a", b"pixels of a tile")
    assert kept.get("a") == b"pixels of a tile"


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = KeptTiles(tmp_path / "file", 10_000)
    kept.put("a", b"pixels")
    assert kept.get("a") is None


def test_no_partial_file_stays(tmp_path: Path) -> None:
    kept = KeptTiles(tmp_path, 10_000)
    for number in range(20):
        kept.put(str(number), b"x" * number)
    assert [file for file in files(tmp_path) if "partial" in file.name] == []
    assert len(files(tmp_path)) == 20
