"""Gradients of a batch by several threads, each with a replica of the network and one core.

How fast torch's own threads are is decided by the slowest: on a shared machine each of their many
barriers waits for a core that somebody else has. Threads that take small parts of the batch from one
queue wait once a step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor, nn

Part = TypeVar("Part")
Result = TypeVar("Result")


class Replicas:
    """A network and copies of it that compute gradients side by side."""

    def __init__(self, network: nn.Module, threads: int) -> None:
        """Copy the network for every thread but the first."""
        self.network = network
        self._copies = [network, *(copy.deepcopy(network) for _ in range(threads - 1))]
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def map(self, parts: list[Part], function: Callable[[nn.Module, Part], Result]) -> list[Result]:
        """Return `function` of the network and every part, in the order of the parts."""
        queue: SimpleQueue[int] = SimpleQueue()
        for index in range(len(parts)):
            queue.put(index)

        def drain(network: nn.Module) -> dict[int, Result]:
            found = {}
            while True:
                try:
                    index = queue.get_nowait()
                except Empty:
                    return found
                found[index] = function(network, parts[index])

        results: dict[int, Result] = {}
        for found in self._pool.map(drain, self._copies):
            results |= found
        return [results[index] for index in range(len(parts))]

    def gradients(self, parts: list[Part], loss: Callable[[nn.Module, Part], Tensor]) -> float:
        """Leave in the network the gradient of the mean of `loss` over equal parts; return that mean."""

        def add(network: nn.Module, part: Part) -> float:
            value = loss(network, part)
            value.backward()  # type: ignore[no-untyped-call]
            return value.item()

        total = sum(self.map(parts, add))
        for other in self._copies[1:]:
            for ours, theirs in zip(self.network.parameters(), other.parameters(), strict=True):
                if theirs.grad is not None:
                    ours.grad = theirs.grad if ours.grad is None else ours.grad + theirs.grad
                    theirs.grad = None
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                parameter.grad /= len(parts)
        return total / len(parts)

    @torch.no_grad()
    def follow(self) -> None:
        """Give the copies the network's weights, after a step of the optimiser."""
        for other in self._copies[1:]:
            for ours, theirs in zip(self.network.parameters(), other.parameters(), strict=True):
                theirs.copy_(ours)
