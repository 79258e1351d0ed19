"""Published systems from their reference checkpoints, and networks asked as their authors ask."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import latents
import numpy as np
import torch
from published import FIXTURES
from safetensors.torch import load_file, save_file

from geoinfinite.diffusion.model import Cond
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.samplers.guidance import guidance_terms, guided
from geoinfinite.told.schemas import DIFFUSIONSAT

STABLE_DIFFUSION = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
CONTROL3D = FIXTURES / "diffusionsat_controlnet3d" / "checkpoint" / "controlnet"


def base(folder: Path, prompts: Mapping[str, torch.Tensor], pixels: int = 8) -> Path:
    """A folder with what a checkpoint lacks: an autoencoder of ``pixels`` a latent pixel, and prompts."""
    folder.mkdir(parents=True, exist_ok=True)
    autoencoder(folder / "vae", pixels)
    save_file({name: row.contiguous() for name, row in prompts.items()}, folder / "prompts.safetensors")
    return folder


def autoencoder(folder: Path, pixels: int = 8, channels: int = 32) -> None:
    """Write an autoencoder of random weights, of ``pixels`` a latent pixel."""
    levels = pixels.bit_length()
    made = latents.kl(
        block_out_channels=(channels,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=4,
    )
    made.save_pretrained(folder)


def prompts_of(tokens: torch.Tensor, null: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    """Prompts "0", "1" ... whose tokens are rows of ``(tile, token, channel)``, and the empty one."""
    return {"": tokens[0] * 0 if null is None else null} | {str(i): row for i, row in enumerate(tokens)}


def converted(system: str, folder: Path, **settings: Any) -> Path:
    """The folder that a reference checkpoint becomes."""
    found, conversion = conversion_of(FIXTURES / system / "checkpoint", ConvertSettings(**settings))
    return conversion.written(found, folder / f"{system}-converted")


def diffusionsat(
    system: str, given: Mapping[str, torch.Tensor], place: Path, unet: Path | None = None
) -> Path:
    """A folder of DiffusionSat's with prompts beside it, and a U-Net if it has none."""
    beside = base(place / "base", prompts_of(given["encoder_hidden_states"]))
    if unet is not None:
        shutil.copytree(unet, beside / "unet")
    return converted(system, place, base=beside)


def text2earth(given: Mapping[str, torch.Tensor], place: Path) -> Path:
    """A folder of Text2Earth's with prompts beside it, and a scheduler that is read as another class."""
    null = given["encoder_hidden_states_uncond"][0]
    beside = base(place / "base", prompts_of(given["encoder_hidden_states"], null))
    diffusers.DDIMScheduler(**STABLE_DIFFUSION).save_pretrained(beside / "scheduler")
    return converted("text2earth", place, base=beside)


def bound(
    folder: Path,
    told: Mapping[str, tuple[Any, ...]],
    gsd_m: float = 1.0,
    strength: Mapping[str, float] | None = None,
) -> Any:
    """A converted checkpoint told what conditions say; its decoder measures whole tiles, as published."""
    arrays = {
        slot: tuple(row.numpy() if isinstance(row, torch.Tensor) else row for row in rows)
        for slot, rows in told.items()
    }
    model = from_pretrained(folder, normalisation="tile").load("cpu")
    return model.bind(Cond(None, gsd_m, arrays, strength or {}))


def answer(tiles: Any, z: torch.Tensor, timestep: torch.Tensor | int) -> torch.Tensor:
    """What the network itself answers to scaled states ``z`` at training timesteps: one, or one a row."""
    times = torch.as_tensor(timestep, dtype=torch.float32).reshape(-1)
    if len(times) > 1:
        return torch.cat([answer(tiles, z, time)[i : i + 1] for i, time in enumerate(times)])
    found: torch.Tensor = tiles._predict(
        z, float(times) - tiles.model.checkpoint.sidecar.get("timestep_offset", 0)
    )
    return found


def guided_answer(
    tiles: Any, z: torch.Tensor, timestep: torch.Tensor | int, scales: Mapping[str, float]
) -> torch.Tensor:
    """The network's answer under guidance, as samplers weigh it."""
    terms = guidance_terms(scales)
    told = [tiles.retold({slot: (None,) * len(z) for slot in term.silent}) for term in terms]
    asked = [
        (term.weight, lambda x, _, tile=tile: answer(tile, x, timestep))
        for term, tile in zip(terms, told, strict=True)
    ]
    found: torch.Tensor = guided(asked)(z, 0.0)
    return found


def off(found: Any, wanted: torch.Tensor) -> float:
    """The largest difference."""
    return float((torch.as_tensor(np.asarray(found)) - wanted).abs().max())


def check_codes(tiles: Any, given: Mapping[str, torch.Tensor]) -> None:
    """Codes of an autoencoder with a codebook, the entries that they snap to, and what is decoded."""
    code = tiles.encode(given["image"].numpy())
    assert off(code, given["latent_prequant"]) < 1e-5
    assert off(tiles.image(code), given["decoded"]) < 1e-4
    assert off(tiles.image(given["latent_to_decode"]), given["decoded_latent_to_decode"]) < 1e-4
    quantised, _, (_, _, indices) = tiles.model.autoencoder.module.quantize(given["latent_prequant"])
    assert indices.reshape(given["codebook_indices"].shape).equal(given["codebook_indices"])
    assert off(quantised, given["latent_quantized"]) < 1e-5


def in_world_units(metadata: torch.Tensor) -> tuple[np.ndarray, ...]:
    """Rows of DiffusionSat's scaled metadata as conditions tell them; what is missing is NaN."""
    rows = metadata.double().numpy()
    return tuple(np.where(row == 0, np.nan, DIFFUSIONSAT.decoded(row)) for row in rows)


def small_satunet(place: Path) -> Path:
    """A U-Net of random weights that takes the residuals of the reference's ControlNet."""
    said = json.loads((CONTROL3D / "config.json").read_text())
    torch.manual_seed(5)
    keys = "block_out_channels", "attention_head_dim", "cross_attention_dim", "layers_per_block"
    config = {key: said[key] for key in (*keys, "norm_num_groups", "use_linear_projection")}
    unet = diffusers.UNet2DConditionModel(**config, sample_size=16)
    unet.save_pretrained(place / "stock")
    tensors = load_file(place / "stock" / "diffusion_pytorch_model.safetensors")
    embedders = load_file(
        FIXTURES
        / "diffusionsat_controlnet3d"
        / "checkpoint"
        / "controlnet"
        / "diffusion_pytorch_model.safetensors"
    )
    tensors |= {name: t.float() for name, t in embedders.items() if name.startswith("metadata_embedding.")}
    found = place / "satunet"
    found.mkdir()
    save_file(tensors, found / "diffusion_pytorch_model.safetensors")
    made = json.loads((place / "stock" / "config.json").read_text())
    made |= {"_class_name": "SatUNet", "use_metadata": True, "num_metadata": 7}
    (found / "config.json").write_text(json.dumps(made))
    return found
