"""ControlNets that are published alone, as those of map-sat, GeoSynth, VectorSynth and EarthSynth."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.files import SIDECAR
from geoinfinite.models.systems.network_folder import config_of
from geoinfinite.models.systems.protocol import System

CLASS = "ControlNetModel"


def folder_of(source: Path) -> Path | None:
    """Return the folder of a ControlNet that has no U-Net beside it: the source, or ``controlnet`` in it."""
    if (source / "unet").exists() or (source / SIDECAR).is_file():
        return None
    return next((folder for folder in (source, source / "controlnet") if _is_stock(folder)), None)


def recognises(source: Path) -> bool:
    """Say whether a folder holds a stock ControlNet, and no U-Net that it belongs to."""
    return folder_of(source) is not None


def _is_stock(folder: Path) -> bool:
    """Say whether a folder holds a ControlNet of diffusers' own class."""
    config = config_of(folder)
    return config.get("_class_name") == CLASS and "conditioning_in_channels" not in config


SYSTEM = System(
    "controlnet",
    "a ControlNet (Zhang et al. 2023, arXiv:2302.05543) without the network that it steers",
    recognises,
    convert="geoinfinite.models.systems.controlnet.converting:converted",
    inputs="geoinfinite.models.diffusers.stock:stock_inputs",
)
