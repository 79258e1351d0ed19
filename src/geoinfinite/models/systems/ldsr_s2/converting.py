"""LDSR-S2's published file as a folder: a U-Net that is told the code of the enlarged coarse image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import process_memo
from geoinfinite.models.converting.average import averaged
from geoinfinite.models.converting.first_stage import kl_part
from geoinfinite.models.converting.parts import Source, Tensors
from geoinfinite.models.converting.pickles import read_tensors
from geoinfinite.models.converting.plain_unet import plain_unet_part
from geoinfinite.models.converting.schedule import BUFFERS, scheduler_json
from geoinfinite.models.converting.settings import Settings, checked, read_tables
from geoinfinite.models.diffusers.sidecar import CODES
from geoinfinite.models.schema import Number, OneOf, Rule, Whole
from geoinfinite.models.systems.conversion import Conversion
from geoinfinite.models.systems.ldm_source import AUTOENCODER, AVERAGE, UNET
from geoinfinite.models.systems.ldsr_s2 import ldsr_files
from geoinfinite.models.systems.protocol import AVERAGED, ConvertSettings

FACTOR = 4
BANDS = "red", "green", "blue", "nir"
LOSSES = "*loss*"
"""Networks that it was trained with, and its authors drop too."""
PUBLISHED: dict[str, Any] = {
    "denoiser_settings": {
        "linear_start": 0.0001,
        "linear_end": 0.0155,
        "timesteps": 1000,
        "sampling_eta": 0.95,
        "sampling_steps": 100,
    },
    "first_stage_config": {
        "embed_dim": 4,
        "double_z": True,
        "z_channels": 4,
        "resolution": 512,
        "in_channels": 4,
        "out_ch": 4,
        "ch": 128,
        "ch_mult": [1, 2, 4],
        "num_res_blocks": 2,
        "attn_resolutions": [],
    },
    "cond_stage_config": {
        "image_size": 128,
        "in_channels": 8,
        "model_channels": 160,
        "out_channels": 4,
        "num_res_blocks": 2,
        "attention_resolutions": [16, 8],
        "channel_mult": [1, 2, 2, 4],
        "num_head_channels": 32,
    },
}
"""Settings of version 1.0, for a checkpoint without a yaml beside it."""
_WHOLE: dict[str, Rule] = {"apply_normalization": OneOf((False,)), "encode_conditioning": OneOf((True,))}
_DENOISER: dict[str, Rule] = {
    "linear_start": Number(0, 1, positive=True),
    "linear_end": Number(0, 1, positive=True),
    "timesteps": Whole(1, 100_000),
    "parameterization": OneOf(("eps",)),
    "sampling_eta": Number(0, 1),
    "sampling_steps": Whole(1, 1000),
}
_NEEDED = "linear_start", "linear_end", "sampling_eta", "sampling_steps"


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of LDSR-S2; its authors sample with raw weights."""
    files = ldsr_files(path)
    if files is None:
        raise ModelError(f"{path} is no checkpoint of LDSR-S2; name its weights")
    said = Settings.of(PUBLISHED, "the settings of LDSR-S2 1.0")
    if files.yaml is not None:
        said = process_memo.ask(files.yaml, read_tables)
    checked(said, _WHOLE, ())
    denoiser = checked(said.section("denoiser_settings"), _DENOISER, _NEEDED)
    source = Source(files.weights, read_tensors(files.weights))
    unet = plain_unet_part(said.section("cond_stage_config"), _unet(source, settings))
    coder = said.section("first_stage_config")
    first_stage = Settings.of({"ddconfig": coder, "embed_dim": coder.get("embed_dim")}, coder.where)
    vae = kl_part(first_stage, source.take(AUTOENCODER), scaling_factor=1.0)
    held = source.seen(BUFFERS)
    source.finish((*BUFFERS, LOSSES))
    return Conversion(
        files.paths,
        (unet, vae),
        scheduler_json(Settings.of(_noise(denoiser, held), said.where), held, "epsilon"),
        {
            "slots": [],
            "bands": list(BANDS),
            "factor": FACTOR,
            "margin": 1,
            "enlarge": "bilinear",
            "parent": CODES,
            "image_span": [0.0, 1.0],
            "sampling": {
                "solver": "ddim",
                "eta": denoiser["sampling_eta"],
                "steps": denoiser["sampling_steps"],
            },
        },
    )


def _unet(source: Source, settings: ConvertSettings) -> Tensors:
    raw, average = source.take(UNET), source.take(AVERAGE)
    if settings.weights != AVERAGED:
        return raw
    if not average:
        raise ModelError(f"{source.path} has no averaged weights, {AVERAGE}*; convert it with --weights raw")
    return averaged(average, raw)


def _noise(said: dict[str, Any], held: Tensors) -> dict[str, Any]:
    """Return what ldm calls the noise of training: of the file, which its authors' settings give way to."""
    found: dict[str, Any] = {
        key: said[key] for key in ("linear_start", "linear_end", "timesteps") if key in said
    }
    if "betas" in held and held["betas"].ndim == 1 and len(held["betas"]) > 1:
        first, last = (float(f"{float(held['betas'][i]):.6g}") for i in (0, -1))
        found |= {"linear_start": first, "linear_end": last, "timesteps": len(held["betas"])}
    return found
