"""The keys of a ``scheduler_config.json``: which a class reads, their types, their defaults.

Two questions are asked of one file. `NETWORK` keys say what the network was trained on and how it is told of
noise: they hold whatever solver calls it. `SOLVER` keys say which sigmas are visited and how: they matter to
those who ask for the checkpoint's own solver or schedule. A key that a class of diffusers does not read
changes nothing there and is ignored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from geoinfinite.errors import WorldError
from geoinfinite.models.diffusers.scheduler.honoured import (
    CUT,
    FLOW_ONLY,
    NETWORK_ONLY,
    SOLVER_ONLY,
    SOLVER_ONLY_OF_CLASS,
    Allowed,
)
from geoinfinite.models.schema import (
    FLAG,
    Anything,
    Either,
    ListOf,
    Number,
    Rule,
    Text,
    Whole,
    optional,
    shortened,
)

TIMESTEPS = Whole(1, 100_000)
_RATIO, _SIGMA = Number(0, 1), optional(Number(0, 1e6, positive=True))

RULES: dict[str, Rule] = {
    "num_train_timesteps": TIMESTEPS,
    "beta_start": Number(0, 1, positive=True),
    "beta_end": Number(0, 1, positive=True),
    "beta_schedule": Text(),
    "trained_betas": optional(ListOf(Number(0, 1), 1, 100_000)),
    "prediction_type": Text(),
    "rescale_betas_zero_snr": FLAG,
    "snr_shift_scale": Number(0, 1e6, positive=True),
    "clip_sample": FLAG,
    "clip_sample_range": Number(0, 1e6, positive=True),
    "thresholding": FLAG,
    "dynamic_thresholding_ratio": _RATIO,
    "sample_max_value": Number(0, 1e6, positive=True),
    "timestep_type": Text(),
    "timestep_scaling": Number(0, 1e6, positive=True),
    "interpolation_type": Text(),
    "invert_sigmas": FLAG,
    "use_flow_sigmas": FLAG,
    "variance_type": optional(Text()),
    "set_alpha_to_one": FLAG,
    "timestep_spacing": Text(),
    "steps_offset": Whole(0, 100_000),
    "use_karras_sigmas": optional(FLAG),
    "use_exponential_sigmas": optional(FLAG),
    "use_beta_sigmas": optional(FLAG),
    "use_lu_lambdas": optional(FLAG),
    "sigma_min": _SIGMA,
    "sigma_max": _SIGMA,
    "final_sigmas_type": Text(),
    "original_inference_steps": Whole(1, 100_000),
    "solver_order": Whole(1, 16),
    "algorithm_type": Text(),
    "solver_type": Text(),
    "lower_order_final": FLAG,
    "euler_at_final": FLAG,
    "skip_prk_steps": FLAG,
    "predict_x0": FLAG,
    "disable_corrector": ListOf(Whole(0, 100_000), 0, 100_000),
    "solver_p": Anything(),
    "flow_shift": optional(Number(0, 1e6, positive=True)),
    # Written as a number and, by other writers of JSON, as a string.
    "lambda_min_clipped": Either(Number(-inf, inf), Text()),
    "use_dynamic_shifting": FLAG,
    "time_shift_type": Text(),
    "shift": optional(Number(0, 1e6, positive=True)),
    "base_shift": Anything(),
    "max_shift": Anything(),
    "base_image_seq_len": Anything(),
    "max_image_seq_len": Anything(),
    "shift_terminal": optional(_RATIO),
    "stochastic_sampling": FLAG,
}
"""What the values of every key must be, in any class."""

_TRAINING: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
}
_K_DIFFUSION = _TRAINING | {"beta_start": 0.00085, "beta_end": 0.012}
_LATENT = _K_DIFFUSION | {"beta_schedule": "scaled_linear"}
_CLIP = {"clip_sample": True, "clip_sample_range": 1.0}
_NO_CLIP = _CLIP | {"clip_sample": False}
_THRESHOLD = {"thresholding": False, "dynamic_thresholding_ratio": 0.995, "sample_max_value": 1.0}
_ZERO_SNR = {"rescale_betas_zero_snr": False}
_COG = _LATENT | _ZERO_SNR | {"snr_shift_scale": 3.0}
_FLOW_SIGMAS = {"use_flow_sigmas": False}
_CURVES = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_DPM = _TRAINING | _THRESHOLD | _FLOW_SIGMAS | _CURVES | {"variance_type": None}

NETWORK: dict[str, dict[str, Any]] = {
    "DDIMScheduler": _TRAINING | _CLIP | _THRESHOLD | _ZERO_SNR,
    "DDPMScheduler": _TRAINING | _CLIP | _THRESHOLD | _ZERO_SNR | {"variance_type": "fixed_small"},
    "LCMScheduler": _LATENT | _NO_CLIP | _THRESHOLD | _ZERO_SNR | {"timestep_scaling": 10.0},
    "EulerDiscreteScheduler": _TRAINING
    | _ZERO_SNR
    | _CURVES
    | {"interpolation_type": "linear", "timestep_type": "discrete"},
    "EulerAncestralDiscreteScheduler": _TRAINING | _ZERO_SNR,
    "HeunDiscreteScheduler": _K_DIFFUSION | _NO_CLIP | _CURVES,
    "DPMSolverMultistepScheduler": _DPM | _ZERO_SNR,
    "DPMSolverSinglestepScheduler": _DPM,
    "FlowMatchEulerDiscreteScheduler": {"num_train_timesteps": 1000, "invert_sigmas": False},
    "PNDMScheduler": _TRAINING,
    "UniPCMultistepScheduler": _TRAINING | _THRESHOLD | _ZERO_SNR | _FLOW_SIGMAS,
    # Their solvers are not offered, their networks can be asked all the same.
    "DEISMultistepScheduler": _TRAINING | _THRESHOLD | _FLOW_SIGMAS,
    "SASolverScheduler": _DPM,
    "LMSDiscreteScheduler": _TRAINING,
    "KDPM2DiscreteScheduler": _K_DIFFUSION,
    "KDPM2AncestralDiscreteScheduler": _K_DIFFUSION,
    "DPMSolverSDEScheduler": _K_DIFFUSION,
    "DDIMParallelScheduler": _TRAINING | _CLIP | _THRESHOLD | _ZERO_SNR,
    "DDPMParallelScheduler": _TRAINING | _CLIP | _THRESHOLD | _ZERO_SNR | {"variance_type": "fixed_small"},
    "TCDScheduler": _LATENT | _THRESHOLD | _ZERO_SNR,
    "CogVideoXDDIMScheduler": _COG,
    "CogVideoXDPMScheduler": _COG,
    "FlowMatchHeunDiscreteScheduler": {"num_train_timesteps": 1000},
    "FlowMatchLCMScheduler": {"num_train_timesteps": 1000, "invert_sigmas": False},
}
"""Class -> key -> diffusers' default, of all that a network is told and answers."""

