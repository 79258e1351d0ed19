"""AeroGen's published files as a folder: U-Net, encoder of boxes, and what writes them into the state."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.fitting import named
from geoinfinite.models.converting.parts import Part, Tensors, split
from geoinfinite.models.converting.unet import published_name
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.networks.box_encoder import BoxEncoder
from geoinfinite.models.networks.layout_attention import LayoutAttention
from geoinfinite.models.networks.layout_mask import LayoutMask
from geoinfinite.models.systems.aerogen.classes import DESCRIPTIONS, PUBLISHED, class_vectors
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.ldm_source import LdmSource
from geoinfinite.models.systems.protocol import RAW, ConvertSettings
from geoinfinite.models.systems.small_networks import small_network
from geoinfinite.told import Slot

SAMPLING = {"solver": "ddim", "eta": 0.2, "steps": 50, "guidance": 7.5}
CONTROL = "*.to_k_control.weight", "*.to_v_control.weight"
MASK = "maskcrossattention."
MOST = 15
"""Boxes of a picture in training; empty slots take part in attention, so that the number counts."""


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of AeroGen; its authors sample with raw weights."""
    source = LdmSource.of(path)
    unet, own = source.unet(settings, RAW, *CONTROL, f"{MASK}*")
    layout, mask = split(own, f"{MASK}*")
    masks, _ = small_network(LayoutMask.renamed, LayoutMask.sized, mask.cut(MASK))
    boxes, encoder = small_network(
        BoxEncoder.renamed, BoxEncoder.sized, source.tensors.take("condition_tokenizer.")
    )
    parts = (
        unet,
        *source.autoencoder(),
        *source.text_encoder(),
        Part("extra", None, _layout(source, unet, layout, encoder), "layout"),
        Part("extra", None, masks, "layout_mask"),
        Part("extra", None, boxes, "boxes"),
    )
    source.finish("cond_stage_model.*")
    names, vectors = class_vectors(settings, encoder.null_text_feature.numel())
    if vectors is not None:
        parts += (Part("extra", None, {"vectors": vectors}, "classes"),)
    slots = [
        Slot("prompt", "text", dropped=True),
        Slot("boxes", "boxes", most=MOST if settings.most is None else settings.most, classes=names),
    ]
    conversion = Conversion(
        source.paths,
        parts,
        source.scheduler("DDIMScheduler"),
        {
            "slots": slot_table(slots),
            "sampling": SAMPLING,
            "options": {
                "mask": "outline",
                "descriptions": {n: DESCRIPTIONS[n] for n in names if n in DESCRIPTIONS},
            },
        },
        lacks=() if vectors is not None else (PUBLISHED,),
    )
    return from_base(conversion, settings, "vae", "text")


def _layout(source: LdmSource, unet: Part, tensors: Tensors, encoder: BoxEncoder) -> Tensors:
    """Return the keys and values of a layout for every attention to texts, under the U-Net's names."""
    idle = LayoutAttention.renamed(tensors)[1]
    used = tensors.only(tensors.keys() - idle)
    shapes = {
        name.replace(f".to_{way}.", f".to_{way}_control."): (len(tensor), encoder.out_features)
        for name, tensor in unet.tensors.items()
        for way in "kv"
        if name.endswith(f".attn2.to_{way}.weight")
    }
    return Tensors.of(named(shapes, used, published_name(source.section("unet_config"))))
