"""Text2Earth: images of what a text says, at a zoom level."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.diffusers.folder import SCHEDULER
from geoinfinite.models.diffusers.told_facts import CONDITIONED
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.systems.network_folder import config_of
from geoinfinite.models.systems.protocol import System

PROMPTS = "prompts.safetensors"


def recognises(source: Path) -> bool:
    """Say whether a folder has Text2Earth's network, and not all that a world needs besides.

    Its class label is a zoom level. A folder that has all of it is read as it is.
    """
    if (source / SIDECAR).is_file():
        return False
    said = config_of(source / "unet")
    ours = said.get("_class_name") == CONDITIONED and said.get("class_embed_type") == "timestep"
    return ours and not (has_scheduler(source) and has_words(source))


def has_scheduler(source: Path) -> bool:
    """Say whether a folder says what its network was trained on."""
    return any((folder / SCHEDULER).is_file() for folder in (source / "scheduler", source))


def has_words(source: Path) -> bool:
    """Say whether a folder can encode texts, or holds encoded ones."""
    encodes = all((source / name).is_dir() for name in ("text_encoder", "tokenizer"))
    return encodes or (source / PROMPTS).is_file()


SYSTEM = System(
    "text2earth",
    "Text2Earth (Liu et al. 2025, arXiv:2501.00895)",
    recognises,
    convert="geoinfinite.models.systems.text2earth.converting:converted",
    inputs="geoinfinite.models.diffusers.stock:stock_inputs",
)