_SPACED = {"timestep_spacing": "leading", "steps_offset": 0}
_LINSPACE = _SPACED | {"timestep_spacing": "linspace"}
_DPM_SOLVER = {
    "solver_order": 2,
    "algorithm_type": "dpmsolver++",
    "solver_type": "midpoint",
    "lower_order_final": True,
    "flow_shift": 1.0,
    "final_sigmas_type": "zero",
    "lambda_min_clipped": -inf,
    "use_dynamic_shifting": False,
    "time_shift_type": "exponential",
}

SOLVER: dict[str, dict[str, Any]] = {
    "DDIMScheduler": _SPACED | {"set_alpha_to_one": True},
    "DDPMScheduler": _SPACED,
    "LCMScheduler": _SPACED | {"set_alpha_to_one": True, "original_inference_steps": 50},
    "EulerDiscreteScheduler": _LINSPACE | {"sigma_min": None, "sigma_max": None, "final_sigmas_type": "zero"},
    "EulerAncestralDiscreteScheduler": _LINSPACE,
    "HeunDiscreteScheduler": _LINSPACE,
    "DPMSolverMultistepScheduler": _DPM_SOLVER
    | _LINSPACE
    | {"euler_at_final": False, "use_lu_lambdas": False},
    # The order at the end is 1 whatever it says: the last step goes to 0.
    "DPMSolverSinglestepScheduler": _DPM_SOLVER | {"lower_order_final": False},
    "PNDMScheduler": _SPACED | {"skip_prk_steps": False, "set_alpha_to_one": False},
    "UniPCMultistepScheduler": _CURVES
    | _LINSPACE
    | {
        "solver_order": 2,
        "solver_type": "bh2",
        "predict_x0": True,
        "lower_order_final": True,
        "disable_corrector": [],
        "solver_p": None,
        "sigma_min": None,
        "sigma_max": None,
        "final_sigmas_type": "zero",
        "flow_shift": 1.0,
        "use_dynamic_shifting": False,
        "time_shift_type": "exponential",
        "shift_terminal": None,
    },
    "FlowMatchEulerDiscreteScheduler": _CURVES
    | {
        "shift": 1.0,
        "use_dynamic_shifting": False,
        "base_shift": 0.5,
        "max_shift": 1.15,
        "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
        "shift_terminal": None,
        "time_shift_type": "exponential",
        "stochastic_sampling": False,
    },
}
"""The same of all that a solve visits, for the classes whose pixels are drawn here."""


