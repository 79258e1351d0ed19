"""A checkpoint's scheduler_config.json gives the pixels of diffusers' own class on the same noise."""

import dataclasses
import inspect
import itertools
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import diffusers
import pytest
import torch

from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.models.diffusers.scheduler.keys import NETWORK, SOLVER
from geoinfinite.models.diffusers.scheduler.reading import CheckpointSampling, from_config
from geoinfinite.plane.window import Window
from geoinfinite.samplers import SOLVERS

# diffusers converts tensors to arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FIELD = NoiseField(key=91, level=3, channels=3)
WINDOW = Window(-7, 4, 2**31 - 5, 2**31 + 8)
LATENT = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
ZOOMLDM = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear", "steps_offset": 1}
NO_CLIP = {"clip_sample": False}
PLMS = {"skip_prk_steps": True, "steps_offset": 1}
ZERO_SNR = {
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "prediction_type": "v_prediction",
}


def noise(draw: int) -> torch.Tensor:
    return torch.from_numpy(FIELD(WINDOW, draw))[None].double()


def single(draw: int) -> torch.Tensor:
    return noise(draw).float()


def network(z: torch.Tensor, t: Any) -> torch.Tensor:
    """A prediction that is nonlinear in both arguments and looks at neighbours."""
    blurred = (z + torch.roll(z, 1, dims=-1) + torch.roll(z, 2, dims=-2)) / 3
    return torch.tanh(0.8 * blurred + 0.2) * (0.4 + float(t) / 2000) + 0.05 * torch.sin(3 * z)


