"""``System``: how the checkpoints of a published system are recognised, converted and asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PUBLISHED, RAW, AVERAGED = WEIGHTS = "published", "raw", "ema"
"""Which weights of a training are taken: those its authors sample with, the raw ones or their average."""


@dataclass(frozen=True, slots=True)
class System:
    """A published system; what needs torch is named, and imported when it is used."""

    name: str
    """What sidecars call it."""
    title: str
    """Its name, authors, year and paper."""
    recognises: Callable[[Path], bool]
    """Says whether a file or folder has the layout in which its authors publish it; reads no weights."""
    convert: str
    """``module:function`` that makes a `Conversion` of a source and `ConvertSettings`."""
    inputs: str
    """``module:function`` that makes the inputs of a converted folder: a `MakeInputs`."""
    takes: tuple[str, ...] = ()
    """Settings that it has a use for, besides a base and weights: ``"gsd"``, ``"boxes"``."""


@dataclass(frozen=True, slots=True)
class ConvertSettings:
    """What a published checkpoint does not say of itself."""

    base: Path | None = None
    """A folder that has what the source lacks: an autoencoder, a text encoder, a tokenizer."""
    weights: str = PUBLISHED
    gsd: float | None = None
    """Ground sample distance of the finest level it was trained on, in metres; ``None``: the published."""
    most: int | None = None
    """Boxes that a tile is told at most; ``None``: as it was trained."""
