"""DiffusionSat: images of a place, a resolution and a date, from words, coarse bands or other dates."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.network_folder import config_of
from geoinfinite.models.systems.protocol import System

SATUNET = "SatUNet"


def recognises(source: Path) -> bool:
    """Say whether a folder has DiffusionSat's network, or one of its ControlNets."""
    unet, control = (config_of(source / name) for name in ("unet", "controlnet"))
    return unet.get("_class_name") == SATUNET or "conditioning_in_channels" in control


SYSTEM = System(
    "diffusionsat",
    "DiffusionSat (Khanna et al. 2024, arXiv:2312.03606)",
    recognises,
    convert="geoinfinite.models.systems.diffusionsat.converting:converted",
    inputs="geoinfinite.models.systems.diffusionsat.inputs:inputs",
)
