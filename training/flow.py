"""The loss of rectified flow on the residual, shared by training and evaluation."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from geoinfinite.models.earth_network import EarthNetwork, condition, residual, velocity
from training.constants import RESIDUAL_LIMIT
from training.crops import Batch


def loss(network: EarthNetwork, batch: Batch, generator: Generator) -> Tensor:
    """Return the squared velocity error per example, (B,); times are stratified over the batch."""
    size, device = len(batch.child), next(network.unet.parameters()).device
    strata = torch.randperm(size, generator=generator) + torch.rand(size, generator=generator)
    noise = torch.randn(batch.child.shape, generator=generator).to(device)
    t = (strata / size).to(device)
    given = condition(batch.parent.to(device), network.settings)
    r = residual(batch.child.to(device), given).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)
    level = t[:, None, None, None]
    z = (1 - level) * r + level * noise
    with torch.autocast(device.type, torch.bfloat16):
        predicted = velocity(network, z, t, given, batch.gsd_m.to(device))
    return (predicted.float() - (noise - r)).square().mean((1, 2, 3))
