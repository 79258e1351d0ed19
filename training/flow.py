"""The loss of rectified flow on the residual, shared by training and evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthCondition, EarthNetwork, condition, residual, velocity
from training.constants import RESIDUAL_LIMIT
from training.crops import Batch


@dataclass(frozen=True, slots=True)
class Examples:
    """Points of paths with the velocity that the network is to learn there."""

    z: Tensor
    """(B, 3, T, T)."""
    t: Tensor
    """(B,)."""
    target: Tensor
    """(B, 3, T, T)."""
    given: EarthCondition
    gsd_m: Tensor

    def parts(self, count: int) -> list[Examples]:
        """Cut the batch into equal parts."""
        size = len(self.t) // count
        slices = [slice(i * size, (i + 1) * size) for i in range(count)]
        return [
            Examples(
                self.z[s],
                self.t[s],
                self.target[s],
                EarthCondition(self.given.base[s], self.given.scale[s], self.given.features[s]),
                self.gsd_m[s],
            )
            for s in slices
        ]


def examples(network: EarthNetwork, batch: Batch, generator: Generator) -> Examples:
    """Return points on paths from fresh noise to the batch's residuals."""
    device = next(network.unet.parameters()).device
    noise = torch.randn(batch.child.shape, generator=generator).to(device)
    given = condition(batch.parent.to(device), network.settings)
    r = residual(batch.child.to(device), given).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)
    t = times(len(noise), generator).to(device)
    level = t[:, None, None, None]
    return Examples((1 - level) * r + level * noise, t, noise - r, given, batch.gsd_m.to(device))


def times(size: int, generator: Generator) -> Tensor:
    """Return one time from each of `size` equal parts of [0, 1], in random order."""
    strata = torch.randperm(size, generator=generator) + torch.rand(size, generator=generator)
    return strata / size


def errors(network: EarthNetwork, part: Examples) -> Tensor:
    """Return the squared velocity error per example, (B,)."""
    with torch.autocast(part.z.device.type, torch.bfloat16):
        predicted = velocity(network, part.z, part.t, part.given, part.gsd_m)
    return (predicted.float() - part.target).square().mean((1, 2, 3))


def loss(network: EarthNetwork, batch: Batch, generator: Generator) -> Tensor:
    """Return the squared velocity error per example of a batch, (B,)."""
    return errors(network, examples(network, batch, generator))
