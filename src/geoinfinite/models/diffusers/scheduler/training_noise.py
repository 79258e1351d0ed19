"""What a checkpoint's ``scheduler_config.json`` says of its network, whatever solver will call it.

Some files name a solver that is not offered here; the noise that the network was trained on, and what it
predicts of it, still count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geoinfinite.errors import ModelError, WorldError
from geoinfinite.models.diffusers.scheduler.reading import CheckpointSampling, from_config
from geoinfinite.models.diffusers.scheduler.spacing import FlowSpacing, Spacing

_BETAS = {"beta_schedule", "beta_start", "beta_end"}
_TRAINING = _BETAS | {"trained_betas", "num_train_timesteps", "prediction_type", "rescale_betas_zero_snr"}
_CLIPPED = ("DDPMScheduler", "DDIMScheduler")
"""Classes that clip estimates of clean data unless the file says otherwise."""


def read_noise(config: Mapping[str, Any]) -> CheckpointSampling:
    """Return how a network is asked at a sigma and what its answer means: timestep, prediction, clipping.

    Between two timesteps of training a network is told a fraction, linear in log sigma, as in k-diffusion,
    unless the file's own class does otherwise on its curve. Raises `ModelError` for what is not understood.

    >>> betas = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
    >>> noise = read_noise({"_class_name": "PNDMScheduler", **betas})
    >>> noise.prediction, noise.timestep_of(noise.trained[421])
    ('epsilon', 421.0)
    """
    if config.get("thresholding"):
        raise ModelError(
            "thresholding=true clips by a quantile of the whole tile, so overlapping tiles would disagree; "
            "set it to false, and clip_sample to true"
        )
    try:
        sampling = from_config(config)
    except WorldError:
        sampling = _without_solver(config)
    curved = isinstance(sampling.spacing, Spacing) and sampling.spacing.curve is not None
    if sampling.whole and not curved:
        return replace(sampling, whole=False, clock="log")
    return sampling


def _without_solver(config: Mapping[str, Any]) -> CheckpointSampling:
    """Read what was trained from a file whose solver is not offered."""
    name = str(config.get("_class_name", ""))
    if name.startswith("FlowMatch") or config.get("prediction_type") == "flow_prediction":
        flow = FlowSpacing(1.0, int(config.get("num_train_timesteps", 1000)))
        return CheckpointSampling("euler", "flow", flow, whole=False)
    if config.get("trained_betas") is None and not set(config) >= _BETAS:
        raise ModelError(
            f"_class_name={name!r} lacks one of {', '.join(sorted(_BETAS))}: only variance-preserving and "
            "flow-matching networks are read; write the scheduler_config.json of a DDIMScheduler or "
            "FlowMatchEulerDiscreteScheduler"
        )
    trained = {key: value for key, value in config.items() if key in _TRAINING}
    try:
        sampling = from_config(trained | {"clip_sample": False}, "DDIMScheduler")
    except WorldError as error:
        raise ModelError(str(error)) from error
    clips = config.get("clip_sample", name in _CLIPPED)
    return replace(sampling, clip=float(config.get("clip_sample_range", 1.0)) if clips else None)
