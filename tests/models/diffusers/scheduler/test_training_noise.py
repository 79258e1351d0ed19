"""Noise levels, timesteps and predictions, beside diffusers' own schedulers."""

from __future__ import annotations

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.scheduler.training_noise import read_noise

# diffusers converts tensors to arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DDIM = {"_class_name": "DDIMScheduler"}
LATENT = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
ZERO_SNR = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}


def saved(scheduler: Any) -> dict[str, Any]:
    """What `save_pretrained` would write."""
    return {"_class_name": type(scheduler).__name__, **scheduler.config}


@pytest.mark.parametrize(
    "scheduler",
    [
        diffusers.DDPMScheduler(),
        diffusers.DDIMScheduler(**LATENT),
        diffusers.DDPMScheduler(num_train_timesteps=400, beta_schedule="squaredcos_cap_v2"),
        diffusers.DDPMScheduler(beta_schedule="sigmoid"),
        diffusers.PNDMScheduler(trained_betas=np.linspace(0.001, 0.03, 1000).tolist()),
        diffusers.DDIMScheduler(**LATENT, **ZERO_SNR),
        diffusers.UniPCMultistepScheduler(),
    ],
)
def test_sigmas_are_those_of_the_schedulers(scheduler: Any) -> None:
    noise = read_noise(saved(scheduler))
    ours = 1 / (1 + np.square(noise.trained))
    np.testing.assert_allclose(ours, scheduler.alphas_cumprod.double().numpy(), atol=2e-6)


def test_timesteps_on_the_schedule_are_whole_and_between_them_linear_in_log_sigma() -> None:
    noise = read_noise(saved(diffusers.DDIMScheduler(**LATENT)))
    for t in (0, 1, 421, 998, 999):
        assert noise.timestep_of(noise.trained[t]) == t
        assert noise.timestep_of(float(np.float32(noise.trained[t]))) == pytest.approx(t, abs=1e-3)
    between = noise.timestep_of((noise.trained[421] * noise.trained[422]) ** 0.5)
    assert between == pytest.approx(421.5, abs=1e-9)
    assert noise.timestep_of(1e-9) == 0
    assert noise.timestep_of(1e9) == 999


def test_euler_of_diffusers_is_told_the_same_timesteps_on_karras_schedules() -> None:
    scheduler = diffusers.EulerDiscreteScheduler(**LATENT, use_karras_sigmas=True)
    scheduler.set_timesteps(7)
    noise = read_noise(saved(scheduler))
    ours = [noise.timestep_of(float(sigma)) for sigma in scheduler.sigmas[:-1]]
    np.testing.assert_allclose(ours, scheduler.timesteps.numpy(), atol=2e-3)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("clip", [True, False])
def test_predictions_mean_what_diffusers_takes_them_for(prediction: str, clip: bool) -> None:
    scheduler = diffusers.DDPMScheduler(prediction_type=prediction, clip_sample=clip, clip_sample_range=0.7)
    rng = np.random.default_rng(1)
    state, answer = rng.normal(size=(2, 1, 3, 5, 4))
    t = 300
    noise = read_noise(saved(scheduler))
    sigma = noise.trained[t]
    told: list[float] = []

    def network(z: Any, timestep: float) -> Any:
        told.append(timestep)
        np.testing.assert_allclose(z, state, rtol=1e-6)
        return answer

    x0 = noise.denoiser(network)(state * np.hypot(1, sigma), sigma)
    step = scheduler.step(torch.from_numpy(answer), t, torch.from_numpy(state))
    np.testing.assert_allclose(x0, step.pred_original_sample.numpy(), atol=2e-6)
    assert told == [t]


def test_flows_are_told_the_share_of_noise_in_timesteps() -> None:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(5)
    noise = read_noise(saved(scheduler))
    assert noise.prediction == "flow"
    share = scheduler.sigmas[1:-1].double().numpy()
    sigmas = share / (1 - share)
    np.testing.assert_allclose(
        [noise.timestep_of(float(s)) for s in sigmas], scheduler.timesteps[1:].numpy(), rtol=1e-5
    )
    # One Euler step of the flow to the end is its estimate of clean data.
    z, velocity = np.random.default_rng(2).normal(size=(2, 1, 2, 3, 3))
    x0 = noise.denoiser(lambda state, t: velocity)(z * (1 + sigmas[0]), float(sigmas[0]))
    np.testing.assert_allclose(x0, z - share[0] * velocity, rtol=1e-6)


def test_consistency_models_keep_their_boundary_condition() -> None:
    scheduler = diffusers.LCMScheduler()
    scheduler.set_timesteps(4)
    noise = read_noise(saved(scheduler))
    t = int(scheduler.timesteps[-1])
    state, answer = np.random.default_rng(3).normal(size=(2, 1, 3, 4, 4))
    step = scheduler.step(torch.from_numpy(answer), t, torch.from_numpy(state))
    sigma = noise.trained[t]
    x0 = noise.denoiser(lambda z, told: answer)(state * np.hypot(1, sigma), sigma)
    np.testing.assert_allclose(x0, step.denoised.numpy(), atol=1e-5)


