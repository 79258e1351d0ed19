"""A model that knows exactly what it is told: every pixel has the colour of its words and of its hint."""

from __future__ import annotations

from geoinfinite.models.analytic.conditional import ConditionalModel, ConditionalTiles


class CertainTiles(ConditionalTiles):
    def deviation(self, tile: int) -> float:
        return 1e-4


class Certain(ConditionalModel):
    """The closed-form model without doubt."""

    TILES = CertainTiles
