"""DiffusionSat's published folders: networks of stock classes, and what these have no place for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.fitting import fitted
from geoinfinite.models.converting.folders import read_folder
from geoinfinite.models.converting.parts import Part, Tensors, split
from geoinfinite.models.diffusers.architecture import check_architecture
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.files import CONFIG
from geoinfinite.models.networks.control3d import Control3d
from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder
from geoinfinite.models.schema import Whole, check_values
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.diffusionsat import SATUNET
from geoinfinite.models.systems.network_folder import files_of
from geoinfinite.models.systems.protocol import AVERAGED, ConvertSettings
from geoinfinite.models.systems.small_networks import small_network
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT
from geoinfinite.told.sentinel import BANDS as SENTINEL_BANDS
from geoinfinite.told.sentinel import SENTINEL2

SAMPLING = {"steps": 100, "guidance": 1.0}
FRAMES = 3
METADATA = "metadata_embedding."
_SLOTS = (
    Slot("prompt", "text", dropped=True),
    Slot("metadata", "metadata", DIFFUSIONSAT.names, dropped=True),
)
LARGEST_SIDE = 64
"""Of a state: the pictures of the training have 512 pixels a side."""
STABLE_DIFFUSION_2 = {
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
    """Return what becomes of a folder of DiffusionSat, whose ControlNet may come without a U-Net."""
    unets, read = _unet(path, settings)
    controls, slots, options = _control(path)
    names = ("vae", "text_encoder", "tokenizer", "scheduler")
    has = {name: path / name for name in names if (path / name).is_dir()}
    conversion = Conversion(
        (*read, *files_of(path / "controlnet")),
        (*unets, *controls),
        None,
        {"slots": slot_table([*_SLOTS, *slots]), "sampling": SAMPLING, "options": options},
        has,
        () if unets else ("unet",),
    )
    conversion = from_base(conversion, settings, "vae", "text")
    schedule = None if settings.base is None else settings.base / "scheduler"
    if "scheduler" in has:
        return conversion
    if schedule is not None and schedule.is_dir():
        return replace(conversion, copied={**conversion.copied, "scheduler": schedule})
    return replace(conversion, scheduler=STABLE_DIFFUSION_2)


def _unet(path: Path, settings: ConvertSettings) -> tuple[tuple[Part, ...], tuple[Path, ...]]:
    """Return the U-Net and its embedder of metadata, and the files of the source that they were read from."""
    name = "unet_ema" if settings.weights == AVERAGED else "unet"
    folder = path / name
    if not folder.is_dir() and settings.base is not None:
        folder = settings.base / name
    if not folder.is_dir():
        if settings.weights == AVERAGED:
            raise ModelError(f"{path} has no averaged weights, {name}; convert it with --weights raw")
        return (), ()
    config, tensors = read_folder(folder)
    if config.get("_class_name") != SATUNET:
        raise ModelError(
            f"{folder / CONFIG}: _class_name={config.get('_class_name')!r} is not {SATUNET!r}, whose weights "
            "DiffusionSat publishes; name the folder of its U-Net"
        )
    plain, metadata = split(tensors, f"{METADATA}*")
    stock = _stock(folder / CONFIG, config, "UNet2DConditionModel")
    stock["sample_size"] = _side(stock.get("sample_size"))
    parts = Part("unet", stock, fitted(stock, plain, str)), _embedder(metadata, "metadata")
    return parts, files_of(folder) if folder.parent == path else ()


def _control(path: Path) -> tuple[tuple[Part, ...], tuple[Slot, ...], dict[str, Any]]:
    """Return the ControlNet with its embedder, what fills its slots, and what its input must know."""
    folder = path / "controlnet"
    if not folder.is_dir():
        return (), (), {}
    config, tensors = read_folder(folder)
    plain, metadata = split(tensors, f"{METADATA}*")
    embedder = _embedder(metadata, "control_metadata")
    said = check_values(folder / CONFIG, config, {"conditioning_in_channels": Whole(1, 4096)})
    bands = said.get("conditioning_in_channels", 3)
    stock = _stock(folder / CONFIG, config | {"conditioning_channels": bands}, "ControlNetModel")
    if config.get("_class_name") == "ControlNetModel3D":
        kept, _ = small_network(Control3d.renamed, lambda kept: Control3d.sized(kept, stock), plain)
        frames = Slot("frames", "frames", DIFFUSIONSAT.names, channels=bands, span=(0, 1), frames=FRAMES)
        return (Part("extra", None, kept, "control3d"), embedder), (frames,), {"control3d": stock}
    # What the network was shrunk by less, the hint is coarser than the image.
    coarser = int(stock.get("conditioning_scale", 1))
    hint = Slot("hint", "raster", channels=bands, span=(0, 1), pixels=coarser)
    if bands == len(SENTINEL_BANDS):
        hint = replace(hint, bands=SENTINEL_BANDS, span=None, encoding=SENTINEL2)
    own = Slot("hint_metadata", "metadata", DIFFUSIONSAT.names, required=False)
    return (Part("controlnet", stock, fitted(stock, plain, str)), embedder), (hint, own), {}


def _embedder(tensors: Tensors, name: str) -> Part:
    kept, _ = small_network(MetadataEmbedder.renamed, MetadataEmbedder.sized, tensors.cut(METADATA))
    return Part("extra", None, kept, name)


def _stock(path: Path, config: Mapping[str, Any], class_name: str) -> dict[str, Any]:
    """Return the configuration of a stock class that is told a vector instead of metadata.

    Raises `ModelError` for values that the class does not take.
    """
    told = {"_class_name": class_name, "class_embed_type": "identity"}
    return {**check_architecture(path, {**config, **told}, (class_name,)), **told}


def _side(said: Any) -> int:
    """Return the side of a state of its training.

    ``sample_size`` is left from Stable Diffusion 2.1, where the training began: its pictures are smaller.
    """
    return min(max(said) if isinstance(said, list) else said or LARGEST_SIDE, LARGEST_SIDE)
