"""Large-Image-Diffusion: averaged windows, each steered by a self-supervised vector."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.ldm_files import ldm_files
from geoinfinite.models.systems.protocol import System

EMBEDDERS = "PatchEmbedder", "SSLEmbedder"


def recognises(source: Path) -> bool:
    """Say whether a project has an embedder of single vectors."""
    files = ldm_files(source)
    return files is not None and files.target("cond_stage_config") in EMBEDDERS


SYSTEM = System(
    "large-image-diffusion",
    "Large-Image-Diffusion (Graikos et al. 2024, arXiv:2312.07330)",
    recognises,
    convert="geoinfinite.models.systems.large_image_diffusion.converting:converted",
    inputs="geoinfinite.models.systems.large_image_diffusion.inputs:inputs",
)
