"""One evaluation of a tile through ONNX Runtime beside torch, in turns, in one thread.

Run ``python -m pytest benchmarks/bench_onnx.py --benchmark-enable`` on an idle machine; ``ratio`` is torch's
time over ONNX Runtime's, the least of the rounds of each. Times are those of the processor, which other
programs disturb less; ``first_call_s`` is by the clock, export included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import diffusers
import latents
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geoinfinite.models.earth.detail import DetailNetwork, DetailShape
from geoinfinite.models.onnx.network import OnnxNetwork, OnnxUNet
from geoinfinite.models.threads import one_thread

for needed in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

Called = tuple[nn.Module, nn.Module, tuple[Tensor, ...]]
"""A network, the same through ONNX Runtime, and what both are called with."""


def bundled(side: int) -> Called:
    """Return the bundled network's shape, with weights that nobody trained."""
    network = _ready(DetailNetwork(DetailShape()))
    shape = network.shape
    noise, features = _field(shape.bands, side), _field(shape.inputs - shape.bands, side)
    stray = _field(9, side).reshape(1, 3, 3, side, side)
    told = torch.tensor([464.0]), torch.tensor([1.4])
    return network, OnnxNetwork(network), (noise, features, stray, *told)


def unet(side: int) -> Called:
    """Return a UNet2DModel of ten million parameters, with attention on every fourth row and column."""
    network = _ready(
        diffusers.UNet2DModel(
            in_channels=6,
            out_channels=3,
            block_out_channels=(64, 128, 192),
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            layers_per_block=2,
        )
    )
    return network, OnnxUNet(network), (_field(6, side), torch.tensor([500.0]))


@pytest.mark.parametrize("make", [bundled, unet])
def test_an_evaluation(benchmark: Any, make: Callable[[int], Called]) -> None:
    """Time evaluations of one tile by both, in turns."""
    side, rounds = (128, 15) if benchmark.enabled else (32, 1)
    network, through, inputs = make(side)
    with torch.inference_mode(), one_thread():
        start = time.perf_counter()
        answer = _tensor(through(*inputs))
        export_s = time.perf_counter() - start
        wanted = _tensor(network(*inputs))
        assert float((answer - wanted).abs().max()) < 1e-4 * float(wanted.max() - wanted.min())
        seconds = [(_time(network, inputs), _time(through, inputs)) for _ in range(rounds)]
        benchmark.pedantic(through, args=inputs, rounds=1)
    by_torch, by_onnx = np.min(seconds, axis=0)
    benchmark.extra_info.update(
        ratio=by_torch / by_onnx, torch_ms=1e3 * by_torch, onnx_ms=1e3 * by_onnx, first_call_s=export_s
    )


def _time(network: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    start = time.process_time()
    network(*inputs)
    return time.process_time() - start


def _tensor(answer: Any) -> Tensor:
    """Return the tensor in an answer of torch or of diffusers."""
    tensor: Tensor = answer if isinstance(answer, Tensor) else answer.sample
    return tensor


def _ready(network: nn.Module) -> nn.Module:
    """Draw the parameters, and lay them out as loading does."""
    drawn = latents.randomise(network, seed=1).requires_grad_(False)
    return drawn.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _field(channels: int, side: int) -> Tensor:
    return torch.from_numpy(latents.field(1, channels, side, side))
