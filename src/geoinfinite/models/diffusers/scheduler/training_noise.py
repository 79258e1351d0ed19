"""What a checkpoint's ``scheduler_config.json`` says of its network, whatever solver calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, log
from typing import Any

import numpy as np

from geoinfinite.diffusion.denoiser import (
    Array,
    Denoiser,
    Network,
    flow_time,
    from_epsilon,
    from_flow,
    from_sample,
    from_v,
)
from geoinfinite.errors import ModelError, WorldError
from geoinfinite.models.diffusers.scheduler.betas import PURE_NOISE, betas, trained_sigmas
from geoinfinite.models.diffusers.scheduler.keys import network_keys

ADAPTERS = {"epsilon": from_epsilon, "v_prediction": from_v, "sample": from_sample, "flow": from_flow}

_STEP_CLIPS = ("DDIMScheduler", "DDIMParallelScheduler")
"""Classes that clip an estimate of clean data, but not the noise that a step keeps."""
_BY_SIGMA = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler")
"""Classes that interpolate sigmas between timesteps."""
_FLOORED = (
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
)
"""Classes whose last timestep keeps a trace of the data where the schedule leaves none."""


@dataclass(frozen=True, slots=True)
class TrainingNoise:
    """The noise that a network was trained on, how it is told of it, and what it answers."""

    prediction: str
    """What the network predicts: ``"epsilon"``, ``"v_prediction"``, ``"sample"`` or ``"flow"``."""
    trained: tuple[float, ...] = ()
    """Sigma of every timestep of training; empty for a flow."""
    count: int = 1000
    """Timesteps of training: a flow's time is told as a multiple of it."""
    clock: str = "log"
    """How a sigma between two of training becomes a timestep: ``"linear"``, ``"log"``, ``"quarter log"``."""
    whole: bool = False
    """The network is told whole timesteps."""
    clip: float | None = None
    """Estimates of clean data are clipped to plus and minus this."""
    step_clip: float | None = None
    """The same, but a step keeps the noise of the estimate that is not clipped, as DDIM of diffusers does:
    not by `denoiser`, which does not see steps, but by ``gi.samplers.clipped_estimates``."""
    boundary: float | None = None
    """Factor on timesteps in a consistency model's boundary condition."""

    def timestep_of(self, sigma: float) -> float:
        """Return the timestep of training of a noise level, as the network wants it."""
        if self.prediction == "flow":
            return self.count * (1.0 if sigma >= PURE_NOISE else flow_time(sigma))
        if self.clock == "quarter log":
            return 0.25 * log(sigma)
        scale = np.log if self.clock == "log" else np.asarray
        # Where the last sigma is not the largest, it is still the last timestep's.
        rising = np.minimum(self.trained, self.trained[-1])
        t = float(np.interp(scale(sigma), scale(rising), np.arange(len(rising))))
        return round(t) if self.whole else t

    def denoiser(self, network: Network) -> Denoiser:
        """Return the denoiser of the checkpoint's raw network, told timesteps of training."""
        denoise = ADAPTERS[self.prediction](network, timestep=self.timestep_of)
        if self.clip is None and self.boundary is None:
            return denoise

        def settled(x: Array, sigma: float) -> Array:
            x0 = denoise(x, sigma)
            if self.clip is not None:
                x0 = x0.clip(-self.clip, self.clip)
            if self.boundary is not None:
                # Song et al. 2023 (arXiv:2303.01469), appendix C, data of deviation 0.5.
                t = self.boundary * self.timestep_of(sigma)
                x0 = t / hypot(t, 0.5) * x0 + 0.25 / (t * t + 0.25) * x / hypot(1, sigma)
            return x0

        return settled


def network_noise(name: str, config: Mapping[str, Any]) -> TrainingNoise:
    """Return what a file says of its network, read as a class of diffusers.

    Raises `WorldError` for a class, key or value that is not understood.
    """
    keys = network_keys(name, config)
    count = int(keys["num_train_timesteps"])
    if name.startswith("FlowMatch") or keys.get("use_flow_sigmas"):
        return TrainingNoise("flow", count=count)
    clip = float(keys.get("clip_sample_range", 1.0)) if keys.get("clip_sample") else None
    by_step = name in _STEP_CLIPS
    clock, whole = _clock(name, keys)
    return TrainingNoise(
        keys["prediction_type"],
        _trained(keys, floor=2**-24 if name in _FLOORED else 0.0),
        count,
        clock=clock,
        whole=whole,
        clip=None if by_step else clip,
        step_clip=clip if by_step else None,
        boundary=keys.get("timestep_scaling"),
    )


def _clock(name: str, keys: Mapping[str, Any]) -> tuple[str, bool]:
    """Return how a class tells its network of a noise level, and whether in whole timesteps only."""
    if keys.get("timestep_type") == "continuous" and keys["prediction_type"] == "v_prediction":
        return "quarter log", False
    curved = any(keys.get(f"use_{curve}_sigmas") for curve in ("karras", "exponential", "beta"))
    if name in _BY_SIGMA:
        return ("log" if curved else "linear"), False
    return "log", name.startswith("DPMSolver") and bool(keys.get("use_karras_sigmas"))


def _trained(keys: Mapping[str, Any], floor: float) -> tuple[float, ...]:
    """Return the sigmas of training; ``floor`` is the last abar of a schedule with zero signal there."""
    count, given = keys["num_train_timesteps"], keys["trained_betas"]
    if given is not None and len(given) != count:
        raise WorldError(
            f"trained_betas has {len(given)} values, num_train_timesteps={count}; make them equal"
        )
    if given is None:
        given = betas(keys["beta_schedule"], count, keys["beta_start"], keys["beta_end"])
    return trained_sigmas(
        given,
        zero_snr=keys.get("rescale_betas_zero_snr", False),
        floor=floor,
        snr_shift=keys.get("snr_shift_scale", 1.0),
    )


def read_noise(config: Mapping[str, Any], class_name: str | None = None) -> TrainingNoise:
    """Return how a network is asked at a sigma and what its answer means: timestep, prediction, clipping.

    Every key that bears on it is honoured or refused, whatever solver the file names: some classes of
    diffusers are not offered as solvers here, and their networks can be asked all the same. Between two
    timesteps of training a network is told a fraction, linear in log sigma, as in k-diffusion, unless the
    class does otherwise: the file's own, or ``class_name``, as which a person reads it. Raises `ModelError`
    for what is not understood.

    >>> noise = read_noise({"_class_name": "PNDMScheduler", "beta_end": 0.02})
    >>> noise.prediction, noise.timestep_of(noise.trained[421])
    ('epsilon', 421.0)
    """
    try:
        return network_noise(class_name or str(config.get("_class_name", ""))[:200], config)
    except WorldError as error:
        raise ModelError(str(error)) from error
