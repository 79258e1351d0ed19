"""A checkpoint's ``scheduler_config.json``: solver, schedule and prediction, as one frozen value.

Every key of the file is honoured, has no effect on its class, or is refused. One difference remains: here
a step ends where the next begins, whereas DDIM and DDPM in diffusers end at ``t - count // steps``. With
trailing timesteps that is another sigma where ``steps`` does not divide the timesteps of training.
"""

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
from geoinfinite.errors import WorldError
from geoinfinite.models.diffusers.scheduler.betas import PURE_NOISE, betas, trained_sigmas
from geoinfinite.models.diffusers.scheduler.keys import check_keys
from geoinfinite.models.diffusers.scheduler.spacing import FewSteps, FlowSpacing, Spacing
from geoinfinite.samplers.schedules import Sigmas

ADAPTERS = {"epsilon": from_epsilon, "v_prediction": from_v, "sample": from_sample, "flow": from_flow}


@dataclass(frozen=True, slots=True)
class CheckpointSampling:
    """How a checkpoint's authors meant it to be sampled, in this library's terms.

    The pixels are those of diffusers on the same noise: ``solver(denoiser, start * noise, sigmas, noise)``
    times ``end``.
    """

    solver: str
    """Name of the solver: ``gi.samplers.SOLVERS``."""
    prediction: str
    """What the network predicts: ``"epsilon"``, ``"v_prediction"``, ``"sample"`` or ``"flow"``."""
    spacing: Spacing | FewSteps | FlowSpacing
    """Which sigmas a solve visits."""
    trained: tuple[float, ...] = ()
    """Sigma of every timestep of training, rising; empty for a flow."""
    eta: float | None = None
    """Share of fresh noise, for solvers that have the setting."""
    clock: str = "linear"
    """How a sigma between two of training becomes a timestep: ``"linear"``, ``"log"``, ``"quarter log"``."""
    whole: bool = True
    """The network is told whole timesteps."""
    unit_start: bool = True
    """The solve starts from a scaled state of deviation 1, and ends as one; else at ``sigmas[0]``."""
    unit_end: bool = True
    """The result is a scaled state: noise that is left at the end shrinks it."""
    clip: float | None = None
    """Estimates of clean data are clipped to plus and minus this."""
    boundary: float | None = None
    """Factor on timesteps in a consistency model's boundary condition."""

    def sigmas(self, steps: int) -> Sigmas:
        """Return the schedule of a solve: ``steps + 1`` values, decreasing."""
        return self.spacing.sigmas(self.trained, steps)

    def timesteps(self, steps: int) -> tuple[float, ...]:
        """Return what the network is told at each step."""
        return tuple(self.timestep_of(sigma) for sigma in self.sigmas(steps)[:-1])

    def timestep_of(self, sigma: float) -> float:
        """Return the timestep of training of a noise level, as the network wants it."""
        if isinstance(self.spacing, FlowSpacing):
            return self.spacing.count * (1.0 if sigma >= PURE_NOISE else flow_time(sigma))
        if self.clock == "quarter log":
            return 0.25 * log(sigma)
        scale = np.log if self.clock == "log" else np.asarray
        t = float(np.interp(scale(sigma), scale(self.trained), np.arange(len(self.trained))))
        return round(t) if self.whole else t

    def start(self, steps: int) -> float:
        """Return the deviation of the noise that a solve starts from."""
        sigma = self.sigmas(steps)[0]
        if isinstance(self.spacing, FlowSpacing):
            return 1 + sigma
        return hypot(1, sigma) if self.unit_start else sigma

    def end(self, steps: int) -> float:
        """Return the factor on the last state: 1 where the schedule ends at 0."""
        return 1 / hypot(1, self.sigmas(steps)[-1]) if self.unit_end else 1.0

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


def from_config(config: Mapping[str, Any], class_name: str | None = None) -> CheckpointSampling:
    """Return the sampling that a ``scheduler_config.json`` describes.

    ``class_name`` reads the file as another scheduler class, as diffusers does to swap solvers.

    Raises WorldError for a class, key or value whose pixels this library would not reproduce.

    >>> sampling = from_config({"_class_name": "DDIMScheduler", "clip_sample": False, "steps_offset": 1})
    >>> sampling.solver, sampling.prediction, sampling.timesteps(4)
    ('ddim', 'epsilon', (751, 501, 251, 1))
    """
    name = class_name or str(config.get("_class_name", ""))
    keys = check_keys(name, config)
    return READERS[name](keys)


def _training(keys: Mapping[str, Any], floor: float = 0.0) -> tuple[float, ...]:
    """Return the sigmas of training; ``floor`` is the last abar of a schedule with zero signal there."""
    trained = keys["trained_betas"]
    if trained is not None and len(trained) != keys["num_train_timesteps"]:
        raise WorldError(
            f"trained_betas has {len(trained)} values, num_train_timesteps={keys['num_train_timesteps']}; "
            "make them equal"
        )
    if trained is None:
        trained = betas(
            keys["beta_schedule"], keys["num_train_timesteps"], keys["beta_start"], keys["beta_end"]
        )
    return trained_sigmas(trained, zero_snr=keys.get("rescale_betas_zero_snr", False), floor=floor)


