"""What steers the tiles of a level: filled slots, the answers that guidance compares, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geoinfinite.conditions.protocol import PromptCounts
from geoinfinite.diffusion.denoiser import Denoiser
from geoinfinite.diffusion.model import Array
from geoinfinite.plane.window import Window
from geoinfinite.recipe.fillings import Filling
from geoinfinite.samplers.guidance import ASK_ONCE, GuidanceTerm, blended, guided
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Regions, Told

ToldTile = Mapping[str, Told]
"""What one tile is told, by slot."""


@dataclass(frozen=True, slots=True)
class Steering:
    """What steers the tiles of one level."""

    filled: tuple[Filling, ...] = ()
    terms: tuple[GuidanceTerm, ...] = ASK_ONCE
    by_region: str | None = None
    """The slot whose texts differ within tiles."""
    counts: PromptCounts | None = None
    """How many texts its tiles are told; ``None``: one."""

    @property
    def strength(self) -> dict[str, float]:
        """The factor on what a slot adds to the network, by slot."""
        return {f.slot.name: f.condition.strength for f in self.filled}

    def calls_of(self, window: Window) -> int:
        """Return the network calls that one estimate of a tile takes, given in pixels of the level."""
        texts = 1 if self.counts is None else self.counts.of(window)
        return sum(1 if self.by_region in term.silent else texts for term in self.terms)

    def calls(self, tiles: TileBlock) -> int:
        """Return the network calls that one estimate of every tile of a block takes."""
        if self.counts is None:
            return len(self.terms) * tiles.count
        silent = sum(self.by_region in term.silent for term in self.terms)
        return silent * tiles.count + (len(self.terms) - silent) * self.counts.total(tiles)


def merged(tiles: Sequence[ToldTile], slots: Sequence[str]) -> dict[str, tuple[Told, ...]]:
    """Return what tiles are told, by slot; of texts by region the first."""
    return {slot: tuple(_first(tile.get(slot)) for tile in tiles) for slot in slots}


def _first(told: Told) -> Told:
    return told.prompts[0] if isinstance(told, Regions) else told


def steered(bound: Any, steering: Steering, tiles: Sequence[ToldTile], latent: int) -> Denoiser:
    """Return the denoiser of a batch of tiles: texts of regions blended, then guided.

    All tiles are told equally many texts. ``latent`` is that of `ModelFacts`.
    """
    answers = []
    for term in steering.terms:
        silent: dict[str, tuple[Told, ...]] = {slot: (None,) * len(tiles) for slot in term.silent}
        told = bound.retold(silent) if silent else bound
        by_region = steering.by_region if steering.by_region not in term.silent else None
        answers.append((term.weight, _by_region(told, by_region, tiles, latent)))
    return guided(answers)


def _by_region(bound: Any, slot: str | None, tiles: Sequence[ToldTile], latent: int) -> Denoiser:
    regions = [told for tile in tiles if slot and isinstance(told := tile[slot], Regions)]
    if slot is None or not regions:
        denoise: Denoiser = bound.denoise
        return denoise
    answers = []
    for number in range(len(regions[0].prompts)):
        shares = np.stack([_pooled(region.shares[number], latent) for region in regions])
        told = bound.retold({slot: tuple(region.prompts[number] for region in regions)})
        answers.append((bound.state(shares), told.denoise))
    return blended(answers)


def _pooled(share: Array, latent: int) -> Array:
    """Return the share of a text on the pixels of the state, ``(1, y, x)``."""
    if latent == 1:
        return share[None]
    rows, columns = (side // latent for side in share.shape)
    pooled = share.reshape(rows, latent, columns, latent).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(pooled[None], np.float32)


def texts(tile: ToldTile) -> int:
    """Return how many texts a tile is told at most in one slot: tiles of a batch are told equally many."""
    return max((len(told.prompts) for told in tile.values() if isinstance(told, Regions)), default=1)
