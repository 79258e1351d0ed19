"""DiffusionSat: images of a place, its resolution and its date, from words, coarse bands or earlier images."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.errors import ModelError
from geoinfinite.models.files import CONFIG, read_object
from geoinfinite.models.systems.protocol import System

SATUNET = "SatUNet"


def recognises(source: Path) -> bool:
    """Say whether a folder has DiffusionSat's network, or one of its ControlNets."""
    unet, control = (config_of(source / name) for name in ("unet", "controlnet"))
    return unet.get("_class_name") == SATUNET or "conditioning_in_channels" in control


def config_of(folder: Path) -> dict[str, object]:
    """Return the configuration of a network; an empty one where there is none."""
    if not (folder / CONFIG).is_file():
        return {}
    try:
        return read_object(folder / CONFIG)
    except ModelError:
        # A damaged file is named when it is read for good.
        return {}


SYSTEM = System(
    "diffusionsat",
    "DiffusionSat (Khanna et al. 2024, arXiv:2312.03606)",
    recognises,
    convert="geoinfinite.models.systems.diffusionsat.converting:converted",
    inputs="geoinfinite.models.systems.diffusionsat.inputs:inputs",
)
