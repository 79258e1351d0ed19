"""What tiles are told, as a network takes it: tokens, labels and hints, prepared once for all steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.diffusers.folder import Checkpoint, Part
from geoinfinite.models.diffusers.text_encoder import WordReader
from geoinfinite.models.diffusers.told_facts import vector_channels
from geoinfinite.models.diffusers.weights import load_network, module_bytes
from geoinfinite.models.threads import one_thread
from geoinfinite.told import Told
from geoinfinite.told.schemas import TEXT2EARTH

NO_TEXT = ""
"""What a network that is told texts was trained on where it was told none."""


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


class ToldModel(Protocol):
    """A loaded checkpoint with slots."""

    @property
    def checkpoint(self) -> Checkpoint: ...  # noqa: D102
    @property
    def network(self) -> Any: ...  # noqa: D102
    @property
    def controls(self) -> tuple[Control, ...]: ...  # noqa: D102
    @property
    def words(self) -> WordReader | None: ...  # noqa: D102
    @property
    def device(self) -> torch.device: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint as its ControlNet reads it."""

    read: Tensor
    """``(tile, channel, y, x)``; 0 for tiles that are told none."""
    strengths: Tensor
    """``(tile, 1, 1, 1)``; 0 for tiles that are told none."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a batch of tiles is told."""

    told: Mapping[str, tuple[Told, ...]]
    strength: Mapping[str, float]
    tokens: Tensor | None
    """``(tile, token, channel)``; ``None``: no text for any tile."""
    labels: Tensor | None
    """Numbers ``(tile,)`` or vectors ``(tile, channel)`` that are added to the embedding of the time."""
    hints: tuple[Hint | None, ...]
    """One for every ControlNet; ``None`` for one that adds nothing."""

    @classmethod
    def of(cls, model: ToldModel, cond: Cond) -> Said:
        """Compile what conditions say of tiles; a slot that is left out is told nothing."""
        empty = cls({}, cond.strength, None, None, (None,) * len(model.controls))
        slots = [slot.name for slot in model.checkpoint.facts.slots]
        tiles = next((len(values) for values in cond.told.values()), 0)
        return empty.changed(model, {slot: cond.told.get(slot, (None,) * tiles) for slot in slots})

    def changed(self, model: ToldModel, changes: Mapping[str, tuple[Told, ...]]) -> Said:
        """Return the same with other things said in some slots; nothing else is compiled again."""
        said = replace(self, told={**self.told, **changes})
        for slot, values in changes.items():
            if slot == "prompt":
                said = replace(said, tokens=_tokens(model, values))
            elif slot in ("metadata", "vector"):
                said = replace(said, labels=_labels(model, slot, values))
            else:
                number = _number(slot)
                hint = _hint(model, number, values, said.strength.get(slot, 1.0))
                said = replace(said, hints=(*said.hints[:number], hint, *said.hints[number + 1 :]))
        return said

    def answer(
        self, model: ToldModel, seen: Tensor, times: Tensor, *, label: Tensor | None, tile: slice
    ) -> Tensor:
        """Return the network's answer for some tiles of the batch."""
        tokens = _silent(model, len(seen)) if self.tokens is None else self.tokens[tile]
        label = self._label(model, len(seen)) if label is None else label
        label = label if self.labels is None else self.labels[tile]
        more = self._residuals(model, seen, times, tokens, tile)
        answer: Tensor = model.network(seen, times, tokens, class_labels=label, **more).sample
        return answer

    def _label(self, model: ToldModel, tiles: int) -> Tensor | None:
        """Return what stands for nothing said, for a network that must be told something."""
        slots = [slot.name for slot in model.checkpoint.facts.slots]
        slot = next((name for name in ("metadata", "vector") if name in slots), None)
        return None if slot is None else _labels(model, slot, (None,) * tiles)

    def _residuals(
        self, model: ToldModel, seen: Tensor, times: Tensor, tokens: Tensor, tile: slice
    ) -> dict[str, Any]:
        """Return what the ControlNets add to the network, as it takes it; nothing where none speaks."""
        total: list[Tensor] = []
        for control, hint in zip(model.controls, self.hints, strict=True):
            if hint is None or not hint.strengths[tile].any():
                continue
            down, middle = control.network(seen, times, tokens, hint.read[tile], return_dict=False)
            scaled = [residual * hint.strengths[tile] for residual in (*down, middle)]
            total = [a + b for a, b in zip(total, scaled, strict=True)] if total else scaled
        if not total:
            return {}
        return {"down_block_additional_residuals": total[:-1], "mid_block_additional_residual": total[-1]}


def _number(slot: str) -> int:
    return int(slot.rpartition("_")[2]) if "_" in slot else 0


def _reader(model: ToldModel) -> WordReader:
    if model.words is None:
        raise TypeError(f"{model.checkpoint.network.folder} is told no texts")
    return model.words


def _tokens(model: ToldModel, texts: Sequence[Any]) -> Tensor | None:
    """Return the tokens of texts; where nothing is said, those of the empty text."""
    if not texts:
        return None
    read = _reader(model)
    return torch.stack([read(NO_TEXT if text is None else text) for text in texts]).to(model.device)


def _silent(model: ToldModel, tiles: int) -> Tensor:
    return _reader(model)(NO_TEXT).to(model.device).expand(tiles, -1, -1)


def _labels(model: ToldModel, slot: str, values: Sequence[Any]) -> Tensor | None:
    """Return zoom levels or vectors; where nothing is said, 0."""
    if not values:
        return None
    if slot == "metadata":
        told = [0.0 if value is None else float(TEXT2EARTH.encoded(value)[0]) for value in values]
        return torch.tensor(told, dtype=torch.float32, device=model.device)
    nothing = np.zeros(vector_channels(model.checkpoint.network.config), np.float32)
    vectors = [nothing if value is None else value.ravel() for value in values]
    return torch.from_numpy(np.stack(vectors)).to(model.device)


@torch.inference_mode()
def _hint(model: ToldModel, number: int, values: Sequence[Any], strength: float) -> Hint | None:
    """Return a hint as its ControlNet reads it, every tile alone; ``None`` if it adds nothing."""
    known = next((value for value in values if value is not None), None)
    if known is None or strength == 0:
        return None
    pixels = [np.zeros_like(known) if value is None else value for value in values]
    control = model.controls[number]
    with one_thread():
        tiles = [torch.from_numpy(np.ascontiguousarray(tile))[None].to(model.device) for tile in pixels]
        read = torch.cat([control.read_hint(tile) for tile in tiles])
    strengths = [0.0 if value is None else strength for value in values]
    return Hint(read, torch.tensor(strengths, device=model.device)[:, None, None, None])
