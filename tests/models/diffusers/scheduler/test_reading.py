"""What a scheduler_config.json may say: honoured, or refused with the key, the value and the remedy."""

import json
import pickle
from itertools import pairwise
from math import hypot
from typing import Any

import numpy as np
import pytest

from geoinfinite.errors import WorldError
from geoinfinite.models import from_config
from geoinfinite.models.diffusers.scheduler.betas import betas, trained_sigmas
from geoinfinite.models.diffusers.scheduler.keys import SOLVER
from geoinfinite.models.diffusers.scheduler.reading import READERS, checkpoint_sampling
from geoinfinite.models.diffusers.scheduler.training_noise import ADAPTERS
from geoinfinite.samplers import SOLVERS

# As published with Stable Diffusion 1.5.
PNDM = json.loads(
    """{"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
    "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null,
    "clip_sample": false}"""
)
DDIM = {"_class_name": "DDIMScheduler", "clip_sample": False}


PLAIN = {"clip_sample": False, "steps_offset": 1, "set_alpha_to_one": True, "skip_prk_steps": True}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("steps", [2, 4, 10, 25])
def test_every_class_gives_a_schedule(name: str, steps: int) -> None:
    sampling = from_config(PLAIN, name)
    sigmas = sampling.sigmas(steps)
    assert len(sigmas) == steps + 1
    assert sigmas[-1] == 0
    assert all(type(sigma) is float for sigma in sigmas)
    assert all(a > b for a, b in pairwise(sigmas))
    assert list(sampling.timesteps(steps)) == sorted(sampling.timesteps(steps), reverse=True)
    assert sampling.solver in SOLVERS
    assert sampling.prediction in ADAPTERS
    assert (sampling.eta is not None) == (SOLVERS[sampling.solver].eta is not None)
    assert pickle.loads(pickle.dumps(sampling)) == sampling
    assert hash(sampling) == hash(from_config(PLAIN, name))


def test_every_class_has_keys_and_a_reader() -> None:
    assert SOLVER.keys() == READERS.keys()


def test_a_file_is_read_as_another_class_with_its_noise_schedule() -> None:
    with pytest.raises(WorldError, match=r"_class_name='TCDScheduler' is not one of DDIM.*class_name="):
        from_config(PNDM | {"_class_name": "TCDScheduler"})
    assert checkpoint_sampling(PNDM) == from_config(PNDM)
    assert (from_config(PNDM).solver, from_config(PNDM).eta) == ("plms", None)
    assert checkpoint_sampling(PNDM, "UniPCMultistepScheduler").solver == "unipc"
    sampling = from_config(PNDM, class_name="DDIMScheduler")
    assert sampling.timesteps(4) == (751, 501, 251, 1)
    lowest = sampling.sigmas(4)[-1]
    assert lowest == pytest.approx((1 / (1 - 0.00085) - 1) ** 0.5)
    assert sampling.end(4) == pytest.approx(1 / hypot(1, lowest))
    assert from_config(PNDM, class_name="DPMSolverMultistepScheduler").solver == "dpmpp_2m"


def test_timesteps_reach_the_network_as_it_was_trained() -> None:
    told = []

    def network(z: Any, t: Any) -> Any:
        told.append(t)
        return z

    sampling = from_config(DDIM | {"steps_offset": 1})
    sigmas = sampling.sigmas(5)
    SOLVERS["ddim"](sampling.denoiser(network), 1.0, sigmas, None)
    assert told == [801, 601, 401, 201, 1]
    assert all(type(t) is int for t in told)


