"""Published layouts: the reference checkpoints copied, changed, and converted from the command line."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adapters
import numpy as np
import torch
import yaml
from published import FIXTURES, given

from geoinfinite.cli import main

PLACES = {
    "zoomldm": "zoomldm/checkpoint/naip",
    "large-image-diffusion": "large_image_diffusion/checkpoint/naip_ssl",
    "aerogen": "aerogen/checkpoint",
    "geosynth": "geosynth_location/checkpoint",
    "diffusionsat": "diffusionsat_unet/checkpoint",
    "diffusionsat-control": "diffusionsat_controlnet/checkpoint",
    "diffusionsat-frames": "diffusionsat_controlnet3d/checkpoint",
}
"""Reference checkpoints, by a name for each of their layouts."""
WHOLE = "zoomldm", "large-image-diffusion"
"""Those that are published with all that they need."""


def source(layout: str) -> Path:
    return FIXTURES / PLACES[layout]


def copied(layout: str, folder: Path) -> Path:
    """A copy of a reference checkpoint that may be changed."""
    found: Path = shutil.copytree(source(layout), folder, copy_function=shutil.copyfile)
    return found


def base(folder: Path) -> Path:
    """What the others lack: an autoencoder, prompts, classes, and a U-Net of DiffusionSat's."""
    aerogen = given("aerogen")
    adapters.base(folder, adapters.prompts_of(aerogen["context"], aerogen["context_uncond"][0]))
    np.save(folder / "category_embeddings.npy", aerogen["class_vectors"].numpy())
    return folder


def base_of_frames(folder: Path) -> Path:
    """What DiffusionSat's ControlNet of frames lacks, its U-Net among it."""
    told = given("diffusionsat_controlnet3d")
    adapters.base(folder, adapters.prompts_of(told["encoder_hidden_states"]))
    shutil.copytree(adapters.small_satunet(folder.parent), folder / "unet")
    return folder


def change_settings(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change ``model.params`` of a copy's yaml."""
    (path,) = folder.rglob("*.yaml")
    settings = yaml.safe_load(path.read_text())
    change(settings["model"]["params"])
    path.write_text(yaml.safe_dump(settings))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors of a copy's checkpoint."""
    (path,) = folder.rglob("*.ckpt")
    state = torch.load(path, weights_only=True)
    change(state.get("state_dict", state))
    torch.save(state, path)


def run(*arguments: object) -> int:
    """The exit code of a command."""
    return main([str(argument) for argument in arguments])


def convert(*arguments: object) -> int:
    return run("models", "convert", *arguments)


def digests(folder: Path) -> dict[str, str]:
    """Digests of all files below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
