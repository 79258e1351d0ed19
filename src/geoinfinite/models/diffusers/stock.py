"""Inputs of stock networks of diffusers: texts, a label or a vector, and ControlNets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.diffusers.controls import Control, HintInput
from geoinfinite.models.diffusers.folder import EXTRA, Checkpoint
from geoinfinite.models.diffusers.inputs import Input, Labels, RowInput, Tokens
from geoinfinite.models.diffusers.text_encoder import WordReader
from geoinfinite.models.diffusers.told_facts import vector_channels
from geoinfinite.models.diffusers.weights import load_tensors
from geoinfinite.told.schemas import TEXT2EARTH

NO_TEXT = ""
"""What a network that is told texts was trained on where it was told none."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The networks of a checkpoint on a device, of which inputs are made."""

    checkpoint: Checkpoint
    network: Any
    """A diffusers `UNet2DConditionModel`."""
    controls: tuple[Control, ...]
    words: WordReader | None
    """Encodes texts; ``None`` for a network that is told none."""
    device: torch.device

    def extra(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of a small network of the folder ``extra``, in float32.

        Raises `ModelError` if its file is not there.
        """
        path = self.checkpoint.network.folder.parent / EXTRA / f"{name}.safetensors"
        return {key: tensor.float() for key, tensor in load_tensors(path).items()}

    def has_extra(self, name: str) -> bool:
        """Say whether there is a small network of a name."""
        return any(path.stem == name and path.parent.name == EXTRA for path in self.checkpoint.files)

    @property
    def options(self) -> Mapping[str, Any]:
        """What conversion wrote down for the system's own inputs."""
        return dict(self.checkpoint.sidecar.get("options", {}))


MakeInputs = Callable[[Loaded], tuple[Input, ...]]
"""Makes the inputs of a checkpoint; each takes what the inputs before it have added to the call."""


def stock_inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the inputs of the slots that `told_facts` finds in configurations."""
    return (*words_inputs(loaded), *_label_inputs(loaded), *hint_inputs(loaded))


def words_inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the input of texts, if the network is told any."""
    words = loaded.words
    if words is None:
        return ()

    def row(text: str | None) -> Tensor:
        return words(NO_TEXT if text is None else text)

    return (RowInput(("prompt",), row, Tokens, loaded.device, words.nbytes),)


def hint_inputs(loaded: Loaded) -> tuple[HintInput, ...]:
    """Return the input of every ControlNet."""
    names = (f"hint_{number}" if number else "hint" for number in range(len(loaded.controls)))
    pairs = zip(names, loaded.controls, strict=True)
    return tuple(HintInput(name, control, loaded.device) for name, control in pairs)


def _label_inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the input of a zoom level or a vector; where nothing is said, it is 0."""
    slots = {slot.name for slot in loaded.checkpoint.facts.slots}
    channels = vector_channels(loaded.checkpoint.network.config)

    def level(facts: Any) -> Tensor:
        return torch.tensor(0.0 if facts is None else TEXT2EARTH.encoded(facts)[0], dtype=torch.float32)

    def vector(values: Any) -> Tensor:
        return torch.zeros(channels) if values is None else torch.from_numpy(values.ravel())

    return tuple(
        RowInput((name,), row, Labels, loaded.device)
        for name, row in (("metadata", level), ("vector", vector))
        if name in slots
    )
