"""A checkpoint's ``scheduler_config.json``: solver, schedule and prediction, as one frozen value.

Every key of the file is honoured, has no effect on its class, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Any

from geoinfinite.diffusion.denoiser import Denoiser, Network
from geoinfinite.errors import WorldError
from geoinfinite.models.diffusers.scheduler.keys import network_keys, solver_keys
from geoinfinite.models.diffusers.scheduler.spacing import FewSteps, FlowSpacing, Spacing
from geoinfinite.models.diffusers.scheduler.training_noise import TrainingNoise, network_noise
from geoinfinite.samplers.clipping import clipped_estimates
from geoinfinite.samplers.schedules import Sigmas
from geoinfinite.samplers.solvers import SOLVERS
from geoinfinite.samplers.stepping import Solver


@dataclass(frozen=True, slots=True)
class CheckpointSampling:
    """How a checkpoint's authors meant it to be sampled, in this library's terms.

    The pixels are those of diffusers on the same noise:
    ``sampling.as_solver()(denoiser, start * noise, sigmas, noise, eta=sampling.eta)`` times ``end``.
    """

    solver: str
    """Name of the solver: ``gi.samplers.SOLVERS``."""
    noise: TrainingNoise
    """What the network was trained on, and how it is told of noise."""
    spacing: Spacing | FewSteps | FlowSpacing
    """Which sigmas a solve visits."""
    eta: float | None = None
    """Share of fresh noise, for solvers that have the setting."""
    unit_start: bool = True
    """The solve starts from a scaled state of deviation 1, and ends as one; else at ``sigmas[0]``."""
    unit_end: bool = True
    """The result is a scaled state: noise that is left at the end shrinks it."""
    usual_steps: int = 50
    """How many steps are common for the class."""

    @property
    def prediction(self) -> str:
        """What the network predicts: ``"epsilon"``, ``"v_prediction"``, ``"sample"`` or ``"flow"``."""
        return self.noise.prediction

    @property
    def trained(self) -> tuple[float, ...]:
        """Sigma of every timestep of training; empty for a flow."""
        return self.noise.trained

    def sigmas(self, steps: int) -> Sigmas:
        """Return the schedule of a solve: ``steps + 1`` values, decreasing."""
        return self.spacing.sigmas(self.noise.trained, steps)

    def common_steps(self) -> int | None:
        """Return a common number of steps that has a schedule; ``None`` if no common one has."""
        for steps in (self.usual_steps, 50, 25, 20, 10, 8, 5, 4, 2, 1):
            try:
                self.sigmas(steps)
            except WorldError:
                continue
            return steps
        return None

    def timesteps(self, steps: int) -> tuple[float, ...]:
        """Return what the network is told at each step."""
        return tuple(self.noise.timestep_of(sigma) for sigma in self.sigmas(steps)[:-1])

    def timestep_of(self, sigma: float) -> float:
        """Return the timestep of training of a noise level, as the network wants it."""
        return self.noise.timestep_of(sigma)

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
        return self.noise.denoiser(network)

    def as_solver(self) -> Solver:
        """Return the solver itself, with the clipping that the class does at every step."""
        limit = self.noise.step_clip
        solver = SOLVERS[self.solver]
        return solver if limit is None else clipped_estimates(solver, limit, keep_noise=True)


def from_config(config: Mapping[str, Any], class_name: str | None = None) -> CheckpointSampling:
    """Return the sampling that a ``scheduler_config.json`` describes.

    ``class_name`` reads the file as another scheduler class, as diffusers does to swap solvers.

    Raises WorldError for a class, key or value whose pixels this library would not reproduce.

    >>> sampling = from_config({"_class_name": "DDIMScheduler", "clip_sample": False, "steps_offset": 1})
    >>> sampling.solver, sampling.prediction, sampling.timesteps(4)
    ('ddim', 'epsilon', (751, 501, 251, 1))
    """
    name = class_name or str(config.get("_class_name", ""))[:200]
    keys = solver_keys(name, config)
    return READERS[name](network_noise(name, config), network_keys(name, config) | keys)


def checkpoint_sampling(config: Mapping[str, Any], class_name: str | None = None) -> CheckpointSampling:
    """Return the sampling of a checkpoint's file as it is, or read as another scheduler class.

    It is `from_config`; a class named by a person is one of `READERS`, checked like that of the file.
    """
    return from_config(config, class_name)


def _ddim(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    spacing = Spacing(
        keys["timestep_spacing"], keys["steps_offset"], even=True, ends_at_zero=keys["set_alpha_to_one"]
    )
    return CheckpointSampling("ddim", replace(noise, clock="linear", whole=True), spacing, eta=0.0)


def _ddpm(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    spacing = Spacing(keys["timestep_spacing"], keys["steps_offset"])
    return CheckpointSampling("ddim", replace(noise, clock="linear", whole=True), spacing, eta=1.0)


def _lcm(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    spacing = FewSteps(keys["original_inference_steps"])
    return CheckpointSampling("lcm", replace(noise, clock="linear", whole=True), spacing, usual_steps=4)


def _k_diffusion(
    solver: str, steps: int, noise: TrainingNoise, keys: Mapping[str, Any]
) -> CheckpointSampling:
    """Read one of the k-diffusion family: states of unscaled data, timesteps between timesteps."""
    return CheckpointSampling(
        solver,
        noise,
        Spacing(
            keys["timestep_spacing"],
            keys["steps_offset"],
            whole=False,
            curve=_curve(keys),
            sigma_min=keys.get("sigma_min"),
            sigma_max=keys.get("sigma_max"),
            ends_at_zero=keys.get("final_sigmas_type", "zero") == "zero",
        ),
        eta=1.0 if solver == "euler_ancestral" else None,
        unit_start=keys["timestep_spacing"] == "leading",
        unit_end=False,
        usual_steps=steps,
    )


def _dpm(solvers: Mapping[int, str], noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    """Read one of the DPM-Solver family; it wants whole timesteps whatever the curve."""
    curve, order = _curve(keys), keys["solver_order"]
    if order not in solvers:
        raise WorldError(
            f"solver_order={order!r} is not one of {', '.join(map(str, solvers))} for this class; "
            "set solver_order=2"
        )
    if order == 3 and not keys["lower_order_final"]:
        raise WorldError("lower_order_final=false is not supported with solver_order=3; set it to true")
    spacing = Spacing(
        keys.get("timestep_spacing", "linspace"),
        keys.get("steps_offset", 0),
        spare=True,
        curve=curve,
        wide=True,
    )
    told = replace(noise, clock="log" if curve else "linear", whole=True)
    return CheckpointSampling(solvers[order], told, spacing, usual_steps=20)


def _pndm(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    spacing = Spacing(
        keys["timestep_spacing"], keys["steps_offset"], even=True, ends_at_zero=keys["set_alpha_to_one"]
    )
    solver = "plms_v" if noise.prediction == "v_prediction" else "plms"
    return CheckpointSampling(solver, replace(noise, clock="linear", whole=True), spacing)


def _unipc(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    curve, order = _curve(keys), keys["solver_order"]
    ends_at_zero = keys["final_sigmas_type"] == "zero"
    if order > 1 and not keys["lower_order_final"]:
        raise WorldError(
            f"lower_order_final=false is not supported with solver_order={order}; set it to true"
        )
    if curve and not ends_at_zero:
        raise WorldError(
            f"final_sigmas_type='sigma_min' with use_{curve}_sigmas=true makes the last step none; set it to "
            "'zero'"
        )
    spacing = Spacing(
        keys["timestep_spacing"],
        keys["steps_offset"],
        spare=True,
        curve=curve,
        wide=True,
        sigma_min=keys["sigma_min"],
        sigma_max=keys["sigma_max"],
        ends_at_zero=ends_at_zero,
    )
    told = replace(noise, clock="log" if curve else "linear", whole=True)
    return CheckpointSampling({1: "unipc_1", 2: "unipc", 3: "unipc_3"}[order], told, spacing, usual_steps=20)


def _flow(noise: TrainingNoise, keys: Mapping[str, Any]) -> CheckpointSampling:
    solver = "lcm" if keys["stochastic_sampling"] else "euler"
    shift = 1.0 if keys["shift"] is None else float(keys["shift"])
    return CheckpointSampling(solver, noise, FlowSpacing(shift, noise.count), usual_steps=28)


def _curve(keys: Mapping[str, Any]) -> str | None:
    chosen = [name for name in ("karras", "exponential") if keys.get(f"use_{name}_sigmas")]
    if len(chosen) > 1:
        raise WorldError("use_karras_sigmas and use_exponential_sigmas are both true; keep one")
    return chosen[0] if chosen else None


Reader = Callable[[TrainingNoise, Mapping[str, Any]], CheckpointSampling]

READERS: dict[str, Reader] = {
    "DDIMScheduler": _ddim,
    "DDPMScheduler": _ddpm,
    "LCMScheduler": _lcm,
    "EulerDiscreteScheduler": lambda noise, keys: _k_diffusion("euler", 30, noise, keys),
    "EulerAncestralDiscreteScheduler": lambda noise, keys: _k_diffusion("euler_ancestral", 30, noise, keys),
    "HeunDiscreteScheduler": lambda noise, keys: _k_diffusion("heun", 20, noise, keys),
    "DPMSolverMultistepScheduler": lambda noise, keys: _dpm(
        {1: "euler", 2: "dpmpp_2m", 3: "dpmpp_3m"}, noise, keys
    ),
    "DPMSolverSinglestepScheduler": lambda noise, keys: _dpm({1: "euler", 2: "dpmpp_2s"}, noise, keys),
    "PNDMScheduler": _pndm,
    "UniPCMultistepScheduler": _unipc,
    "FlowMatchEulerDiscreteScheduler": _flow,
}
"""Classes whose pixels are drawn here."""
