"""Folders that are in diffusers' layout already, their weights in whatever file they were published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Tensors
from geoinfinite.models.converting.pickles import read_files
from geoinfinite.models.files import CONFIG, read_object, weight_files
from geoinfinite.models.schema import shortened

STEM = "diffusion_pytorch_model"
PICKLED = {"model": "pytorch_model"}
"""What a file of weights is called as a pickle, where it is not called as safetensors are."""


def read_folder(folder: Path, stem: str = STEM) -> tuple[dict[str, Any], Tensors]:
    """Return the ``config.json`` of a folder and its tensors, of one file or of shards.

    Safetensors come before a ``.bin`` of torch. Raises `ModelError` as `read_tensors` does, and for a folder
    without either.
    """
    config = read_object(folder / CONFIG)
    pickled = PICKLED.get(stem, stem)
    safe = any(path.name.startswith(stem) for path in folder.glob("*.safetensors*"))
    if not safe and (folder / f"{pickled}.bin").is_file():
        return config, read_files([folder / f"{pickled}.bin"])
    if not safe and (index := folder / f"{pickled}.bin.index.json").is_file():
        return config, read_files(_shards(index))
    return config, read_files(weight_files(folder, stem))


def _shards(index: Path) -> list[Path]:
    """Return the files that an index names: files of its own folder, each once."""
    named = read_object(index).get("weight_map")
    if not isinstance(named, dict) or not named or not all(isinstance(n, str) for n in named.values()):
        raise ModelError(f"{index}: weight_map names no files; copy the checkpoint again")
    for name in sorted(set(named.values())):
        if Path(name).name != name or not name.endswith(".bin"):
            raise ModelError(
                f"{index}: weight_map names {shortened(name)}, which is no .bin file of its folder; copy the "
                "checkpoint again"
            )
    return [index.parent / name for name in sorted(set(named.values()))]
