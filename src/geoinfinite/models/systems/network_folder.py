"""Folders of single networks in diffusers' layout, looked at without their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.files import CONFIG, read_object

FILES = ".json", ".safetensors", ".bin"
"""Endings of the files that make a network."""


def config_of(folder: Path) -> dict[str, Any]:
    """Return the configuration of a network; an empty one where there is none, or none that can be read."""
    if not (folder / CONFIG).is_file():
        return {}
    try:
        return read_object(folder / CONFIG)
    except ModelError:
        # A damaged file is named when it is read for good.
        return {}


def files_of(folder: Path) -> tuple[Path, ...]:
    """Return the files that make a network; none where there is no such folder."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix in FILES))
