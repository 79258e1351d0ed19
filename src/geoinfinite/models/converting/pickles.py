"""Tensors of files as they were published: torch's own format, of which nothing is run, or safetensors."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.ignored_warnings import ignored
from geoinfinite.models.converting.parts import Tensors
from geoinfinite.models.schema import shortened

TABLES = "state_dict", "ema", "model"
"""Where the tensors of a training's file are; averaged weights before those that they average."""
DEBRIS = (
    "pytorch_lightning.",
    "lightning.",
    "omegaconf.",
    "argparse.",
    "typing.",
    "numpy.",
)
"""Libraries of whose objects trainings leave some beside the tensors: an empty object stands for each."""
_FORBIDDEN = re.compile(r"GLOBAL (\S+)|WeightsUnpickler error:\s*([^\n]+)")
"""What torch says of an object that a file names and that is no tensor, or why it reads no further."""
_READ = torch.float64, torch.float32, torch.float16, torch.bfloat16
"""Types of real numbers that a converted checkpoint may hold."""


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a ``.ckpt``, ``.pt``, ``.bin`` or ``.safetensors`` file, under its own names.

    Values stay in the file until they are used; those of narrower types than float16 become float32. Raises
    `ModelError` for a file that is missing or truncated, for one that would run code, which is not run, and
    for tensors that are not finite.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"{path} {what}; name the file of the weights, as it was published")
    _check_binary(path)
    found = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    tensors = {name: _read(path, name, tensor) for name, tensor in found.items()}
    if not tensors:
        raise ModelError(f"{path} holds no tensors; name the file of the weights, as it was published")
    return Tensors(tensors, str(path))


def read_files(paths: Iterable[Path]) -> Tensors:
    """Return the tensors of several files; raise `ModelError` for one that two of them hold."""
    tensors: dict[str, Tensor] = {}
    first = ""
    for path in paths:
        first = first or str(path)
        found = read_tensors(path)
        if twice := tensors.keys() & found.keys():
            raise ModelError(
                f"{path}: {shortened(min(twice))} is in another file too; copy the whole checkpoint again"
            )
        tensors.update(found)
    return Tensors(tensors, first)


def _check_binary(path: Path) -> None:
    """Raise `ModelError` for what is often saved in place of weights: a pointer of Git LFS, a web page."""
    with path.open("rb") as stream:
        head = stream.read(40)
    if head.startswith(b"version https://git-lfs"):
        raise ModelError(f"{path} is a pointer of Git LFS, and not the file; fetch it with git lfs pull")
    if b"\0" not in head and head.lstrip().startswith((b"<", b"{")):
        raise _damaged(path, f"it is a text that begins with {head.decode('latin-1')[:20]!r}")


def _check_archive(path: Path) -> None:
    """Raise `ModelError` unless an archive holds what its size says: torch compresses nothing."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _damaged(path, "its entries are compressed, which torch never does")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise _damaged(path, "its entries promise more than the file holds")


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error


class _Left:
    """Stands for an object of a training: nothing of what it is told has an effect."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _pickled(path: Path) -> Mapping[str, Tensor]:
    try:
        whole = zipfile.is_zipfile(path)
        if whole:
            _check_archive(path)
        strange = _strange(path) if whole else []
        # Torch warns of pickles that it has not written itself; what they hold is checked as of any other.
        with torch.serialization.safe_globals([(_Left, name) for name in strange]), ignored(UserWarning):
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=whole)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        raise _unsafe(path, error) from error
    # Whatever torch makes of a file that is cut off or of another kind.
    except Exception as error:
        raise _damaged(path, error) from error
    return _table(path, found)


def _strange(path: Path) -> list[str]:
    """Return the objects of known libraries that an archive names; their modules are not imported."""
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    return [name for name in names if name.startswith(DEBRIS)]


def _table(path: Path, found: Any) -> Mapping[str, Tensor]:
    """Return the tensors of what a file holds: itself, or one of its tables."""
    if not isinstance(found, Mapping):
        raise _damaged(path, f"it holds {type(found).__name__}, and no table of tensors")
    for key in TABLES:
        table = found.get(key)
        if isinstance(table, Mapping) and any(isinstance(value, Tensor) for value in table.values()):
            found = table
            break
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def _read(path: Path, name: Any, tensor: Tensor) -> Tensor:
    """Return a tensor of a type that safetensors files of this project hold; raise `ModelError` otherwise."""
    if not isinstance(name, str) or not name.isprintable():
        raise _damaged(path, f"a tensor is called {shortened(name)}")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
        raise _damaged(path, f"{shortened(name)} is no plain tensor of real numbers")
    if tensor.nbytes > tensor.untyped_storage().nbytes():
        raise _damaged(path, f"{shortened(name)} promises more values than there are")
    tensor = tensor.detach()
    if not tensor.is_floating_point():
        return tensor
    if tensor.dtype not in _READ:
        tensor = tensor.to(torch.float32)
    if not torch.isfinite(tensor).all():
        raise ModelError(
            f"{path}: {shortened(name, 120)} holds values that are not finite; download the checkpoint "
            "again, or take one from before its training diverged"
        )
    return tensor


def _unsafe(path: Path, error: Exception) -> ModelError:
    found = _FORBIDDEN.search(str(error))
    because = "an unknown object" if found is None else found[1] or found[2]
    return ModelError(
        f"{path} holds more than tensors ({shortened(because)}), which could run code and was not run; take "
        "the weights from where they were published, as tensors alone"
    )


def _damaged(path: Path, reason: object) -> ModelError:
    because = " ".join((str(reason) or type(reason).__name__).split())[:160]
    return ModelError(f"{path} is truncated or damaged ({because}); copy or download the checkpoint again")
