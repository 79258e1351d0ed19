"""A step on a CUDA device as one recorded graph.

A step is thousands of small kernels, and to launch them takes three times as long as to run them. A graph
launches all of them at once. Its tensors keep their places: inputs are copied into those that were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

WARM_UP = 4
"""Calls before one is recorded: in them cuDNN chooses its kernels and optimisers make their state."""


class Movable(Protocol):
    """A dataclass of tensors, tuples and such dataclasses."""

    def to(self, device: torch.device) -> Self:
        """Return it on a device."""
        ...


Inputs = TypeVar("Inputs", bound=Movable)


class Replay(Generic[Inputs]):
    """A function of tensors; a CUDA device records it when it has been called a few times with like shapes.

    The function must not wait for the device, nor depend on numbers that change but those in its inputs.
    """

    def __init__(self, function: Callable[[Inputs], dict[str, Tensor]], device: torch.device) -> None:
        self.function, self.device = function, device
        self.shapes: list[torch.Size] = []
        self.calls = 0
        self.held: Any = None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.found: dict[str, Tensor] = {}

    def __call__(self, inputs: Inputs) -> dict[str, Tensor]:
        """Return what the function returns; on a CUDA device it is overwritten by the next call."""
        if self.device.type != "cuda":
            return self.function(inputs)
        self._hold(inputs)
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._aside()
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.found = self.function(self.held)
        self.graph.replay()
        return self.found

    def _hold(self, inputs: Inputs) -> None:
        """Copy inputs into those that are held; begin anew when their shapes are others."""
        shapes = [x.shape for x in tensors(inputs)]
        if shapes != self.shapes:
            self.shapes, self.calls, self.graph, self.found = shapes, 0, None, {}
            self.held = inputs.to(self.device)
        for held, given in zip(tensors(self.held), tensors(inputs), strict=True):
            held.copy_(given)

    def _aside(self) -> dict[str, Tensor]:
        """Call the function on another stream, as a graph is recorded."""
        usual, other = torch.cuda.current_stream(), torch.cuda.Stream()
        other.wait_stream(usual)
        with torch.cuda.stream(other):
            found = self.function(self.held)
        usual.wait_stream(other)
        return found


def tensors(part: Any) -> Iterator[Tensor]:
    """Yield the tensors of nested dataclasses and tuples, in order."""
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from tensors(item)
    elif is_dataclass(part):
        for field in fields(part):
            yield from tensors(getattr(part, field.name))
