"""Networks through ONNX Runtime, beside the same networks in torch."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import latents
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.earth.detail import DetailNetwork, DetailShape
from geoinfinite.models.onnx.network import OnnxNetwork, OnnxUNet

for needed in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

RANGE = 1e-4
"""The share of the range by which answers may differ."""


@pytest.fixture(scope="module")
def detail() -> DetailNetwork:
    shape = DetailShape(fold=2, channels=(24, 40), blocks=(1, 2), embedding=16)
    network = latents.randomise(DetailNetwork(shape), seed=3).requires_grad_(False)
    assert isinstance(network, DetailNetwork)
    own = network.calibration
    for gains, last in ((own.gains, 2.0), (own.colour_gains, 3.0), (own.stray_gains, 0.2)):
        gains.copy_(torch.linspace(0.5, last, gains.numel()).reshape(gains.shape))
    return network


@pytest.fixture(scope="module")
def through(detail: DetailNetwork) -> OnnxNetwork:
    """One for all tests: every shape of tile is exported once."""
    return OnnxNetwork(detail)


def tiles() -> tuple[Tensor, ...]:
    """Noise, features and stray colour of three tiles of 24 x 16 px, each with a distance and an aspect."""
    fields = torch.from_numpy(latents.field(3, 22, 24, 16, seed=8))
    told = torch.tensor([[464.0, 1.1], [29.0, 1.6], [1.5, 1.0]])
    stray = fields[:, 13:].reshape(3, 3, 3, 24, 16)
    return fields[:, :3], fields[:, 3:13], stray, told[:, 0], told[:, 1]


def one(number: int) -> tuple[Tensor, ...]:
    return tuple(tensor[number : number + 1] for tensor in tiles())


@torch.inference_mode()
def test_a_network_of_five_inputs_answers_as_in_torch(detail: DetailNetwork, through: OnnxNetwork) -> None:
    wanted = detail(*tiles()).numpy()
    assert wanted.std((1, 2, 3)).min() > 0.1
    np.testing.assert_allclose(through(*tiles()).numpy(), wanted, atol=RANGE * np.ptp(wanted), rtol=0)


@torch.inference_mode()
def test_a_tile_has_the_same_bits_alone_and_in_any_thread(through: OnnxNetwork) -> None:
    together = through(*tiles()).numpy()

    def alone(number: int) -> np.ndarray:
        with torch.inference_mode():
            answer: np.ndarray = through(*one(number % 3)).numpy()
        return answer

    with ThreadPoolExecutor(3) as threads:
        for number, answer in enumerate(threads.map(alone, range(6))):
            np.testing.assert_array_equal(answer[0], together[number % 3])


@torch.inference_mode()
def test_a_forked_process_evaluates_as_its_parent_does(through: OnnxNetwork) -> None:
    wanted = through(*one(2))

    def compare() -> None:
        with torch.inference_mode():
            sys.exit(0 if torch.equal(through(*one(2)), wanted) else 3)

    child = multiprocessing.get_context("fork").Process(target=compare)
    child.start()
    child.join(120)
    assert child.exitcode == 0


@torch.inference_mode()
@pytest.mark.parametrize("shift", [4, 20, 32])
def test_bits_do_not_depend_on_where_an_input_lies_in_memory(through: OnnxNetwork, shift: int) -> None:
    noise, *others = one(1)
    memory = torch.zeros(noise.numel() + 64)
    start = (-memory.data_ptr() % 64 + shift) // 4
    moved = memory[start : start + noise.numel()].view(noise.shape).copy_(noise)
    assert moved.data_ptr() % 64 == shift
    np.testing.assert_array_equal(through(moved, *others).numpy(), through(noise, *others).numpy())


@torch.inference_mode()
def test_nothing_is_written_or_said_and_graphs_are_counted(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    network = nn.Conv2d(2, 3, 5).requires_grad_(False)
    through, weights = OnnxNetwork(network), 4 * (3 * 2 * 25 + 3)
    assert module_bytes(through) == weights
    seen = torch.from_numpy(latents.field(1, 2, 9, 7))
    np.testing.assert_allclose(through(seen), network(seen), atol=1e-5)
    first = through.graph_bytes
    through(seen)
    assert through.graph_bytes == first > weights
    through(seen[..., :6])
    assert through.graph_bytes > 2 * weights
    assert module_bytes(through) == weights + through.graph_bytes
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@torch.inference_mode()
def test_a_network_of_diffusers_that_is_told_a_class() -> None:
    network = latents.unet(3, 2, num_class_embeds=5)
    seen = torch.from_numpy(latents.field(2, 3, 12, 20))
    times, labels = torch.tensor([37.5, 900.0]), torch.tensor([4, 1])
    wanted = network(seen, times, class_labels=labels).sample.numpy()
    answer = OnnxUNet(network)(seen, times, class_labels=labels).sample.numpy()
    np.testing.assert_allclose(answer, wanted, atol=RANGE * np.ptp(wanted), rtol=0)
    assert np.abs(network(seen, times, class_labels=labels.flip(0)).sample.numpy() - wanted).max() > 0.1


class Undecided(nn.Module):
    """Its course depends on its values."""

    def forward(self, x: Tensor) -> Tensor:
        return x if float(x.sum()) > 0 else -x


class Unknown(nn.Module):
    """Computes what ONNX has no operation for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.zeta(x + 2, x + 3)


class Deceitful(nn.Module):
    """Is another network when it is exported."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.01 * x if torch.compiler.is_exporting() else x


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Undecided(), "torch.onnx: GuardOnDataDependentSymNode: .*"),
        (Unknown(), "torch.onnx: ConversionError: .*zeta.*"),
        (Deceitful(), "its graph gives other answers"),
        (nn.Linear(2**15, 2**15, device="meta"), "its weights take more than the 2 GiB of the format"),
    ],
)
def test_a_network_that_cannot_be_a_graph_is_refused(network: Any, reason: str) -> None:
    message = (
        rf'^model\.backend="onnx" cannot evaluate this network \({reason}\); set model\.backend = "torch"$'
    )
    with pytest.raises(ModelError, match=message):
        OnnxNetwork(network)(torch.ones(1, 2, 3, 5))
