"""The files of a `DetailNetwork`, and what a world must know of it; checked without torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.errors import ModelError
from geoinfinite.models.earth.settings import BANDS, EarthSettings, read_settings
from geoinfinite.models.files import CONFIG, SIDECAR, WEIGHTS, check_safetensors, read_object
from geoinfinite.models.schema import ListOf, OneOf, Rule, Whole, check_values
from geoinfinite.samplers.presets import IndependentTiles
from geoinfinite.told import Slot

WATER, ASPECT = "water", "aspect"
SLOTS = (
    Slot(WATER, "raster", channels=1, span=(-1.0, 1.0), required=False),
    Slot(ASPECT, "metadata", bands=("aspect",), required=False),
)
TOLD = 2
"""Channels of water: its share, and whether it is known."""
INPUTS = 3 * BANDS + 2 + TOLD
CONTRAST = 3
"""`DetailShape.contrast` of the formulas in `colours`."""
SAMPLER = IndependentTiles(solver="euler", shift=1.0, steps=1, tile=256, stride=216)
"""How the network is sampled: one evaluation per tile, tiles that overlap by a sixth."""


@dataclass(frozen=True, slots=True)
class DetailShape:
    """The shape of a `DetailNetwork`, kept in `config.json`."""

    inputs: int = INPUTS
    """Channels of what the network is given: noise, base, the parent's detail, log(unit) twice, water."""
    bands: int = BANDS
    """Channels of its answer."""
    fold: int = 4
    """Side of the pixel blocks that are folded into channels."""
    channels: tuple[int, int] = (96, 152)
    """Channels at the fine and at the coarse scale."""
    blocks: tuple[int, int] = (2, 6)
    """Blocks at the fine scale, before and again after the coarse one; blocks at the coarse scale."""
    embedding: int = 128
    """Length of the code of ground sample distance and aspect."""
    contrast: int = CONTRAST
    """Side in parent pixels of the neighbourhood whose contrast is the unit of detail."""


_WIDTH, _DEPTH = Whole(1, 4096), Whole(0, 64)
RULES: dict[str, Rule] = {
    "_class_name": OneOf(("DetailNetwork",)),
    "inputs": OneOf((INPUTS,)),
    "bands": OneOf((BANDS,)),
    "fold": Whole(1, 16),
    "channels": ListOf(_WIDTH, 2, 2),
    "blocks": ListOf(_DEPTH, 2, 2),
    "embedding": _WIDTH,
    "contrast": OneOf((CONTRAST,)),
}


def read_shape(directory: Path, settings: EarthSettings) -> DetailShape:
    """Return the shape of a network's folder; raise `ModelError` if it does not fit the settings."""
    path = directory / CONFIG
    said = read_object(path)
    if said.get("_class_name") == "DetailNetwork" and "contrast" not in said:
        raise ModelError(
            f"{path}: contrast is missing, so the network draws in an older unit of detail; train it further "
            "with python -m training --start, which writes it anew"
        )
    found = check_values(path, said, RULES, needed=tuple(RULES))
    values: dict[str, Any] = {field.name: found[field.name] for field in fields(DetailShape)}
    shape = DetailShape(**values | {name: tuple(values[name]) for name in ("channels", "blocks")})
    for name, wanted in (("unshuffle", shape.fold), ("multiple", 2 * shape.fold)):
        value = getattr(settings, name)
        if value % wanted or (name == "unshuffle" and value != wanted):
            raise ModelError(
                f"{directory / SIDECAR}: {name}={value} does not fit fold={shape.fold} in {CONFIG}; copy the "
                "whole checkpoint again"
            )
    return shape


def read_facts(directory: Path) -> ModelFacts:
    """Return what a world must know of a network's folder, without loading a weight."""
    check_safetensors(directory / WEIGHTS)
    settings = read_settings(directory)
    read_shape(directory, settings)
    return ModelFacts(
        bands=BANDS,
        factor=settings.factor,
        margin=settings.margin,
        multiple=settings.multiple,
        slots=SLOTS,
        steps=SAMPLER.steps,
    )
