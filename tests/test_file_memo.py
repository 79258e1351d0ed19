"""What is known of a file is asked again when the file has changed, whatever its dates say."""

from __future__ import annotations

import os
from pathlib import Path

from geoinfinite.file_memo import FileMemo, FileState, file_digest


def test_a_file_changed_in_place_under_its_old_date_is_another(tmp_path: Path) -> None:
    file, memo = tmp_path / "weights", FileMemo(limit=4)
    file.write_bytes(b"before")
    found, digest, dates = FileState.of(file), file_digest(file, memo), file.stat()
    file.write_bytes(b"behind")
    os.utime(file, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert file.stat().st_mtime_ns == dates.st_mtime_ns
    assert not found.is_current()
    assert file_digest(file, memo) != digest
