"""GeoSynth's published files as a folder: U-Net, ControlNet, and the branch of places if there is one."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.control import control_part
from geoinfinite.models.converting.parts import Part, Tensors, split
from geoinfinite.models.converting.pickles import read_tensors
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.networks.location_chain import LocationChain
from geoinfinite.models.networks.satclip import LocationEncoder
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.ldm_source import LdmSource
from geoinfinite.models.systems.protocol import RAW, ConvertSettings
from geoinfinite.models.systems.small_networks import small_network
from geoinfinite.told import Slot

SAMPLING = {"steps": 50, "guidance": 7.5}
SATCLIP = "satclip.safetensors"
"""The location encoder of SatCLIP in the base; without it the vectors of places are told as a field."""


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of GeoSynth; trained without averaging."""
    source = LdmSource.of(path)
    unet, _ = source.unet(settings, RAW)
    trunk, own = split(source.tensors.take("control_model."), "loc_blocks.*", "loc_middle_block.*")
    control = control_part(source.section("control_stage_config"), trunk)
    extras, slots = _places(own, settings)
    parts = (unet, control, *source.autoencoder(), *source.text_encoder(), *extras)
    source.finish("cond_stage_model.*")
    hint = Slot("hint", "raster", channels=int((control.config or {})["conditioning_channels"]), span=(0, 1))
    conversion = Conversion(
        source.paths,
        parts,
        source.scheduler("PNDMScheduler", skip_prk_steps=True),
        {
            "slots": slot_table([Slot("prompt", "text", dropped=True), hint, *slots]),
            "sampling": SAMPLING,
        },
    )
    return from_base(conversion, settings, "vae", "text")


def _places(own: Tensors, settings: ConvertSettings) -> tuple[tuple[Part, ...], tuple[Slot, ...]]:
    """Return the networks of the branch of places, and the slot that it fills."""
    if not own:
        return (), ()
    tensors, _ = small_network(LocationChain.renamed, LocationChain.sized, own)
    width = tensors["blocks.0.norm1.weight"].numel()
    chain = Part("extra", None, tensors, "location")
    encoder = None if settings.base is None else settings.base / SATCLIP
    if encoder is None or not encoder.is_file():
        return (chain,), (Slot("location", "embedding", channels=width, cells=1),)
    satclip, _ = small_network(LocationEncoder.renamed, LocationEncoder.sized, read_tensors(encoder))
    return (chain, Part("extra", None, satclip, "satclip")), (Slot("location", "location"),)
