"""Our solvers and schedules give the pixels of diffusers' schedulers on the same start noise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
)

from geoinfinite.diffusion.denoiser import Denoiser, from_epsilon, from_flow, from_sample, from_v
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.plane.window import Window
from geoinfinite.samplers import ddim, euler, exponential, flow, heun, karras, schedules

# diffusers converts tensors to arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TRAINING = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
ABARS = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
LEVELS = np.sqrt((1 - ABARS) / ABARS)
ADAPTERS = {"epsilon": from_epsilon, "v_prediction": from_v, "sample": from_sample}
STEPS = 10
FIELD = NoiseField(key=77, level=2, channels=4)
WINDOW = Window(-9, 4, 2**31, 2**31 + 17)


def noise(draw: int) -> torch.Tensor:
    return torch.from_numpy(FIELD(WINDOW, draw))[None]


def network(z: torch.Tensor, t: Any) -> torch.Tensor:
    """A deterministic prediction, nonlinear in both arguments, that looks at neighbours."""
    blurred = (z + torch.roll(z, 1, dims=-1) + torch.roll(z, 2, dims=-2)) / 3
    return torch.tanh(0.8 * blurred + 0.2) * (0.4 + float(t) / 2000) + 0.05 * torch.sin(3 * z)


def timestep(sigma: float) -> float:
    """The training timestep of a noise level, interpolated as diffusers does."""
    return float(np.interp(np.log(sigma), np.log(LEVELS), np.arange(1000)))


def denoiser(prediction: str) -> Denoiser:
    return ADAPTERS[prediction](network, timestep=timestep)


def run(scheduler: Any, sample: torch.Tensor, **step: Any) -> torch.Tensor:
    for i, t in enumerate(scheduler.timesteps):
        extra = {name: value(i + 1) for name, value in step.items()}
        prediction = network(scheduler.scale_model_input(sample, t), t)
        sample = scheduler.step(prediction, t, sample, **extra).prev_sample
    return sample


def assert_same_pixels(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert theirs.std() > 0.03
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("spacing", "offset"), [("leading", 0), ("leading", 1), ("trailing", 0)])
@pytest.mark.parametrize("prediction", ADAPTERS)
def test_euler(prediction: str, spacing: str, offset: int) -> None:
    scheduler = EulerDiscreteScheduler(
        **TRAINING, prediction_type=prediction, timestep_spacing=spacing, steps_offset=offset
    )
    scheduler.set_timesteps(STEPS)
    sigmas = schedules.ddim(STEPS, ABARS, spacing, offset)
    np.testing.assert_allclose(scheduler.sigmas, sigmas, rtol=1e-4)
    start = noise(0) * sigmas[0]
    assert_same_pixels(euler(denoiser(prediction), start, sigmas), run(scheduler, start))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_heun(prediction: str) -> None:
    scheduler = HeunDiscreteScheduler(**TRAINING, prediction_type=prediction, timestep_spacing="trailing")
    scheduler.set_timesteps(STEPS)
    sigmas = schedules.ddim(STEPS, ABARS, "trailing")
    start = noise(0) * sigmas[0]
    assert_same_pixels(heun(denoiser(prediction), start, sigmas), run(scheduler, start))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("spacing", "offset"), [("leading", 1), ("trailing", 0)])
@pytest.mark.parametrize("prediction", ADAPTERS)
def test_ddim(prediction: str, spacing: str, offset: int, eta: float) -> None:
    scheduler = DDIMScheduler(
        **TRAINING,
        prediction_type=prediction,
        timestep_spacing=spacing,
        steps_offset=offset,
        clip_sample=False,
        set_alpha_to_one=True,
    )
    scheduler.set_timesteps(STEPS)
    sigmas = schedules.ddim(STEPS, ABARS, spacing, offset)
    start = noise(0) * sigmas[0]
    theirs = run(
        scheduler,
        start / (1 + sigmas[0] ** 2) ** 0.5,
        eta=lambda i: eta,
        variance_noise=lambda i: noise(i) if eta else None,
    )
    assert_same_pixels(ddim(denoiser(prediction), start, sigmas, noise, eta=eta), theirs)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_matching_euler(shift: float) -> None:
    t_max = 0.98
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=list(np.linspace(t_max, t_max / STEPS, STEPS)))
    sigmas = flow(STEPS, shift, t_max)
    start = noise(0) * sigmas[0]
    theirs = start / (1 + sigmas[0])
    for t in scheduler.timesteps:
        theirs = scheduler.step(network(theirs, t), t, theirs).prev_sample
    velocity = from_flow(network, timestep=lambda sigma: 1000 * sigma / (1 + sigma))
    assert_same_pixels(euler(velocity, start, sigmas), theirs)


@pytest.mark.parametrize(
    ("option", "schedule"),
    [("use_karras_sigmas", karras), ("use_exponential_sigmas", exponential)],
)
def test_schedules(option: str, schedule: Callable[..., tuple[float, ...]]) -> None:
    scheduler = EulerDiscreteScheduler(**TRAINING, **{option: True})
    scheduler.set_timesteps(STEPS)
    ours = schedule(STEPS, float(LEVELS[0]), float(LEVELS[-1]))
    np.testing.assert_allclose(ours, scheduler.sigmas, rtol=1e-4)
