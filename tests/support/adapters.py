"""Published systems from their reference checkpoints, and networks asked as their authors ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import latents
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from geoinfinite.diffusion.model import Cond
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"
ABSENT = "the reference data are not at hand"


def given(system: str) -> dict[str, torch.Tensor]:
    """Inputs and outputs of a reference set."""
    folder = FIXTURES / system
    return load_file(folder / "inputs.safetensors") | load_file(folder / "outputs.safetensors")


def base(
    folder: Path, prompts: Mapping[str, torch.Tensor], pixels: int = 8, **tensors: Mapping[str, torch.Tensor]
) -> Path:
    """A folder with what a checkpoint lacks: an autoencoder of ``pixels`` a latent pixel, prompts, files."""
    folder.mkdir(parents=True, exist_ok=True)
    levels = pixels.bit_length()
    made = latents.kl(
        block_out_channels=(32,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=4,
    )
    made.save_pretrained(folder / "vae")
    save_file({name: row.contiguous() for name, row in prompts.items()}, folder / "prompts.safetensors")
    for name, held in tensors.items():
        save_file(dict(held), folder / f"{name}.safetensors")
    return folder


def converted(system: str, folder: Path, **settings: Any) -> Path:
    """The folder that a reference checkpoint becomes."""
    found, conversion = conversion_of(FIXTURES / system / "checkpoint", ConvertSettings(**settings))
    return conversion.written(found, folder / f"{system}-converted")


def answer(tiles: Any, z: torch.Tensor, timestep: float | torch.Tensor) -> torch.Tensor:
    """What the network itself answers to scaled states ``z`` at training timesteps, one or one a row."""
    times = torch.as_tensor(timestep, dtype=torch.float32).reshape(-1)
    if len(times) == 1:
        found = tiles._predict(z, float(times) - tiles.model.checkpoint.sidecar.get("timestep_offset", 0))
        assert isinstance(found, torch.Tensor)
        return found
    rows = [answer(tiles, z, t)[i : i + 1] for i, t in enumerate(times)]
    return torch.cat(rows)


def bound(folder: Path, told: Mapping[str, tuple[Any, ...]], gsd_m: float = 1.0, **strength: float) -> Any:
    """A converted checkpoint told what conditions say."""
    arrays = {
        k: tuple(v.numpy() if isinstance(v, torch.Tensor) else v for v in rows) for k, rows in told.items()
    }
    return from_pretrained(folder).load("cpu").bind(Cond(None, gsd_m, arrays, strength))


def off(found: Any, wanted: torch.Tensor) -> float:
    """The largest difference."""
    return float((torch.as_tensor(np.asarray(found)) - wanted).abs().max())
