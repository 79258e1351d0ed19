"""ControlNets: what they add to a network, whose hints are read once for all steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.models.diffusers.inputs import Call, Labels, RowInput, of_tiles, strengths_of
from geoinfinite.models.diffusers.part import Part
from geoinfinite.models.diffusers.weights import load_network, module_bytes
from geoinfinite.models.threads import one_thread


@dataclass(frozen=True, slots=True)
class Control:
    """A ControlNet, and the part of it that reads a hint, which depends on neither state nor time."""

    network: Any
    read_hint: Any

    @property
    def nbytes(self) -> int:
        """Memory of its weights, in bytes."""
        return module_bytes(self.network) + module_bytes(self.read_hint)


def load_control(part: Part, device: torch.device) -> Control:
    """Load a ControlNet whose hints are read once, and not at every step."""
    network: Any = load_network(part, device)
    read_hint, network.controlnet_cond_embedding = network.controlnet_cond_embedding, nn.Identity()
    return Control(network, read_hint)


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint as its ControlNet reads it."""

    network: Any
    read: Tensor
    """``(tile, channel, y, x)``; 0 for tiles that are told none."""
    strengths: Tensor
    """``(tile, 1, 1, 1)``; 0 for tiles that are told none."""
    labels: Labels | None = None
    """What is added to the embedding of the ControlNet's own time."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with the residuals of the ControlNet; none where no tile is told a hint."""
        strengths = of_tiles(self.strengths, tile, call)
        if not strengths.any():
            return call
        label = None if self.labels is None else of_tiles(self.labels.rows, tile, call)
        read = of_tiles(self.read, tile, call)
        down, middle = self.network(
            call.seen, call.times, call.tokens, read, class_labels=label, return_dict=False
        )
        return call.plus([residual * strengths for residual in (*down, middle)])


def as_told(hint: Array) -> Array:
    """Return a hint as it is."""
    return hint


@dataclass(frozen=True, slots=True)
class HintInput:
    """The input of a ControlNet."""

    slot: str
    control: Control
    device: torch.device
    vector: RowInput | None = None
    """What else the ControlNet is told, added to the embedding of its time."""
    encoded: Callable[[Array], Array] = as_told
    """Turns the values of a raster ``(band, y, x)`` into those that the ControlNet was trained on."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that it takes."""
        return (self.slot, *(() if self.vector is None else self.vector.slots))

    @property
    def nbytes(self) -> int:
        """Memory of its weights, in bytes."""
        return self.control.nbytes + (0 if self.vector is None else self.vector.nbytes)

    def compiled(self, cond: Cond) -> Hint | None:
        """Read the hints of all tiles; ``None`` if they add nothing."""
        hints = cond.told.get(self.slot, ())
        strengths = strengths_of(hints, cond.strength.get(self.slot, 1.0), self.device)
        if strengths is None:
            return None
        labels = None if self.vector is None else self.vector.compiled(cond)
        return Hint(
            self.control.network,
            self._read(hints),
            strengths,
            labels if isinstance(labels, Labels) else None,
        )

    @torch.inference_mode()
    def _read(self, hints: Sequence[Any]) -> Tensor:
        """Return hints as the ControlNet reads them, every tile alone."""
        known = next(hint for hint in hints if hint is not None)
        filled = [self.encoded(np.zeros_like(known) if hint is None else hint) for hint in hints]
        with one_thread():
            tiles = [torch.from_numpy(np.ascontiguousarray(tile))[None].to(self.device) for tile in filled]
            return torch.cat([self.control.read_hint(tile) for tile in tiles])
