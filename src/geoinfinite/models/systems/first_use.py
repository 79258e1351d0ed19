"""Published checkpoints that are named as they are: converted when they are first used, and kept."""

from __future__ import annotations

import os
from pathlib import Path

from geoinfinite.file_memo import FileState, process_memo
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.systems.known import imported, system_of
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.token import token

LAYOUT = 1
"""Raised when conversion writes other files: what was converted on first use is made anew."""
CACHE = "GEOINFINITE_CACHE"
"""The environment variable that names the folder of what is converted on first use."""
CONVERSION_OF = "geoinfinite.models.systems.conversion:conversion_of"
"""Needs torch, which is imported when something is converted."""


def runnable(source: Path) -> Path:
    """Return a folder that can be loaded: the source itself, or what it was converted to on its first use.

    Conversions are kept in the folder that ``GEOINFINITE_CACHE`` names, else in ``~/.cache/geoinfinite``, by
    path, size and time of what they were made of.
    """
    if not is_published(source):
        return source
    place = Path(os.environ.get(CACHE, "~/.cache/geoinfinite")).expanduser() / "models"
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    states = [FileState.of(path.resolve()) for path in files]
    seen = [(str(state.path), state.size, state.changed_ns) for state in states]
    folder = place / token([LAYOUT, seen])
    if not folder.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        system, conversion = imported(CONVERSION_OF)(source, ConvertSettings())
        conversion.written(system, folder)
    return folder


def is_published(source: Path) -> bool:
    """Say whether a path is laid out as a published system, and not converted yet."""
    try:
        if not source.exists() or (source / SIDECAR).is_file():
            return False
    except (OSError, ValueError):
        # No file system can hold such a path.
        return False
    return process_memo.ask(source, _recognised)


def _recognised(source: Path) -> bool:
    return system_of(source) is not None