def network_keys(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says of the network, with the class's defaults; refuse what is not understood.

    Raises `WorldError` with the key, the value, the rule and the remedy.
    """
    if name not in NETWORK:
        raise WorldError(
            f"_class_name={shortened(name)} is no scheduler whose noise is known here: only "
            "variance-preserving and flow-matching networks are read; write the scheduler_config.json of a "
            "DDIMScheduler or FlowMatchEulerDiscreteScheduler with the same noise"
        )
    keys = _typed(NETWORK[name], config)
    flow = {"prediction_type": FLOW_ONLY} if keys.get("use_flow_sigmas") else {}
    _check(name, keys, NETWORK_ONLY | flow)
    if keys.get("rescale_betas_zero_snr") and keys["prediction_type"] == "epsilon":
        raise WorldError(
            f"prediction_type='epsilon' of {name} says nothing where rescale_betas_zero_snr=true leaves no "
            "signal; set that to false, or prediction_type to what the network was trained on"
        )
    return keys


def solver_keys(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says of the solve, with the class's defaults; refuse what would change pixels."""
    if name not in SOLVER:
        raise WorldError(
            f"_class_name={shortened(name)} is not one of {', '.join(SOLVER)}; read the file as one of them, "
            "as in class_name='DPMSolverMultistepScheduler' or 'DDIMScheduler': the noise schedule stays"
        )
    keys = _typed(NETWORK[name] | SOLVER[name], config)
    of_class = {key: allowed for (owner, key), allowed in SOLVER_ONLY_OF_CLASS.items() if owner == name}
    _check(name, keys, SOLVER_ONLY | of_class)
    cut = keys.get("use_karras_sigmas") and "solver_order" in keys
    if cut and keys["beta_schedule"] == "squaredcos_cap_v2":
        raise WorldError(
            f"use_karras_sigmas=true of {name} is not supported with beta_schedule='squaredcos_cap_v2': "
            f"{CUT[1].split(':')[0]}; set it to false"
        )
    return keys


def _typed(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    keys = dict(defaults)
    for key in defaults.keys() & config.keys():
        if not RULES[key].allows(config[key]):
            raise WorldError(f"{key}={shortened(config[key])} must be {RULES[key].says}; correct it")
        keys[key] = config[key]
    return keys


def _check(name: str, keys: Mapping[str, Any], rules: Mapping[str, Allowed]) -> None:
    for key, (allowed, remedy) in rules.items():
        if key in keys and keys[key] not in allowed:
            raise WorldError(f"{key}={shortened(keys[key])} of {name} is not supported; {remedy}")
