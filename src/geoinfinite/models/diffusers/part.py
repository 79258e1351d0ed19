"""``Part``: one network of a checkpoint, as its ``config.json`` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.models.diffusers.architecture import check_architecture
from geoinfinite.models.diffusers.told_facts import CONDITIONED
from geoinfinite.models.files import CONFIG, check_safetensors, read_object, weight_files

NETWORKS = ("UNet2DModel", CONDITIONED)
CONTROLS = ("ControlNetModel",)
AUTOENCODERS = ("AutoencoderKL", "VQModel", "AutoencoderTiny")


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a checkpoint: its folder, and what its ``config.json`` says."""

    folder: Path
    config: Mapping[str, Any]
    """The class, ``_class_name``, and the keys that it reads."""

    @property
    def name(self) -> str:
        """The class that diffusers would make of it."""
        return str(self.config.get("_class_name"))

    @property
    def weights(self) -> tuple[Path, ...]:
        """The files of its weights."""
        return weight_files(self.folder)


def read_part(folder: Path, names: tuple[str, ...]) -> Part:
    """Return a network of one of some classes; raise `ModelError` for what cannot be drawn with."""
    where = folder / CONFIG
    part = Part(folder, check_architecture(where, read_object(where), names))
    for path in part.weights:
        check_safetensors(path)
    return part
