"""The classes of AeroGen's training data, and the vectors that stand for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.weights import load_tensors
from geoinfinite.models.systems.protocol import ConvertSettings

DESCRIPTIONS = {
    "airplane": "airplane parked on the ground",
    "airport": "busy airport",
    "baseballfield": "green baseball field",
    "basketballcourt": "outdoor basketball court",
    "bridge": "long bridge",
    "chimney": "tall chimney",
    "dam": "large dam",
    "Expressway-Service-area": "crowded expressway service area",
    "Expressway-toll-station": "busy expressway toll station",
    "golffield": "well-maintained golf field",
    "groundtrackfield": "athletic ground track field",
    "harbor": "bustling harbor",
    "overpass": "elevated overpass",
    "ship": "ship on the water",
    "stadium": "large stadium",
    "storagetank": "industrial storage tank",
    "tenniscourt": "clay tennis court",
    "trainstation": "crowded train station",
    "vehicle": "vehicle on the road",
    "windmill": "rotating windmill",
}
"""Classes of DIOR-R in the order of the published vectors, and how training prompts speak of each."""
PUBLISHED, NAMED = "category_embeddings.npy", "class_vectors.safetensors"
LARGEST = 2**26
"""Bytes of a file of vectors; the published one has 60 KiB."""


def class_vectors(settings: ConvertSettings, channels: int) -> tuple[tuple[str, ...], Tensor | None]:
    """Return the classes and their vectors ``(class, channel)``, from the base.

    The base holds the authors' ``category_embeddings.npy``, or ``class_vectors.safetensors`` with a vector
    under the name of each class. ``None`` instead of vectors if it holds neither.
    """
    base = settings.base or Path("/nonexistent")
    if (base / NAMED).is_file():
        tensors = load_tensors(base / NAMED)
        names, vectors = tuple(tensors), list(tensors.values())
        _check(base / NAMED, [tuple(vector.shape) for vector in vectors], (channels,))
        return names, torch.stack(vectors).float()
    if (base / PUBLISHED).is_file():
        found = _array(base / PUBLISHED)
        _check(base / PUBLISHED, [found.shape], (len(DESCRIPTIONS), channels))
        return tuple(DESCRIPTIONS), torch.from_numpy(found.astype(np.float32))
    return tuple(DESCRIPTIONS), None


def _array(path: Path) -> np.ndarray:
    if path.stat().st_size > LARGEST:
        raise ModelError(f"{path} has more than {LARGEST} bytes; the published file has a thousandth of it")
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path} holds no array of numbers ({reason}); download it again") from error


def _check(path: Path, shapes: list[tuple[int, ...]], wanted: tuple[int, ...]) -> None:
    for shape in shapes:
        if shape != wanted:
            raise ModelError(
                f"{path} has vectors of shape {list(shape)}, and the checkpoint reads {list(wanted)}; take "
                "the file that belongs to it"
            )
