"""A ControlNet put beside the network of a base, with which it was trained."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.folders import read_folder
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.systems.controlnet import folder_of
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.network_folder import files_of
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.told import Slot

SAMPLING = {"steps": 50, "guidance": 7.5}
"""Of map-sat, GeoSynth and EarthSynth; the solver is that of the base's scheduler file."""
RGB = 3


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a ControlNet and the networks of a base."""
    folder = folder_of(path)
    if folder is None:
        raise ModelError(f"{path} holds no ControlNet; name the folder of its config.json")
    config, tensors = read_folder(folder)
    stock = {key: value for key, value in config.items() if not key.startswith("_") or key == "_class_name"}
    slots = [
        Slot("prompt", "text", dropped=True),
        Slot("hint", "raster", channels=int(config.get("conditioning_channels", RGB)), span=(0, 1)),
    ]
    conversion = Conversion(
        files_of(folder),
        (Part("controlnet", stock, fitted(stock, tensors, str)),),
        None,
        {"slots": slot_table(slots), "sampling": SAMPLING},
    )
    return from_base(conversion, settings, "unet", "vae", "text", "scheduler")
