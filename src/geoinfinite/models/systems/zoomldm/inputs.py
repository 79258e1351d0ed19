"""How ZoomLDM's network is told vectors: as the tokens of its summarizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from geoinfinite.diffusion.model import Cond, ModelFacts, unknown_gsd
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.inputs import Input, Tokens, each_tile
from geoinfinite.models.diffusers.stock import Loaded
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.networks.summarizer import Summarizer
from geoinfinite.models.threads import one_thread


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the input of a field of vectors."""
    summarizer = Summarizer.sized(loaded.extra("summarizer")).to(loaded.device)
    return (VectorsInput(summarizer, loaded.checkpoint.facts, loaded.device),)


@dataclass(frozen=True, slots=True)
class VectorsInput:
    """The input of a field of vectors, which a summarizer makes tokens of.

    Where the vectors are not known, the tokens are zeros: the null condition of its training.
    """

    slots: ClassVar[tuple[str, ...]] = ("embedding",)

    summarizer: Summarizer
    facts: ModelFacts
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory of the summarizer, in bytes."""
        return module_bytes(self.summarizer)

    @torch.inference_mode()
    def compiled(self, cond: Cond) -> Tokens:
        """Summarise the vectors of every tile, each alone."""
        number = self.facts.class_of(cond.gsd_m)
        if number is None:
            raise ModelError(f"the model {unknown_gsd(self.facts, cond.gsd_m)}")
        with one_thread():
            level = torch.tensor([number], device=self.device)
            return Tokens(torch.cat([self._row(v, level) for (v,) in each_tile(cond.told, self.slots)]))

    def _row(self, vectors: Any, level: Tensor) -> Tensor:
        if vectors is None:
            return self.summarizer.null(1)
        tokens: Tensor = self.summarizer(torch.from_numpy(vectors)[None].to(self.device), level)
        return tokens
