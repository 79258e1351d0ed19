"""A model that is told dates: of the picture that it draws, and of frames of other days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from geoinfinite.diffusion.model import Array, ModelFacts
from geoinfinite.models import reference
from geoinfinite.models.analytic.conditional import BANDS, ConditionalModel, ConditionalTiles
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT

REF = "analytic:dated"


class DatedTiles(ConditionalTiles):
    """Brighter by 0.01 for every month, darker by the frames' mean and by 0.01 for every day of theirs."""

    def _mean(self, tile: int, rows: int, columns: int) -> Array:
        metadata, frames = self.of("metadata", tile), self.of("frames", tile)
        past = frames.pixels.mean(axis=0) + 0.01 * np.float32(frames.facts[:, -1].sum())
        return np.asarray(0.01 * np.float32(metadata[-2]) - past, np.float32)

    def deviation(self, tile: int) -> float:
        return 0.2

    def denoise(self, x: Array, sigma: float) -> Array:
        Dated.seen.setdefault(sigma, []).append(x.copy())
        return super().denoise(x, sigma)


@dataclass(frozen=True, slots=True)
class Dated(ConditionalModel):
    FACTS: ClassVar = ModelFacts(
        bands=BANDS,
        factor=None,
        margin=0,
        multiple=1,
        conditioned=False,
        slots=(
            Slot("metadata", "metadata", bands=DIFFUSIONSAT.names),
            Slot("frames", "frames", bands=DIFFUSIONSAT.names, channels=BANDS, span=(-0.1, 0.1), frames=2),
        ),
    )
    TILES: ClassVar[Any] = DatedTiles
    seen: ClassVar[dict[float, list[Array]]] = {}
    """States that the denoiser was asked about, by sigma, in order."""


def offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worlds name this model."""
    monkeypatch.setitem(reference.ANALYTIC, REF, "dated_models:Dated")
    Dated.seen.clear()
