"""Inputs of a network: the ways by which it takes what a tile is told, compiled once for all steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from geoinfinite.diffusion.model import Cond
from geoinfinite.told import Told

ToldTiles = Mapping[str, tuple[Told, ...]]
"""By slot, what every tile of a batch is told; a slot that is left out is told nothing."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a network is called with, for some tiles of a batch; inputs add to it one after the other."""

    seen: Tensor
    """``(tile, channel, y, x)``: the state, and a parent if there is one."""
    times: Tensor
    """``(tile,)``: timesteps of training."""
    tokens: Tensor | None = None
    """``(tile, token, channel)``, to which the network attends."""
    label: Tensor | None = None
    """A class ``(tile,)`` or a vector ``(tile, channel)`` that is added to the embedding of the time."""
    residuals: tuple[Tensor, ...] = ()
    """What is added where the network has its skip connections, and in its middle, which comes last."""
    attention: Mapping[str, Any] = field(default_factory=dict)
    """What every attention of the network is given besides."""

    def plus(self, residuals: Sequence[Tensor]) -> Call:
        """Return the call with more residuals, which are added to those that are there."""
        if self.residuals:
            residuals = [a + b for a, b in zip(self.residuals, residuals, strict=True)]
        return replace(self, residuals=tuple(residuals))

    def answer(self, network: Any) -> Tensor:
        """Return the answer of a `UNet2DConditionModel`."""
        more: dict[str, Any] = {}
        if self.residuals:
            more["down_block_additional_residuals"] = self.residuals[:-1]
            more["mid_block_additional_residual"] = self.residuals[-1]
        if self.attention:
            more["cross_attention_kwargs"] = dict(self.attention)
        answer: Tensor = network(self.seen, self.times, self.tokens, class_labels=self.label, **more).sample
        return answer


class Compiled(Protocol):
    """What a batch of tiles is told, as a network takes it."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call for some tiles of the batch with this added."""


class Input(Protocol):
    """One way into a network, for what some slots are told."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that it takes."""

    @property
    def nbytes(self) -> int:
        """Memory of its own weights, in bytes."""

    def compiled(self, cond: Cond) -> Compiled | None:
        """Compile what a batch of tiles is told, every tile alone; ``None`` for what adds nothing.

        Where none of its slots is told anything, the result holds for any number of tiles.
        """


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens to which the network attends."""

    rows: Tensor
    """``(tile, token, channel)``."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with the tokens."""
        return replace(call, tokens=of_tiles(self.rows, tile, call))


@dataclass(frozen=True, slots=True)
class Labels:
    """Numbers or vectors that are added to the embedding of the time."""

    rows: Tensor
    """``(tile,)`` or ``(tile, channel)``."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with the labels."""
        return replace(call, label=of_tiles(self.rows, tile, call))


@dataclass(frozen=True, slots=True)
class RowInput:
    """An input of which every tile is one row, whatever the other tiles are told."""

    slots: tuple[str, ...]
    row: Callable[..., Tensor]
    """Makes the row of a tile, without the axis of tiles, of what its slots are told, in order."""
    kind: type[Tokens] | type[Labels]
    """What a row is to the network."""
    device: torch.device
    nbytes: int = 0

    def compiled(self, cond: Cond) -> Compiled:
        """Compile the rows of all tiles."""
        with torch.inference_mode():
            rows = [self.row(*tile) for tile in each_tile(cond.told, self.slots)]
            return self.kind(torch.stack(rows).to(self.device))


def each_tile(told: ToldTiles, slots: Sequence[str]) -> list[tuple[Told, ...]]:
    """Return what every tile is told in some slots; one tile that is told nothing, if none is told anything.

    >>> each_tile({"prompt": ("a", "b")}, ("prompt", "metadata"))
    [('a', None), ('b', None)]
    >>> each_tile({}, ("prompt",))
    [(None,)]
    """
    count = next((len(told[slot]) for slot in slots if slot in told), 1)
    return list(zip(*(told.get(slot, (None,) * count) for slot in slots), strict=True))


def of_tiles(rows: Tensor, tile: slice, call: Call) -> Tensor:
    """Return the rows of the tiles of a call; a single row holds for any number of tiles."""
    return rows.expand(len(call.seen), *rows.shape[1:]) if len(rows) == 1 else rows[tile]


def strengths_of(told: Sequence[Any], factor: float, device: torch.device) -> Tensor | None:
    """Return the factor ``(tile, 1, 1, 1)`` on what tiles are told in a slot, 0 for those told nothing.

    ``None`` where it adds nothing to any of them.
    """
    if factor == 0 or all(said is None for said in told):
        return None
    factors = [0.0 if said is None else factor for said in told]
    return torch.tensor(factors, device=device)[:, None, None, None]


def filled(told: Sequence[Any]) -> list[Any]:
    """Return what tiles are told, with what another one is told for those told nothing: their strength is 0.

    >>> filled([None, "a", "b"])
    ['a', 'a', 'b']
    """
    known = next(said for said in told if said is not None)
    return [known if said is None else said for said in told]
