"""What a batch of tiles is told, compiled by the inputs of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.diffusers.inputs import Call, Compiled, Input, ToldTiles


@dataclass(frozen=True, slots=True)
class Said:
    """What a batch of tiles is told, as a network takes it."""

    inputs: tuple[Input, ...]
    cond: Cond
    compiled: tuple[Compiled | None, ...]
    """One for every input; ``None`` for what adds nothing."""

    @classmethod
    def of(cls, inputs: tuple[Input, ...], cond: Cond) -> Said:
        """Compile what conditions say of tiles."""
        return cls(inputs, cond, tuple(part.compiled(cond) for part in inputs))

    def changed(self, changes: ToldTiles) -> Said:
        """Return the same with other things said in some slots; nothing else is compiled again."""
        cond = replace(self.cond, told={**self.cond.told, **changes})
        compiled = tuple(
            part.compiled(cond) if changes.keys() & part.slots else known
            for part, known in zip(self.inputs, self.compiled, strict=True)
        )
        return Said(self.inputs, cond, compiled)

    def answer(self, network: Any, call: Call, tile: slice) -> Tensor:
        """Return the network's answer for some tiles of the batch."""
        for part in self.compiled:
            if part is not None:
                call = part.added(call, tile)
        return call.answer(network)
