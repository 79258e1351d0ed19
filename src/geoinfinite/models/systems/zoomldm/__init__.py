"""ZoomLDM: large images at several scales, steered by fields of self-supervised vectors."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.ldm_files import ldm_files
from geoinfinite.models.systems.protocol import System

SUMMARIZER = "EmbeddingViT2_5"


def recognises(source: Path) -> bool:
    """Say whether a project has ZoomLDM's summarizer of vectors."""
    files = ldm_files(source)
    return files is not None and files.target("cond_stage_config") == SUMMARIZER


SYSTEM = System(
    "zoomldm",
    "ZoomLDM (Yellapragada et al. 2025, arXiv:2411.16969)",
    recognises,
    convert="geoinfinite.models.systems.zoomldm.converting:converted",
    inputs="geoinfinite.models.systems.zoomldm.inputs:inputs",
    takes=("gsd",),
)