def test_timesteps_between_levels_are_interpolated() -> None:
    sampling = from_config({"_class_name": "EulerDiscreteScheduler"})
    np.testing.assert_allclose(sampling.timesteps(7), np.linspace(999, 0, 7), atol=1e-9)
    karras = from_config({"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True})
    sigma = (karras.trained[10] * karras.trained[11]) ** 0.5
    assert karras.timestep_of(sigma) == pytest.approx(10.5)


def test_levels_of_training_are_rising_and_end_without_signal_if_asked() -> None:
    plain, zero = (trained_sigmas(betas("linear", 50, 0.001, 0.2), zero_snr=snr) for snr in (False, True))
    assert all(a < b for a, b in pairwise(plain))
    assert all(a < b for a, b in pairwise(zero))
    assert zero[0] == pytest.approx(plain[0])
    assert zero[-1] == pytest.approx(1e6)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "_class_name='' is not one of DDIMScheduler"),
        ({"thresholding": True}, "thresholding=True of DDIMScheduler .* set it to false"),
        ({"timestep_spacing": "odd"}, "timestep_spacing='odd' of DDIMScheduler"),
        ({"prediction_type": "score"}, "prediction_type='score' of DDIMScheduler .* what the network"),
        ({"beta_schedule": "cubic"}, "beta_schedule='cubic' is not .* trained_betas"),
        ({"trained_betas": [0.1, 0.2]}, "trained_betas has 2 values, num_train_timesteps=1000"),
        (
            {"trained_betas": [0.1, -0.2], "num_train_timesteps": 2},
            r"trained_betas=\[0.1, -0.2\] must be null, or a list of 1 to 100000 values, each a number",
        ),
        (
            {"trained_betas": [0.1, 1.0], "num_train_timesteps": 2},
            "betas must be numbers between 0 and 1",
        ),
        ({"rescale_betas_zero_snr": True}, "prediction_type='epsilon' of DDIMScheduler says nothing"),
    ],
)
def test_settings_of_ddim_that_are_not_honoured_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        from_config(DDIM | config if config else {})


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("DDPMScheduler", {"variance_type": "fixed_large"}, "variance_type='fixed_large' .* 'fixed_small'"),
        ("DDPMScheduler", {"variance_type": "learned_range"}, "variance_type='learned_range'"),
        ("EulerDiscreteScheduler", {"use_beta_sigmas": True}, "use_beta_sigmas=True .* use_karras"),
        ("EulerDiscreteScheduler", {"interpolation_type": "log_linear"}, "interpolation_type='log_linear'"),
        (
            "EulerDiscreteScheduler",
            {"use_karras_sigmas": True, "use_exponential_sigmas": True},
            "use_karras_sigmas and use_exponential_sigmas are both true",
        ),
        ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, "algorithm_type='sde"),
        ("DPMSolverMultistepScheduler", {"solver_type": "heun"}, "solver_type='heun' .* 'midpoint'"),
        ("DPMSolverMultistepScheduler", {"solver_order": 4}, "solver_order=4 is not one of 1, 2, 3"),
        ("DPMSolverSinglestepScheduler", {"solver_order": 3}, "solver_order=3 is not one of 1, 2 "),
        ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True}, "use_lu_lambdas=True"),
        ("DPMSolverMultistepScheduler", {"use_flow_sigmas": True}, "use_flow_sigmas=True .*'FlowMatch"),
        ("DPMSolverMultistepScheduler", {"lambda_min_clipped": -5.1}, "lambda_min_clipped=-5.1"),
        ("DPMSolverMultistepScheduler", {"final_sigmas_type": "sigma_min"}, "final_sigmas_type='sigma_min'"),
        ("DPMSolverMultistepScheduler", {"use_exponential_sigmas": True}, "use_exponential_sigmas=True"),
        (
            "DPMSolverMultistepScheduler",
            {"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"},
            "use_karras_sigmas=true .* beta_schedule='squaredcos_cap_v2'",
        ),
        (
            "DPMSolverMultistepScheduler",
            {"solver_order": 3, "lower_order_final": False},
            "lower_order_final=false .* set it to true",
        ),
        ("FlowMatchEulerDiscreteScheduler", {"use_dynamic_shifting": True}, "use_dynamic_shifting=True"),
        ("FlowMatchEulerDiscreteScheduler", {"shift_terminal": 0.1}, "shift_terminal=0.1"),
        ("FlowMatchEulerDiscreteScheduler", {"invert_sigmas": True}, "invert_sigmas=True"),
        ("KDPM2DiscreteScheduler", {}, "_class_name='KDPM2DiscreteScheduler' .* class_name='DPMSolver"),
        ("PNDMScheduler", {}, "skip_prk_steps=False of PNDM.* set it to true, or .*'DDIMScheduler'"),
        (
            "PNDMScheduler",
            {"skip_prk_steps": True, "prediction_type": "sample"},
            "prediction_type='sample' of PNDM.*class_name='DDIMScheduler'",
        ),
        ("UniPCMultistepScheduler", {"solver_type": "bh1"}, "solver_type='bh1' .* set it to 'bh2'"),
        ("UniPCMultistepScheduler", {"solver_order": 4}, "solver_order=4 of UniPC.* set it to 2 or 3"),
        ("UniPCMultistepScheduler", {"predict_x0": False}, "predict_x0=False .* set it to true"),
        ("UniPCMultistepScheduler", {"disable_corrector": [0]}, r"disable_corrector=\[0\] .* set it to \[\]"),
        ("UniPCMultistepScheduler", {"solver_p": {"a": 1}}, "solver_p={'a': 1} .* set it to null"),
        ("UniPCMultistepScheduler", {"thresholding": True}, "thresholding=True of UniPC"),
        ("UniPCMultistepScheduler", {"use_exponential_sigmas": True}, "use_exponential_sigmas=True"),
        (
            "UniPCMultistepScheduler",
            {"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"},
            "use_karras_sigmas=true of UniPC.* set it to false",
        ),
        ("UniPCMultistepScheduler", {"lower_order_final": False}, "solver_order=2; set it to true"),
        (
            "UniPCMultistepScheduler",
            {"use_karras_sigmas": True, "final_sigmas_type": "sigma_min"},
            "final_sigmas_type='sigma_min' with use_karras_sigmas=true .* set it to 'zero'",
        ),
    ],
)
def test_settings_that_are_not_honoured_are_refused(name: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        from_config({"_class_name": name} | config)


@pytest.mark.parametrize(
    ("name", "config", "steps", "message"),
    [
        (
            "DDIMScheduler",
            {"set_alpha_to_one": False},
            10,
            "last step to .* is none; set steps_offset=1",
        ),
        ("DDIMScheduler", {}, 1001, "steps=1001 must be between 1 and 1000, for the 1000 timesteps"),
        ("DDIMScheduler", {}, 0, "steps=0 must be between 1 and 1000"),
        ("DPMSolverMultistepScheduler", {}, 1000, "steps=1000 must be between 1 and 999"),
        ("EulerDiscreteScheduler", {}, 1, "steps=1 with timestep_spacing='linspace' visits only timestep 0"),
        ("DDIMScheduler", {"timestep_spacing": "trailing"}, 30, "30 .*; take 25 or 40 steps, or set timest"),
        ("DDIMScheduler", {"timestep_spacing": "linspace"}, 10, "steps=10 .* goes down by 100 .*'trailing'"),
        ("DDIMScheduler", {"steps_offset": 1}, 600, "steps=600 .*; take at most 500 steps, or set steps_off"),
        ("PNDMScheduler", {"skip_prk_steps": True}, 10, "last step to .* is none; set steps_offset=1"),
        (
            "PNDMScheduler",
            {"skip_prk_steps": True, "timestep_spacing": "trailing"},
            30,
            "30 .*; take 25 or 40 steps, or set timest",
        ),
        ("UniPCMultistepScheduler", {}, 1000, "steps=1000 must be between 1 and 999"),
        ("LCMScheduler", {}, 51, "steps=51 must be between 1 and original_inference_steps=50"),
        ("FlowMatchEulerDiscreteScheduler", {}, 0, "steps=0 must be between 1 and the 1000"),
    ],
)
def test_impossible_numbers_of_steps_are_refused(
    name: str, config: dict[str, Any], steps: int, message: str
) -> None:
    sampling = from_config({"_class_name": name, "clip_sample": False} | config)
    with pytest.raises(WorldError, match=message):
        sampling.sigmas(steps)


def test_keys_of_other_classes_are_not_read_as_in_diffusers() -> None:
    plain = from_config({"_class_name": "EulerDiscreteScheduler"})
    assert from_config({"_class_name": "EulerDiscreteScheduler", "set_alpha_to_one": False}) == plain