SVD = {
    "prediction_type": "v_prediction",
    "timestep_type": "continuous",
    "use_karras_sigmas": True,
    "sigma_min": 0.002,
    "sigma_max": 700.0,
}


@pytest.mark.parametrize(
    "ignored",
    [
        {},
        {"comment": "x"},
        {"use_karras_sigmas": False, "use_beta_sigmas": True},
        {"final_sigmas_type": "odd"},
        {"timestep_spacing": "odd"},
    ],
)
def test_the_clock_of_a_file_holds_whatever_its_other_keys_say(ignored: dict[str, Any]) -> None:
    config = {"_class_name": "EulerDiscreteScheduler"} | LATENT | SVD | ignored
    noise = read_noise(config)
    scheduler = diffusers.EulerDiscreteScheduler(**LATENT, **SVD)
    scheduler.set_timesteps(6)
    for sigma, told in zip(scheduler.sigmas[:-1], scheduler.timesteps, strict=True):
        assert noise.timestep_of(float(sigma)) == pytest.approx(float(told), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("name", ["CogVideoXDDIMScheduler", "CogVideoXDPMScheduler"])
def test_a_shift_of_the_signal_to_noise_ratio_is_kept(name: str, zero_snr: bool) -> None:
    scheduler = getattr(diffusers, name)(
        snr_shift_scale=2.5, prediction_type="v_prediction", rescale_betas_zero_snr=zero_snr
    )
    noise = read_noise(saved(scheduler))
    ours = 1 / (1 + np.square(noise.trained))
    np.testing.assert_allclose(ours, scheduler.alphas_cumprod.double().numpy(), atol=2e-6)


def test_the_boundary_condition_is_kept_beside_keys_that_nobody_reads() -> None:
    config = {
        "_class_name": "LCMScheduler",
        "timestep_scaling": 7.0,
        "comment": [],
        "timestep_spacing": "odd",
    }
    assert read_noise(config).boundary == 7.0


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler"])
def test_flows_among_the_solvers_of_variance_preserving_networks(name: str) -> None:
    scheduler = getattr(diffusers, name)(
        use_flow_sigmas=True, prediction_type="flow_prediction", num_train_timesteps=500
    )
    scheduler.set_timesteps(5)
    noise = read_noise(saved(scheduler))
    share = scheduler.sigmas[1:-1].double().numpy()
    told = [noise.timestep_of(float(s / (1 - s))) for s in share]
    np.testing.assert_allclose(told, scheduler.timesteps[1:].numpy(), atol=1.0)


@pytest.mark.parametrize("betas", [{}, LATENT, {"beta_start": 0.0015, "beta_end": 0.0195}])
def test_without_signal_at_the_end_the_last_timestep_is_told_for_the_last_sigma(betas: Any) -> None:
    scheduler = diffusers.EulerDiscreteScheduler(**betas, **ZERO_SNR, timestep_spacing="trailing")
    scheduler.set_timesteps(10)
    noise = read_noise(saved(scheduler))
    np.testing.assert_allclose(np.array(noise.trained)[[999, 899]], scheduler.sigmas[:2], rtol=1e-4)
    told = [noise.timestep_of(float(sigma)) for sigma in scheduler.sigmas[:-1]]
    np.testing.assert_allclose(told, scheduler.timesteps.numpy(), atol=2e-3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            DDIM | {"prediction_type": "noise"},
            r"prediction_type='noise' of .* set it to what the network predicts",
        ),
        (
            DDIM | {"thresholding": True},
            "thresholding=True of DDIMScheduler .*overlapping tiles would disagree",
        ),
        (DDIM | {"beta_schedule": "odd"}, 'beta_schedule=.odd. is not "linear"'),
        (DDIM | {"beta_end": 1.5}, r"beta_end=1.5 must be a number above 0 to 1"),
        (DDIM | {"trained_betas": [0.1, 0.2]}, "trained_betas has 2 values, num_train_timesteps=1000; make"),
        (
            {"_class_name": "EulerDiscreteScheduler", "interpolation_type": "log_linear"},
            "interpolation_type='log_linear' of EulerDiscreteScheduler is not supported; set it to 'linear'",
        ),
        (
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "invert_sigmas": True},
            "invert_sigmas=True of FlowMatchEulerDiscreteScheduler is not supported; set it to false",
        ),
        (
            {"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True},
            "prediction_type='epsilon' of UniPC.* set it to 'flow_prediction', or use_flow_sigmas to false",
        ),
        (
            {"_class_name": "EDMEulerScheduler"},
            "_class_name='EDMEulerScheduler' is no scheduler whose noise is known",
        ),
    ],
)
def test_configurations_that_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_noise(config)
    assert "\n" not in str(caught.value)


def test_a_file_read_as_another_class_has_that_class_s_defaults() -> None:
    pndm = {"_class_name": "PNDMScheduler", "beta_end": 0.012}
    assert read_noise(pndm).step_clip is None
    assert read_noise(pndm, "DDIMScheduler").step_clip == 1.0
    assert read_noise(pndm, "DDPMScheduler").clip == 1.0
    assert read_noise(pndm, "DDIMScheduler").trained == read_noise(pndm).trained
    with pytest.raises(ModelError, match="_class_name='Mine' is no scheduler whose noise is known here"):
        read_noise(pndm, "Mine")
