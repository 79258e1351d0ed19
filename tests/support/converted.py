"""Parts of converted checkpoints, written and loaded as a user's are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.writing import write_folder
from geoinfinite.models.diffusers.part import Part as NetworkPart
from geoinfinite.models.diffusers.weights import load_network
from geoinfinite.models.files import read_object


def loaded(part: Part, folder: Path) -> Any:
    """The network of a part, from disk."""
    written = write_folder(folder / part.folder, [part], {}, None) / part.folder
    return load_network(NetworkPart(written, read_object(written / "config.json")), torch.device("cpu"))


def marked(shapes: Mapping[str, Iterable[int]]) -> dict[str, Tensor]:
    """Tensors of no memory to speak of, each of one value of its own."""
    return {
        name: torch.tensor(float(number)).expand(tuple(shape))
        for number, (name, shape) in enumerate(shapes.items(), start=1)
    }


def marks(tensors: Mapping[str, Tensor]) -> dict[str, tuple[float, tuple[int, ...]]]:
    """Value and shape of marked tensors."""
    return {name: (float(tensor.ravel()[0]), tuple(tensor.shape)) for name, tensor in tensors.items()}
