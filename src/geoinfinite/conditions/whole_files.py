"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoinfinite.errors import WorldError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path beside a target, of the same ending, which becomes the target if all goes well.

    Raises `WorldError` for a folder that does not exist.
    """
    check_folder(target)
    unfinished = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:12]}{target.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def check_folder(target: Path) -> None:
    """Raise `WorldError` unless the folder of a path exists."""
    if not target.parent.is_dir():
        raise WorldError(
            f"path={str(target)!r}: the folder does not exist; make it: mkdir -p {target.parent}"
        )
