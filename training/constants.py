"""Fit the residual's constants to the training crops: gain, and statistics of log(scale)."""

from __future__ import annotations

from dataclasses import replace

import torch

from geoinfinite.models.earth.network import EarthSettings, condition, residual
from training.crops import Crops

RESIDUAL_LIMIT = 6.0
"""Residuals beyond six times the expected contrast are clipped in training."""


def fit(crops: Crops, settings: EarthSettings, examples: int = 1536) -> EarthSettings:
    """Return settings with which the clipped residual of the crops has unit RMS."""
    batches = [crops.batch(64, 64) for _ in range(examples // 64)]
    low, high = 0.05, 20.0
    for _ in range(24):
        middle = (low * high) ** 0.5
        trial = replace(settings, gain=middle)
        squares = [
            residual(b.child, condition(b.parent, trial))
            .clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)
            .square()
            .mean()
            for b in batches
        ]
        low, high = (middle, high) if float(torch.stack(squares).mean()) > 1 else (low, middle)
    fitted = replace(settings, gain=round(middle, 4))
    logs = torch.cat([condition(b.parent, fitted).scale.log().flatten() for b in batches])
    return replace(
        fitted,
        log_scale_mean=round(float(logs.mean()), 4),
        log_scale_std=round(float(logs.std()), 4),
    )
