"""Networks of torch that ONNX Runtime evaluates, called as before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from geoinfinite.models.onnx.graph import Graph, graph_of

Shapes = tuple[tuple[tuple[int, ...], torch.dtype], ...]


class OnnxNetwork(nn.Module):
    """A network of tensors ``(tile, ...)`` evaluated by ONNX Runtime, called as the network is.

    Every tile is evaluated alone in the thread that calls: its bits depend neither on the other tiles of the
    batch nor on the number of cores. A graph is made when a shape of tile is first asked for, and kept.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()
        self._graphs: dict[Shapes, Graph] = {}
        self._lock = Lock()
        _INSTANCES.add(self)

    @property
    def graph_bytes(self) -> int:
        """Memory of the weights in its graphs, in bytes, besides those of the network."""
        return sum(graph.nbytes for graph in list(self._graphs.values()))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the answer of the network, tile by tile; `ModelError` for one that cannot be a graph."""
        tiles = range(len(inputs[0]))
        return torch.cat([self._alone([tensor[tile : tile + 1] for tensor in inputs]) for tile in tiles])

    def _alone(self, inputs: list[Tensor]) -> Tensor:
        shapes = tuple((tuple(tensor.shape), tensor.dtype) for tensor in inputs)
        with self._lock:
            if shapes not in self._graphs:
                self._graphs[shapes] = graph_of(self.network, inputs)
        return self._graphs[shapes](inputs)

    def forget_lock(self) -> None:
        """Begin with a new lock in a forked child, where the thread that held it does not exist."""
        self._lock = Lock()


_INSTANCES: WeakSet[OnnxNetwork] = WeakSet()


def _forget_locks() -> None:
    for instance in list(_INSTANCES):
        instance.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)


class OnnxUNet(nn.Module):
    """A diffusers `UNet2DModel` evaluated by ONNX Runtime, called as that is."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.evaluated = OnnxNetwork(_Answer(unet))

    def forward(self, seen: Tensor, times: Tensor, class_labels: Tensor | None = None) -> UNetAnswer:
        """Return the answer to some tiles."""
        told = (seen, times) if class_labels is None else (seen, times, class_labels)
        return UNetAnswer(self.evaluated(*told))


@dataclass(frozen=True, slots=True)
class UNetAnswer:
    """An answer as diffusers returns it."""

    sample: Tensor


class _Answer(nn.Module):
    """A `UNet2DModel` that returns a tensor."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, seen: Tensor, times: Tensor, label: Tensor | None = None) -> Tensor:
        answer: Tensor = self.unet(seen, times, class_labels=label).sample
        return answer
