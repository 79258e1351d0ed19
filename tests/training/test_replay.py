"""A replayed function gives what the function gives, and takes the inputs of every call."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from training.replay import WARM_UP, Replay, tensors

CUDA = torch.cuda.is_available()


@dataclass(frozen=True)
class Pair:
    one: Tensor
    others: tuple[Tensor, ...]
    missing: Tensor | None = None

    def to(self, device: torch.device) -> Pair:
        return Pair(self.one.to(device), tuple(other.to(device) for other in self.others))


def pair(number: float, length: int = 3) -> Pair:
    return Pair(torch.full((length,), number), (torch.arange(length) * number, torch.ones(1)))


def test_tensors_are_found_in_order() -> None:
    found = list(tensors((pair(2.0), torch.zeros(5))))
    assert [x.tolist() for x in found] == [[2.0, 2.0, 2.0], [0.0, 2.0, 4.0], [1.0], [0.0] * 5]


@pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not CUDA, reason="no CUDA device"))]
)
def test_a_replayed_function_sees_new_inputs_and_keeps_its_state(device: str) -> None:
    total = torch.zeros((), device=device)

    def add(inputs: Pair) -> dict[str, Tensor]:
        total.add_(inputs.one.sum() + inputs.others[0][-1])
        return {"total": total.clone()}

    replay, expected = Replay(add, torch.device(device)), 0.0
    for length in (3, 5):
        for number in range(1, WARM_UP + 4):
            found = replay(pair(float(number), length))["total"]
            expected += number * length + (length - 1) * number
            assert float(found) == expected
