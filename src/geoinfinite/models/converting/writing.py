"""A converted checkpoint on disk: whole or not there, and the same bytes from the same source."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.files import CONFIG, SIDECAR
from geoinfinite.models.schema import shortened

SCHEDULER = "scheduler"
COPIED = ".json", ".txt", ".safetensors"
"""Endings of the files that are copied from another checkpoint: none that could run code."""


def write_folder(
    destination: Path,
    parts: Iterable[Part],
    sidecar: Mapping[str, Any],
    scheduler: Mapping[str, Any] | None,
    copied: Mapping[str, Path] | None = None,
    replace: bool = False,
) -> Path:
    """Write a checkpoint in diffusers' layout, and return its folder; as `drafted` and `fill` say."""
    with drafted(destination, replace) as draft:
        fill(draft, parts, sidecar, scheduler, copied)
    return destination.absolute()


@contextmanager
def drafted(destination: Path, replace: bool = False) -> Iterator[Path]:
    """Give a new folder that becomes ``destination`` at the end, if nothing fails until then.

    Raises `ModelError` if ``destination`` exists, unless it is a converted checkpoint and is to be replaced.
    """
    destination = destination.absolute()
    _check_place(destination, replace)
    # What a link points to is replaced, and not the link.
    destination = destination.resolve() if replace and destination.exists() else destination
    draft = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
        yield draft
        _publish(draft, destination, replace)
    except OSError as error:
        raise ModelError(
            f"{destination} cannot be written ({error.strerror or error}); name a folder on a disk with room "
            "that you may write to"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def fill(
    folder: Path,
    parts: Iterable[Part],
    sidecar: Mapping[str, Any],
    scheduler: Mapping[str, Any] | None,
    copied: Mapping[str, Path] | None = None,
) -> None:
    """Write the files of a checkpoint into a folder.

    ``parts`` are written one after the other, and may be a generator; ``copied`` are folders and files of
    another checkpoint, by the names that they get.
    """
    for part in parts:
        _write_part(folder, part)
    for name, source in (copied or {}).items():
        _copy(source, folder / name)
    if scheduler is not None:
        _write_json(folder / SCHEDULER / "scheduler_config.json", scheduler)
    _write_json(folder / SIDECAR, sidecar)


def _check_place(destination: Path, replace: bool) -> None:
    if destination.parent.exists() and not destination.parent.is_dir():
        raise ModelError(f"{destination.parent} is no folder to write to; name a place in one")
    if not os.path.lexists(destination):
        return
    if not replace:
        raise ModelError(f"{destination} exists; name another folder, or ask for it to be replaced")
    if not (destination / SIDECAR).is_file():
        raise ModelError(
            f"{destination} is no converted checkpoint (it has no {SIDECAR}), and is not replaced; name "
            "another folder"
        )


def _write_part(draft: Path, part: Part) -> None:
    folder = draft / part.folder
    weights = folder / f"{part.stem}.safetensors"
    if weights.exists():
        raise ModelError(f"{part.folder}/{weights.name} is written twice; give every part its own name")
    folder.mkdir(exist_ok=True)
    if part.config is not None:
        _write_json(folder / CONFIG, part.config)
    # Of their own memory: a file holds no tensor that is part of another, or strided.
    own = torch.contiguous_format
    save_file({name: part.tensors[name].clone(memory_format=own) for name in sorted(part.tensors)}, weights)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    try:
        text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise ModelError(f"{path.name} would hold a number that is not finite; give a finite one") from error
    path.write_text(text + "\n")


def _copy(source: Path, folder: Path) -> None:
    """Copy a file, or the files of one folder, of another checkpoint, and none that is a pickle."""
    if source.is_file() and source.suffix in COPIED:
        shutil.copyfile(source, folder)
        return
    if not source.is_dir():
        raise ModelError(f"{source} is no folder; name a checkpoint in diffusers' layout that has it")
    if folder.exists():
        raise ModelError(f"{folder.name} is converted and copied; take it from one of the two")
    files = sorted(path for path in source.iterdir() if path.suffix in COPIED and path.is_file())
    pickled = sorted(path.name for path in source.glob("*.bin"))
    if not files or (pickled and not any(path.suffix == ".safetensors" for path in files)):
        held = shortened(pickled[0]) if pickled else "none of " + ", ".join(COPIED)
        raise ModelError(
            f"{source} holds {held}, which is not copied; save it with safetensors: load the folder with its "
            "library and save_pretrained(folder)"
        )
    folder.mkdir()
    for path in files:
        shutil.copyfile(path, folder / path.name)


def _publish(draft: Path, destination: Path, replace: bool) -> None:
    """Move a folder to its place, at once; what was there is there until then."""
    if not (replace and destination.exists()):
        _check_place(destination, False)
        draft.rename(destination)
        return
    old = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}")
    destination.rename(old)
    try:
        draft.rename(destination)
    except OSError:
        old.rename(destination)
        raise
    shutil.rmtree(old, ignore_errors=True)
