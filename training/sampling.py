"""Draw images with a trained network by steps along its flow, to look at and to measure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from geoinfinite.models.earth.network import (
    EarthCondition,
    EarthNetwork,
    condition,
    reconstruct,
    velocity,
)
from geoinfinite.plane.resample import project_mean


def times(steps: int, shift: float = 1.0, start: float = 1.0) -> list[float]:
    """Return steps + 1 times from `start` to 0; `shift` > 1 spends more steps near t = 1.

    The shift is that of Esser et al., arXiv:2403.03206, section 5.3.2: t -> s t / (1 + (s - 1) t).
    """
    even = [1 - i / steps for i in range(steps + 1)]
    return [start * shift * t / (1 + (shift - 1) * t) for t in even]


@torch.no_grad()
def path(
    network: EarthNetwork,
    given: EarthCondition,
    gsd_m: Tensor,
    grid: Sequence[float],
    noise: Tensor,
    order: int = 2,
) -> list[Tensor]:
    """Return the states (B, 3, T, T) at the times of `grid`, from unit `noise` to the residual.

    Adams-Bashforth steps of order 2, one evaluation each: v is extrapolated to the middle of the
    step from its last two values (Hairer, Norsett and Wanner, Solving ODEs I, section III.1).
    Euler steps as few as 8 would lose a quarter of the detail; `order` = 1 takes them.
    """
    z, before, states = noise, None, [noise]
    for now, then in pairwise(grid):
        step = then - now
        v = velocity(network, z, torch.full((len(z),), now, device=z.device), given, gsd_m)
        slope = v
        if before is not None and order == 2:
            slope = v + step / (2 * before[1]) * (v - before[0])
        z, before = z + step * slope, (v, step)
        states.append(z)
    return states


def draw(
    network: EarthNetwork,
    parent: Tensor,
    gsd_m: Tensor,
    grid: Sequence[float],
    noise: Tensor,
    order: int = 2,
) -> Tensor:
    """Return the child of `parent` (B, 3, P, P), drawn from unit `noise` (B, 3, T, T) along `path`."""
    given = condition(parent, network.settings)
    residual = path(network, given, gsd_m, grid, noise, order)[-1]
    return reconstruct(residual, given).clamp(-1, 1)


def cascade(
    network: EarthNetwork, root: Tensor, sides: Sequence[int], grid: Sequence[float], seed: int
) -> list[Tensor]:
    """Return successive x4 levels (1, 3, side, side) around the centre of `root` (1, 3, H, W).

    As in the library, each level keeps its parent's means and is rounded to bytes before the next
    is drawn from it.
    The ground sampling distance of `root` is that of the Blue Marble.
    """
    generator = Generator().manual_seed(seed)
    factor, margin = network.settings.factor, network.settings.margin
    gsd_m, levels = 40_075_017 / 5400, [root]
    for side in sides:
        gsd_m /= factor
        parent = centre(levels[-1], side // factor + 2 * margin)
        noise = torch.randn(1, 3, side, side, generator=generator)
        image = draw(network, parent, torch.tensor([gsd_m]), grid, noise)
        inner = centre(parent, side // factor).numpy()
        image = torch.from_numpy(project_mean(image.numpy(), inner, factor)).clamp(-1, 1)
        levels.append(((image + 1) * 127.5).round() / 127.5 - 1)
    return levels[1:]


def centre(images: Tensor, side: int) -> Tensor:
    """Cut the central `side` x `side` pixels."""
    top, left = ((size - side) // 2 for size in images.shape[-2:])
    return images[..., top : top + side, left : left + side]
