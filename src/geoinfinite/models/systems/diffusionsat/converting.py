"""DiffusionSat's published folders: networks of stock classes, and what those have no place for beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.folders import read_folder
from geoinfinite.models.converting.parts import Part, Tensors, split
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.networks.control3d import Control3d
from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.diffusionsat import SATUNET, config_of
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT
from geoinfinite.told.sentinel import BANDS

SAMPLING = {"steps": 100, "guidance": 1.0}
FRAMES = 3
METADATA = "metadata_embedding.*"
OWN_KEYS = "use_metadata", "num_metadata", "use_temporal_transformer", "conditioning_in_channels"
"""Keys of configurations that stock classes do not have."""
DDIM = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
"""The training noise of Stable Diffusion 2.1, where neither source nor base has a scheduler."""


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a folder of DiffusionSat."""
    unet, sources = _network(path, settings)
    control, control_sources, slots = _control(path)
    has = {n: path / n for n in ("vae", "text_encoder", "tokenizer", "scheduler") if (path / n).is_dir()}
    conversion = Conversion(
        (*sources, *control_sources),
        (*unet, *control),
        None,
        {
            "slots": slot_table(
                [
                    Slot("prompt", "text", dropped=True),
                    Slot("metadata", "metadata", DIFFUSIONSAT.names, dropped=True, required=False),
                    *slots,
                ]
            ),
            "sampling": SAMPLING,
        },
        copied=has,
        lacks=() if unet else ("unet",),
    )
    return conversion
