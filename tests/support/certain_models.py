"""Models that know exactly what they are told: every pixel has the colour of its words and of its hint."""

from __future__ import annotations

import pytest

from geoinfinite.models import reference
from geoinfinite.models.analytic.conditional import (
    ConditionalCodes,
    ConditionalLatentModel,
    ConditionalModel,
    ConditionalTiles,
)

PIXELS, LATENTS = "analytic:certain", "analytic:certain-latent"


class CertainTiles(ConditionalTiles):
    def deviation(self, tile: int) -> float:
        return 1e-5


class CertainCodes(ConditionalCodes):
    def deviation(self, tile: int) -> float:
        return 1e-5


class Certain(ConditionalModel):
    """The closed-form model without doubt."""

    TILES = CertainTiles


class CertainLatent(ConditionalLatentModel):
    """The same, of latents."""

    TILES = CertainCodes


def offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worlds name these models."""
    for ref, model in ((PIXELS, Certain), (LATENTS, CertainLatent)):
        monkeypatch.setitem(reference.ANALYTIC, ref, f"certain_models:{model.__name__}")
