"""AeroGen's published files as a folder: U-Net, encoder of boxes, and what writes them into the state."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.parts import Part, split
from geoinfinite.models.converting.unet import renamed_modules
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.networks.box_encoder import BoxEncoder
from geoinfinite.models.networks.layout_attention import LayoutAttention
from geoinfinite.models.networks.layout_mask import LayoutMask
from geoinfinite.models.systems.aerogen.classes import DESCRIPTIONS, class_vectors
from geoinfinite.models.systems.conversion import Conversion, from_base
from geoinfinite.models.systems.ldm_source import LdmSource
from geoinfinite.models.systems.protocol import RAW, ConvertSettings
from geoinfinite.told import Slot

SAMPLING = {"solver": "ddim", "eta": 0.2, "steps": 50, "guidance": 7.5}
MOST = 15
"""Boxes of a picture in training; empty slots take part in attention, so that the number counts."""


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of AeroGen; its authors sample with raw weights."""
    source = LdmSource.of(path)
    plain, own = split(
        source.unet_tensors(settings, published=RAW), "*.to_k_control.weight", "*.to_v_control.weight"
    )
    plain, mask = split(plain, "maskcrossattention.*")
    layout, _ = LayoutAttention.renamed(own)
    masks, _ = LayoutMask.renamed(mask)
    boxes, _ = BoxEncoder.renamed(source.tensors.take("condition_tokenizer."))
    encoder = BoxEncoder.sized(boxes)
    LayoutMask.sized(masks)
    parts = (
        source.unet(plain),
        *source.autoencoder(),
        *source.text_encoder(),
        Part("extra", None, renamed_modules(source.section("unet_config"), layout), "layout"),
        Part("extra", None, masks, "layout_mask"),
        Part("extra", None, boxes, "boxes"),
    )
    source.finish("cond_stage_model.*")
    names, vectors = class_vectors(settings, encoder.null_text_feature.numel())
    if vectors is not None:
        parts += (Part("extra", None, {"vectors": vectors}, "classes"),)
    slots = [
        Slot("prompt", "text", dropped=True),
        Slot("boxes", "boxes", most=settings.most or MOST, classes=names),
    ]
    conversion = Conversion(
        source.paths,
        parts,
        source.scheduler("DDIMScheduler"),
        {
            "slots": slot_table(slots),
            "sampling": SAMPLING,
            "options": {"mask": "outline", "descriptions": {n: DESCRIPTIONS[n] for n in names if n in DESCRIPTIONS}},
        },
        lacks=() if vectors is not None else ("class_vectors.safetensors",),
    )
    return from_base(conversion, settings, "vae", "text")