@pytest.fixture
def same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make diffusers draw ours, field 1 at its first step: most of its classes take no noise from callers."""
    draws = itertools.count(1)

    def randn_tensor(shape: Any, **_: Any) -> torch.Tensor:
        return noise(next(draws))

    for name in ("ddpm", "ddim", "lcm", "euler_ancestral_discrete", "flow_match_euler_discrete"):
        module = import_module(f"diffusers.schedulers.scheduling_{name}")
        monkeypatch.setattr(module, "randn_tensor", randn_tensor)
    monkeypatch.setattr(torch, "randn_like", lambda like: randn_tensor(like.shape))


def theirs(name: str, config: dict[str, Any], steps: int) -> torch.Tensor:
    scheduler = getattr(diffusers, name).from_config(config)
    scheduler.set_timesteps(steps)
    x = noise(0) * float(getattr(scheduler, "init_noise_sigma", 1.0))
    for t in scheduler.timesteps:
        z = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(network(z, t), t, x).prev_sample.double()
    return x


def solved(
    sampling: CheckpointSampling, steps: int, draw: Callable[[int], torch.Tensor] = noise
) -> torch.Tensor:
    start = draw(0) * sampling.start(steps)
    denoise = sampling.denoiser(network)
    x = sampling.as_solver()(denoise, start, sampling.sigmas(steps), draw, eta=sampling.eta)
    return x * sampling.end(steps)


def ours(name: str, config: dict[str, Any], steps: int) -> torch.Tensor:
    # As the file on disk has it: diffusers' own defaults written out, strings for JSON's infinities.
    written = getattr(diffusers, name).from_config(config).to_json_string()
    return solved(from_config(json.loads(written)), steps)


PREDICTIONS = ("epsilon", "v_prediction", "sample")
SPACINGS = ("leading", "trailing", "linspace")


Case = tuple[str, dict[str, Any], int]
"""A class, what its file says, and a number of steps."""


def cases() -> list[Any]:
    made: list[Case] = []
    for prediction, spacing in itertools.product(PREDICTIONS, SPACINGS):
        spaced = {**LATENT, "prediction_type": prediction, "timestep_spacing": spacing, "steps_offset": 1}
        if spacing != "linspace":
            made.append(("DDIMScheduler", spaced | NO_CLIP, 10))
            made.append(("DDPMScheduler", spaced | NO_CLIP, 10))
        made.append(("EulerDiscreteScheduler", spaced, 10))
        if prediction != "sample":
            made.append(("EulerAncestralDiscreteScheduler", spaced, 7))
        made.append(("HeunDiscreteScheduler", spaced, 7))
        made.append(("DPMSolverMultistepScheduler", spaced, 10))
        made.append(("DPMSolverMultistepScheduler", spaced | {"solver_order": 3}, 16))
    for prediction in PREDICTIONS:
        said = {**LATENT, "prediction_type": prediction}
        made.append(("DPMSolverSinglestepScheduler", said, 9))
        made.append(("DPMSolverSinglestepScheduler", said, 10))
        made.append(("LCMScheduler", said, 4))
        made.append(("DPMSolverMultistepScheduler", said | {"solver_order": 3}, 9))
        made.append(("DPMSolverMultistepScheduler", said | {"solver_order": 1}, 6))
    for name in ("EulerDiscreteScheduler", "HeunDiscreteScheduler"):
        made.append((name, {**LATENT, "use_karras_sigmas": True}, 8))
        made.append((name, {**LATENT, "use_exponential_sigmas": True}, 8))
    for name in ("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"):
        made.append((name, {**LATENT, "use_karras_sigmas": True}, 8))
    made += [
        ("DDIMScheduler", ZOOMLDM | NO_CLIP | {"set_alpha_to_one": False}, 50),
        ("DDIMScheduler", ZOOMLDM | NO_CLIP | {"set_alpha_to_one": True}, 20),
        ("DDPMScheduler", {"clip_sample": True, "clip_sample_range": 0.5}, 20),
        ("DDPMScheduler", {"beta_schedule": "squaredcos_cap_v2", "variance_type": "fixed_small_log"}, 10),
        ("LCMScheduler", {"clip_sample": True, "original_inference_steps": 100}, 3),
        (
            "EulerDiscreteScheduler",
            LATENT | {"final_sigmas_type": "sigma_min", "timestep_spacing": "trailing"},
            8,
        ),
        (
            "EulerDiscreteScheduler",
            {"trained_betas": [0.01 * (i + 1) for i in range(40)], "num_train_timesteps": 40},
            8,
        ),
        (
            "EulerDiscreteScheduler",
            LATENT
            | {"use_karras_sigmas": True, "timestep_type": "continuous", "prediction_type": "v_prediction"}
            | {"sigma_min": 0.002, "sigma_max": 700.0},
            8,
        ),
        ("HeunDiscreteScheduler", {"beta_schedule": "exp", "clip_sample": True}, 6),
        ("FlowMatchEulerDiscreteScheduler", {}, 10),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, 10),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0, "stochastic_sampling": True}, 5),
    ]
    made += [
        (name, LATENT | ZERO_SNR | extra, 10)
        for name, extra in (
            ("DDIMScheduler", NO_CLIP),
            ("EulerDiscreteScheduler", {}),
            ("EulerAncestralDiscreteScheduler", {}),
            ("DPMSolverMultistepScheduler", {}),
        )
    ]
    # Zero terminal SNR with DDPM's own betas and another's: the last sigma is not the largest.
    made += [
        (name, betas | ZERO_SNR, 10)
        for name in (
            "EulerDiscreteScheduler",
            "EulerAncestralDiscreteScheduler",
            "DPMSolverMultistepScheduler",
        )
        for betas in ({}, {"beta_start": 0.0015, "beta_end": 0.0195})
    ]
    made.append(("DPMSolverMultistepScheduler", ZERO_SNR | {"use_karras_sigmas": True}, 10))
    # Timesteps that lie between two whole ones, or steps that do not divide those of training.
    for steps in (26, 30, 46, 52, 60, 74, 92):
        made.append(("DPMSolverMultistepScheduler", LATENT, steps))
        made.append(("DDPMScheduler", LATENT | {"timestep_spacing": "linspace"}, steps))
    for steps in (13, 15, 30, 48, 96):
        made.append(("DDPMScheduler", LATENT | NO_CLIP | {"timestep_spacing": "trailing"}, steps))
        made.append(("DDIMScheduler", LATENT | NO_CLIP, steps))
        made.append(("EulerDiscreteScheduler", LATENT | {"timestep_spacing": "trailing"}, steps))
        made.append(("DPMSolverMultistepScheduler", LATENT | {"timestep_spacing": "trailing"}, steps))
    # DDIM clips an estimate, but not the noise that belongs to it.
    for prediction in PREDICTIONS:
        made.append(("DDIMScheduler", {"prediction_type": prediction}, 10))
        made.append(("DDIMScheduler", {"prediction_type": prediction, "clip_sample_range": 0.6}, 20))
    made.append(("DDIMScheduler", ZERO_SNR, 20))
    for name in ("EulerDiscreteScheduler", "HeunDiscreteScheduler"):
        made.append((name, LATENT | {"use_karras_sigmas": True, "timestep_spacing": "leading"}, 1))
    return [*_named(made), *_named(plms_cases() + unipc_cases())]


def _named(made: list[Case]) -> list[Any]:
    return [pytest.param(*case, id=f"{i}-{case[0]}-{case[2]}") for i, case in enumerate(made)]


def plms_cases() -> list[Case]:
    made: list[Case] = []
    for prediction, to_one in itertools.product(("epsilon", "v_prediction"), (True, False)):
        said = LATENT | PLMS | {"prediction_type": prediction, "set_alpha_to_one": to_one}
        made += [("PNDMScheduler", said, steps) for steps in (1, 2, 3, 4, 13)]
        made.append(("PNDMScheduler", said | {"timestep_spacing": "trailing"}, 10))
    made.append(("PNDMScheduler", PLMS | {"steps_offset": 0, "set_alpha_to_one": True}, 9))
    made.append(("PNDMScheduler", PLMS | {"beta_schedule": "squaredcos_cap_v2"}, 8))
    return made


def unipc_cases() -> list[Case]:
    made: list[Case] = []
    for prediction, spacing in itertools.product(PREDICTIONS, SPACINGS):
        said = LATENT | {"prediction_type": prediction, "timestep_spacing": spacing, "steps_offset": 1}
        made.append(("UniPCMultistepScheduler", said, 10))
        made.append(("UniPCMultistepScheduler", said | {"final_sigmas_type": "sigma_min"}, 7))
    for order, steps in itertools.product((1, 2, 3), (1, 2, 3, 4, 16)):
        made.append(("UniPCMultistepScheduler", LATENT | {"solver_order": order}, steps))
    others = (
        {"use_karras_sigmas": True},
        {"use_karras_sigmas": True, "sigma_min": 0.1, "sigma_max": 11.0},
        {"use_karras_sigmas": True, "solver_order": 3, "prediction_type": "v_prediction"},
        {"solver_order": 1, "lower_order_final": False},
        {"solver_type": "midpoint"},
        {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "leading"},
        ZERO_SNR,
        ZERO_SNR | {"use_karras_sigmas": True},
    )
    return made + [("UniPCMultistepScheduler", LATENT | other, 8) for other in others]


@pytest.mark.usefixtures("same_noise")
@pytest.mark.parametrize(("name", "config", "steps"), cases())
def test_same_pixels(name: str, config: dict[str, Any], steps: int) -> None:
    x, expected = ours(name, config, steps), theirs(name, config, steps)
    assert expected.std() > 0.03
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("PNDMScheduler", LATENT | PLMS),
        ("PNDMScheduler", LATENT | PLMS | {"prediction_type": "v_prediction"}),
        ("UniPCMultistepScheduler", LATENT | {"timestep_spacing": "leading", "steps_offset": 1}),
        ("UniPCMultistepScheduler", LATENT | {"prediction_type": "v_prediction", "solver_order": 3}),
    ],
)
def test_same_pixels_for_every_number_of_steps(name: str, config: dict[str, Any]) -> None:
    for steps in range(1, 51):
        x, expected = ours(name, config, steps), theirs(name, config, steps)
        torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("wrong", ["plms", "unipc_1", "unipc_3"])
def test_multistep_solvers_are_not_each_other(wrong: str) -> None:
    expected = theirs("UniPCMultistepScheduler", LATENT, 10)
    sampling = dataclasses.replace(from_config(LATENT, "UniPCMultistepScheduler"), solver=wrong)
    assert float((solved(sampling, 10) - expected).abs().max()) > 1e-4


@pytest.mark.usefixtures("same_noise")
@pytest.mark.parametrize(
    ("name", "change", "steps"),
    [
        ("DDIMScheduler", {"steps_offset": 1}, 10),
        ("DDIMScheduler", {"set_alpha_to_one": False, "timestep_spacing": "trailing"}, 10),
        ("DDIMScheduler", {"timestep_spacing": "trailing"}, 10),
        ("DDIMScheduler", {"prediction_type": "v_prediction"}, 10),
        ("DDIMScheduler", {"beta_schedule": "squaredcos_cap_v2"}, 10),
        ("DDIMScheduler", {"beta_end": 0.02}, 10),
        ("DDPMScheduler", {"clip_sample_range": 0.3, "clip_sample": True}, 10),
        ("DDIMScheduler", {"clip_sample_range": 0.3, "clip_sample": True}, 10),
        ("EulerDiscreteScheduler", {"final_sigmas_type": "sigma_min", "timestep_spacing": "trailing"}, 10),
        ("EulerDiscreteScheduler", {"use_karras_sigmas": True}, 10),
        ("EulerDiscreteScheduler", {"use_exponential_sigmas": True}, 10),
        ("DPMSolverMultistepScheduler", {"solver_order": 3}, 10),
        ("DPMSolverMultistepScheduler", {"solver_order": 1}, 10),
        ("LCMScheduler", {"original_inference_steps": 40}, 4),
        ("LCMScheduler", {"timestep_scaling": 0.01}, 4),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 2.0}, 10),
        ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}, 10),
        ("PNDMScheduler", {"prediction_type": "v_prediction"}, 10),
        ("PNDMScheduler", {"set_alpha_to_one": True}, 4),
        ("PNDMScheduler", {"timestep_spacing": "trailing"}, 10),
        ("UniPCMultistepScheduler", {"solver_order": 1}, 5),
        ("UniPCMultistepScheduler", {"solver_order": 3}, 10),
        ("UniPCMultistepScheduler", {"use_karras_sigmas": True}, 10),
        ("UniPCMultistepScheduler", {"final_sigmas_type": "sigma_min"}, 10),
        ("UniPCMultistepScheduler", {"timestep_spacing": "leading"}, 10),
    ],
)
def test_every_setting_is_seen_by_this_test(name: str, change: dict[str, Any], steps: int) -> None:
    config = {} if name.startswith("Flow") else LATENT | NO_CLIP
    config |= PLMS if name == "PNDMScheduler" else {}
    honoured, expected = ours(name, config | change, steps), theirs(name, config | change, steps)
    torch.testing.assert_close(honoured, expected, rtol=1e-5, atol=1e-5)
    ignored = ours(name, config, steps)
    assert float((ignored - expected).abs().max()) > 1e-3


@pytest.mark.usefixtures("same_noise")
@pytest.mark.parametrize("wrong", ["ancestral", "forgetful", "late noise", "unscaled"])
def test_a_wrong_solve_fails(wrong: str) -> None:
    name = "EulerAncestralDiscreteScheduler" if wrong == "late noise" else "DPMSolverMultistepScheduler"
    if wrong == "ancestral":
        name = "EulerDiscreteScheduler"
    expected, sampling = theirs(name, LATENT, 10), from_config(LATENT, name)
    denoise, sigmas = sampling.denoiser(network), sampling.sigmas(10)
    start = noise(0) * (sigmas[0] if wrong == "unscaled" else sampling.start(10))
    if wrong == "ancestral":
        x = SOLVERS["euler_ancestral"](denoise, start, sigmas, noise)
    elif wrong == "late noise":
        x = SOLVERS["euler_ancestral"](denoise, start, sigmas, lambda i: noise(i + 1))
    elif wrong == "forgetful":
        x = SOLVERS["dpmpp_2m"](denoise, start, sigmas[:6], noise)
        x = SOLVERS["dpmpp_2m"](denoise, x, sigmas[5:], noise)
    else:
        x = SOLVERS["dpmpp_2m"](denoise, start, sigmas, noise)
    assert float((x - expected).abs().max()) > 1e-4


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
        ("EulerAncestralDiscreteScheduler", LATENT),
        ("DPMSolverMultistepScheduler", LATENT | {"solver_order": 3}),
        (
            "DDIMScheduler",
            ZERO_SNR,
        ),
    ],
)
def test_single_precision_suffices_even_from_pure_noise(name: str, config: dict[str, Any]) -> None:
    sampling = from_config(NO_CLIP | config, name)
    x = solved(sampling, 10, single)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.double(), solved(sampling, 10), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(NETWORK.keys() - {"DPMSolverSDEScheduler"}))
def test_keys_and_defaults_are_those_of_diffusers(name: str) -> None:
    parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
    theirs = {key: p.default for key, p in parameters.items() if key not in ("self", "args", "kwargs")}
    ours = NETWORK[name] | SOLVER.get(name, {})
    assert {key: theirs.get(key) for key in ours} == ours
    if name in SOLVER:
        assert ours.keys() == theirs.keys()