def _clip(keys: Mapping[str, Any]) -> float | None:
    return float(keys["clip_sample_range"]) if keys["clip_sample"] else None


def _ddim(keys: Mapping[str, Any]) -> CheckpointSampling:
    zero = keys.get("set_alpha_to_one", True)
    return CheckpointSampling(
        "ddim",
        keys["prediction_type"],
        Spacing(keys["timestep_spacing"], keys["steps_offset"], ends_at_zero=zero),
        _training(keys),
        eta=0.0,
    )


def _ddpm(keys: Mapping[str, Any]) -> CheckpointSampling:
    return CheckpointSampling(
        "ddim",
        keys["prediction_type"],
        Spacing(keys["timestep_spacing"], keys["steps_offset"]),
        _training(keys),
        eta=1.0,
        clip=_clip(keys),
    )


def _lcm(keys: Mapping[str, Any]) -> CheckpointSampling:
    return CheckpointSampling(
        "lcm",
        keys["prediction_type"],
        FewSteps(keys["original_inference_steps"]),
        _training(keys),
        clip=_clip(keys),
        boundary=keys["timestep_scaling"],
    )


def _sigma_space(solver: str, keys: Mapping[str, Any]) -> CheckpointSampling:
    """Read one of the k-diffusion family: states of unscaled data, timesteps between timesteps."""
    continuous = keys.get("timestep_type") == "continuous" and keys["prediction_type"] == "v_prediction"
    curve = _curve(keys)
    return CheckpointSampling(
        solver,
        keys["prediction_type"],
        Spacing(
            keys["timestep_spacing"],
            keys["steps_offset"],
            whole=False,
            curve=curve,
            sigma_min=keys.get("sigma_min"),
            sigma_max=keys.get("sigma_max"),
            ends_at_zero=keys.get("final_sigmas_type", "zero") == "zero",
        ),
        _training(keys, floor=2**-24),
        eta=1.0 if solver == "euler_ancestral" else None,
        clock="quarter log" if continuous else "log" if curve else "linear",
        whole=False,
        unit_start=keys["timestep_spacing"] == "leading",
        unit_end=False,
        clip=_clip(keys) if "clip_sample" in keys else None,
    )


def _dpm(solvers: Mapping[int, str], keys: Mapping[str, Any]) -> CheckpointSampling:
    """Read one of the DPM-Solver family; it wants whole timesteps whatever the curve."""
    curve = _curve(keys)
    order = keys["solver_order"]
    if order not in solvers:
        raise WorldError(
            f"solver_order={order!r} is not one of {', '.join(map(str, solvers))} for this class; "
            "set solver_order=2"
        )
    if order == 3 and not keys["lower_order_final"]:
        raise WorldError("lower_order_final=False is not supported with solver_order=3; set it to true")
    return CheckpointSampling(
        solvers[order],
        keys["prediction_type"],
        Spacing(
            keys.get("timestep_spacing", "linspace"),
            keys.get("steps_offset", 0),
            spare=True,
            curve=curve,
            wide=True,
        ),
        _training(keys, floor=2**-24),
        clock="log" if curve else "linear",
    )


def _flow(keys: Mapping[str, Any]) -> CheckpointSampling:
    solver = "lcm" if keys["stochastic_sampling"] else "euler"
    return CheckpointSampling(
        solver, "flow", FlowSpacing(float(keys["shift"]), keys["num_train_timesteps"]), whole=False
    )


def _curve(keys: Mapping[str, Any]) -> str | None:
    chosen = [name for name in ("karras", "exponential") if keys.get(f"use_{name}_sigmas")]
    if len(chosen) > 1:
        raise WorldError("use_karras_sigmas and use_exponential_sigmas are both true; keep one")
    return chosen[0] if chosen else None


READERS = {
    "DDIMScheduler": _ddim,
    "DDPMScheduler": _ddpm,
    "LCMScheduler": _lcm,
    "EulerDiscreteScheduler": lambda keys: _sigma_space("euler", keys),
    "EulerAncestralDiscreteScheduler": lambda keys: _sigma_space("euler_ancestral", keys),
    "HeunDiscreteScheduler": lambda keys: _sigma_space("heun", keys),
    "DPMSolverMultistepScheduler": lambda keys: _dpm({1: "euler", 2: "dpmpp_2m", 3: "dpmpp_3m"}, keys),
    "DPMSolverSinglestepScheduler": lambda keys: _dpm({1: "euler", 2: "dpmpp_2s"}, keys),
    "FlowMatchEulerDiscreteScheduler": _flow,
}
