"""Published checkpoints that are used as they are: converted once, and kept; without torch until then."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import FileState
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.systems.known import imported, known_systems, system_of
from geoinfinite.models.systems.ldm_files import ldm_files, settings_beside, without_settings
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.token import token

LAYOUT = 1
"""Raised when conversion writes other files: folders that were converted on first use are made anew."""
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
    files = sorted(path for path in source.rglob("*") if path.is_file())
    states = [FileState.of(path.resolve()) for path in files or [source, *settings_beside(source)]]
    seen = [(str(state.path), state.size, state.changed_ns) for state in states]
    folder = place / token([LAYOUT, seen])
    if not folder.is_dir():
        system, conversion = imported(CONVERSION_OF)(source, ConvertSettings())
        if conversion.lacks:
            raise conversion.lacking(system, "DST")
        try:
            conversion.written(system, folder)
        except ModelError:
            # Another process may have been faster.
            if not folder.is_dir():
                raise
    return folder


def is_published(source: Path) -> bool:
    """Say whether a path is laid out as a published system, and not converted yet."""
    try:
        if not source.exists() or (source / SIDECAR).is_file():
            return False
    except (OSError, ValueError):
        # No file system can hold such a path.
        return False
    return _recognised(source, _looked_at(source))


def _looked_at(source: Path) -> tuple[FileState, ...]:
    """Return the states of what decides whether a checkpoint is published in a known layout."""
    near = [path for depth in ("*.*", "*/*.*", "*/*/*.*") for path in sorted(source.glob(depth))]
    near += settings_beside(source) if source.is_file() else []
    return tuple(FileState.or_absent(path) for path in (source, *near))


@lru_cache(maxsize=256)
def _recognised(source: Path, states: tuple[FileState, ...]) -> bool:
    """Say whether a system recognises a source; ``states`` are those of its files."""
    return system_of(source) is not None


def unknown_layout(source: Path) -> str:
    """Return what is known of a file or folder that no system recognises, and what to do."""
    if not source.exists():
        return f"{source} does not exist; name a checkpoint as its authors publish it"
    if (weights := without_settings(source)) is not None:
        return (
            f"{weights} has no yaml beside it or in configs, without which its layout is not known; copy the "
            "one that was published with it there"
        )
    if (files := ldm_files(source)) is not None:
        return (
            f"{files.yaml} is of no system that is known ({', '.join(known_systems())}); use the yaml that "
            "was published with the weights, or install the package that knows their system"
        )
    return (
        f"{source} is in no layout that is known; name a checkpoint as its authors publish it, or use a "
        "folder in diffusers' format as it is"
    )
