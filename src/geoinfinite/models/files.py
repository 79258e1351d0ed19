"""The files of a checkpoint, read without torch: JSON objects and the headers of safetensors."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import FileMemo, process_memo
from geoinfinite.models.schema import shortened

WEIGHTS = "diffusion_pytorch_model.safetensors"
CONFIG = "config.json"
SIDECAR = "geoinfinite.json"

LARGEST_JSON = 4 * 2**20
"""Bytes of a JSON file; the longest known, of 1000 trained betas, has 25 KiB."""
LARGEST_HEADER = 100_000_000
"""Bytes of a header: the limit of the safetensors format."""
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Types of tensors that are read, and the bytes of a value."""
POSITIONS, COUNT_BYTES = "position_ids", 8
"""The one tensor of whole numbers that is read: text encoders were once saved with it."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where a tensor lies in a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    """Offset from the beginning of the file, in bytes."""
    stop: int


def read_object(path: Path, memo: FileMemo = process_memo) -> dict[str, Any]:
    """Return the JSON object that a file holds; raise `ModelError` if it is missing, damaged or huge."""
    return deepcopy(memo.ask(path, _read_object))


def _read_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_JSON + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path} cannot be read ({reason}); copy the whole checkpoint") from error
    if len(data) > LARGEST_JSON:
        raise ModelError(f"{path} has more than {LARGEST_JSON} bytes; a configuration has a few thousand")
    found = _parsed(path, data)
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged (it is no JSON object); copy the checkpoint again")
    return found


def read_header(path: Path) -> dict[str, TensorEntry]:
    """Return where the tensors of a safetensors file lie.

    Raises `ModelError` unless the file is whole: the header describes every byte of it, once.
    """
    if not path.is_file():
        raise ModelError(_missing(path))
    with path.open("rb") as stream:
        head = stream.read(8)
        opens_json = stream.peek(1)[:1] == b"{"
        if not opens_json and head.startswith((b"PK", b"\x80")):
            raise ModelError(
                f"{path} is a pickle, which can run code when it is read, and is refused; "
                "save the weights with safetensors.torch.save_file"
            )
        length, size = int.from_bytes(head, "little"), path.stat().st_size
        if len(head) < 8 or length > min(size, LARGEST_HEADER):
            raise _damaged(path, "header is cut off")
        header = _parsed(path, stream.read(length))
    if not isinstance(header, dict):
        raise _damaged(path, "the header is no JSON object")
    entries = {
        name: _entry(path, name, found, 8 + length)
        for name, found in header.items()
        if name != "__metadata__"
    }
    if not entries:
        raise _damaged(path, "there is no tensor in it")
    end = 8 + length
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise _damaged(path, f"{shortened(name)} does not begin where the tensor before it ends")
        end = entry.stop
    if end != size:
        raise _damaged(path, f"{end} bytes promised, {size} found")
    return entries


def check_safetensors(path: Path, memo: FileMemo = process_memo) -> None:
    """Raise `ModelError` unless ``path`` is a whole safetensors file, by its header and its length."""
    memo.ask(path, read_header)


def weight_files(folder: Path, stem: str = "diffusion_pytorch_model") -> tuple[Path, ...]:
    """Return the safetensors files that hold the weights of a folder: one, a variant such as fp16, or shards.

    Raises `ModelError` where there is none, or where it is not clear which of several variants is meant.
    """
    whole = folder / f"{stem}.safetensors"
    if whole.is_file():
        return (whole,)
    named = sorted(path.name for path in folder.glob(f"{stem}*")) if folder.is_dir() else []
    indices = [name for name in named if ".safetensors.index." in name and name.endswith("json")]
    variants = [name for name in named if name.endswith(".safetensors") and "-of-" not in name]
    found = [*indices, *variants]
    if len(found) > 1:
        raise ModelError(
            f"{folder} holds several variants of its weights, {', '.join(found[:4])}; keep one of them, as "
            f"{whole.name}"
        )
    if not found:
        raise ModelError(_missing(whole))
    return _shards(folder / found[0]) if indices else (folder / found[0],)


def _shards(index: Path) -> tuple[Path, ...]:
    """Return the files that an index names: files of its own folder, each once."""
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(n, str) for n in names.values()):
        raise ModelError(f"{index}: weight_map names no files; copy the checkpoint again")
    shards = sorted(set(names.values()))
    strange = [name for name in shards if not name.endswith(".safetensors") or Path(name).name != name]
    if strange:
        raise ModelError(
            f"{index}: weight_map names {shortened(strange[0])}, which is no safetensors file of its folder; "
            "copy the checkpoint again"
        )
    return tuple(index.parent / name for name in shards)


def _parsed(path: Path, data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise _damaged(path, "its JSON is nested too deeply") from error
    except ValueError as error:
        raise _damaged(path, shortened(str(error), 100)) from error


def _entry(path: Path, name: str, found: Any, origin: int) -> TensorEntry:
    """Return an entry of a header, its types, sizes and offsets checked."""
    if not isinstance(found, dict):
        raise _damaged(path, f"the entry of {shortened(name)} is no JSON object")
    dtype, shape, offsets = (found.get(key) for key in ("dtype", "shape", "data_offsets"))
    counts = dtype == "I64" and name.endswith(POSITIONS)
    if not isinstance(dtype, str) or (dtype not in ITEM_BYTES and not counts):
        raise ModelError(
            f"{path}: {shortened(name)} has dtype {shortened(dtype)}, which is not one of "
            f"{', '.join(ITEM_BYTES)}; save the weights as float32 or float16"
        )
    if not isinstance(shape, list) or len(shape) > 8 or not _counts(shape):
        raise _damaged(path, f"{shortened(name)} has shape {shortened(shape)}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not _counts(offsets):
        raise _damaged(path, f"{shortened(name)} has data_offsets {shortened(offsets)}")
    start, stop = offsets
    if stop - start != prod(shape) * ITEM_BYTES.get(dtype, COUNT_BYTES):
        raise _damaged(path, f"{shortened(name)} of shape {shortened(shape)} does not fit its data_offsets")
    return TensorEntry(dtype, tuple(shape), origin + start, origin + stop)


def _counts(values: list[Any]) -> bool:
    return all(type(n) is int and 0 <= n < 2**50 for n in values)


def _missing(path: Path) -> str:
    """Return that a file of weights is not there, and what to do."""
    pickled = sorted(path.parent.glob("*.bin")) if path.parent.is_dir() else []
    if pickled:
        return (
            f"{path} does not exist, and {pickled[0].name} is a pickle, which can run code when it is read; "
            "save the weights as safetensors: load the folder with diffusers and save_pretrained(folder)"
        )
    return f"{path} does not exist; a checkpoint needs its weights as {path.name}"


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path} is truncated or damaged ({reason}); copy or download the checkpoint again")


def is_file(path: Path) -> bool:
    """Say whether a path is a file; a path that no file system can hold is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Say whether a path is a folder; a path that no file system can hold is not."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
