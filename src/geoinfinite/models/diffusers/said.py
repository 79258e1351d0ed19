"""What a batch of tiles is told, compiled by the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.diffusers.inputs import Call, Compiled, Input, ToldTiles


@dataclass(frozen=True, slots=True)
class Said:
    """What a batch of tiles is told, as a network takes it."""

    inputs: tuple[Input, ...]
    told: ToldTiles
    strength: Mapping[str, float]
    """By slot, the factor on what it adds to the network."""
    compiled: tuple[Compiled | None, ...]
    """One for every input; ``None`` for what adds nothing."""

    @classmethod
    def of(cls, inputs: tuple[Input, ...], cond: Cond) -> Said:
        """Compile what conditions say of tiles."""
        compiled = tuple(part.compiled(cond.told, cond.strength) for part in inputs)
        return cls(inputs, cond.told, cond.strength, compiled)

    def changed(self, changes: ToldTiles) -> Said:
        """Return the same with other things said in some slots; nothing else is compiled again."""
        told = {**self.told, **changes}
        compiled = tuple(
            part.compiled(told, self.strength) if changes.keys() & part.slots else known
            for part, known in zip(self.inputs, self.compiled, strict=True)
        )
        return Said(self.inputs, told, self.strength, compiled)

    def answer(self, network: Any, call: Call, tile: slice) -> Tensor:
        """Return the network's answer for some tiles of the batch."""
        for part in self.compiled:
            if part is not None:
                call = part.added(call, tile)
        return call.answer(network)
