"""The keys of a ``scheduler_config.json``: which a class reads, its defaults, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from geoinfinite.errors import WorldError

_TRAINING = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
}
_LATENT_BETAS = {"beta_start": 0.00085, "beta_end": 0.012}
_CLIP = {"clip_sample": True, "clip_sample_range": 1.0}
_THRESHOLD = {"thresholding": False, "dynamic_thresholding_ratio": 0.995, "sample_max_value": 1.0}
_SPACED = {"timestep_spacing": "leading", "steps_offset": 0}
_ZERO_SNR = {"rescale_betas_zero_snr": False}
_CURVES = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_SINGLESTEP = (
    _TRAINING
    | _THRESHOLD
    | _CURVES
    | {
        "solver_order": 2,
        "algorithm_type": "dpmsolver++",
        "solver_type": "midpoint",
        "lower_order_final": True,
        "use_flow_sigmas": False,
        "flow_shift": 1.0,
        "final_sigmas_type": "zero",
        "lambda_min_clipped": -inf,
        "variance_type": None,
        "use_dynamic_shifting": False,
        "time_shift_type": "exponential",
    }
)
_LINSPACE = _SPACED | {"timestep_spacing": "linspace"}

DEFAULTS: dict[str, dict[str, Any]] = {
    "DDIMScheduler": _TRAINING | _CLIP | _THRESHOLD | _SPACED | _ZERO_SNR | {"set_alpha_to_one": True},
    "DDPMScheduler": _TRAINING | _CLIP | _THRESHOLD | _SPACED | _ZERO_SNR | {"variance_type": "fixed_small"},
    "LCMScheduler": _TRAINING
    | _LATENT_BETAS
    | _CLIP
    | _THRESHOLD
    | _SPACED
    | _ZERO_SNR
    | {
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
        "set_alpha_to_one": True,
        "original_inference_steps": 50,
        "timestep_scaling": 10.0,
    },
    "EulerDiscreteScheduler": _TRAINING
    | _LINSPACE
    | _CURVES
    | _ZERO_SNR
    | {
        "interpolation_type": "linear",
        "sigma_min": None,
        "sigma_max": None,
        "timestep_type": "discrete",
        "final_sigmas_type": "zero",
    },
    "EulerAncestralDiscreteScheduler": _TRAINING | _LINSPACE | _ZERO_SNR,
    "HeunDiscreteScheduler": _TRAINING | _LATENT_BETAS | _LINSPACE | _CURVES | _CLIP | {"clip_sample": False},
    "DPMSolverMultistepScheduler": _SINGLESTEP
    | _LINSPACE
    | _ZERO_SNR
    | {"euler_at_final": False, "use_lu_lambdas": False},
    # The order at the end is 1 whatever it says: the last step goes to 0.
    "DPMSolverSinglestepScheduler": _SINGLESTEP | {"lower_order_final": False},
    "FlowMatchEulerDiscreteScheduler": _CURVES
    | {
        "num_train_timesteps": 1000,
        "shift": 1.0,
        "use_dynamic_shifting": False,
        "base_shift": 0.5,
        "max_shift": 1.15,
        "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
        "invert_sigmas": False,
        "shift_terminal": None,
        "time_shift_type": "exponential",
        "stochastic_sampling": False,
    },
}
"""Class name -> key -> diffusers' default. A key of another class is, as in diffusers, not read."""

_ELSEWHERE = {"skip_prk_steps", "predict_x0", "disable_corrector", "solver_p", "lower_order_nums"}
_KNOWN = {key for keys in DEFAULTS.values() for key in keys} | _ELSEWHERE

_ONLY: dict[str, tuple[tuple[Any, ...], str]] = {
    "thresholding": ((False,), "set it to false, or clip_sample to true with DDPMScheduler"),
    "use_beta_sigmas": ((False,), "set it to false; use_karras_sigmas or use_exponential_sigmas come near"),
    "use_lu_lambdas": ((False,), "set it to false; use_exponential_sigmas spaces log(sigma) evenly too"),
    "use_flow_sigmas": ((False,), "read it as class_name='FlowMatchEulerDiscreteScheduler' with its shift"),
    "use_dynamic_shifting": ((False,), "set it to false, and shift to that of your tile's size"),
    "invert_sigmas": ((False,), "set it to false and invert the network's time in its adapter"),
    "shift_terminal": ((None,), "set it to null"),
    "interpolation_type": (
        ("linear",),
        "set it to 'linear', and use_exponential_sigmas to true",
    ),
    "lambda_min_clipped": ((-inf,), "set it to -inf, and timestep_spacing to 'leading' to avoid full noise"),
    "algorithm_type": (("dpmsolver++",), "set it to 'dpmsolver++', or read it as class_name='DDIMScheduler'"),
    "solver_type": (("midpoint",), "set it to 'midpoint'"),
    "timestep_spacing": (("leading", "trailing", "linspace"), "set it to 'trailing'"),
    "timestep_type": (("discrete", "continuous"), "set it to 'discrete'"),
    "prediction_type": (("epsilon", "v_prediction", "sample"), "set it to what the network predicts"),
}
_CUT = (
    (False,),
    "its timesteps are cut to whole numbers, the first by one to rounding errors: set it to false and "
    "use_karras_sigmas to true",
)
_ONLY_OF_CLASS: dict[tuple[str, str], tuple[tuple[Any, ...], str]] = {
    ("DDIMScheduler", "clip_sample"): (
        (False,),
        "DDIM clips x0 but not the noise that belongs to it: set it to false, or read it as "
        "class_name='DDPMScheduler', which clips both",
    ),
    ("DDIMScheduler", "timestep_spacing"): (
        ("leading", "trailing"),
        "a DDIM step of diffusers does not end where the next begins with it: set it to 'trailing'",
    ),
    ("DDPMScheduler", "timestep_spacing"): (
        ("leading", "trailing"),
        "a DDPM step of diffusers does not end where the next begins with it: set it to 'trailing'",
    ),
    ("DDPMScheduler", "variance_type"): (
        ("fixed_small", "fixed_small_log"),
        "set it to 'fixed_small', or read it as class_name='DDIMScheduler'",
    ),
    ("DPMSolverMultistepScheduler", "variance_type"): ((None,), "set it to null and drop those channels"),
    ("DPMSolverSinglestepScheduler", "variance_type"): ((None,), "set it to null and drop those channels"),
    ("DPMSolverMultistepScheduler", "final_sigmas_type"): (("zero",), "set it to 'zero'"),
    ("DPMSolverSinglestepScheduler", "final_sigmas_type"): (("zero",), "set it to 'zero'"),
    ("DPMSolverMultistepScheduler", "use_exponential_sigmas"): _CUT,
    ("DPMSolverSinglestepScheduler", "use_exponential_sigmas"): _CUT,
    ("EulerDiscreteScheduler", "final_sigmas_type"): (("zero", "sigma_min"), "set it to 'zero'"),
    ("FlowMatchEulerDiscreteScheduler", "use_karras_sigmas"): ((False,), "set it to false"),
    ("FlowMatchEulerDiscreteScheduler", "use_exponential_sigmas"): ((False,), "set it to false"),
}


def check_keys(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that a class reads, with its defaults, or refuse what would change pixels."""
    if name not in DEFAULTS:
        raise WorldError(
            f"_class_name={name!r} is not one of {', '.join(DEFAULTS)}; read the file as one of them, as in "
            "class_name='DPMSolverMultistepScheduler' or 'DDIMScheduler': the noise schedule stays"
        )
    defaults = DEFAULTS[name]
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    for key in given:
        if key not in _KNOWN:
            raise WorldError(
                f"{key}={given[key]!r} is not a key of {name} known here; remove it if no pixel depends on it"
            )
    keys = defaults | {key: value for key, value in given.items() if key in defaults}
    for key, value in keys.items():
        allowed, remedy = _ONLY_OF_CLASS.get((name, key)) or _ONLY.get(key) or ((value,), "")
        if value not in allowed:
            raise WorldError(f"{key}={value!r} of {name} is not supported; {remedy}")
    _check_together(name, keys)
    return keys


def _check_together(name: str, keys: Mapping[str, Any]) -> None:
    cut = keys.get("use_karras_sigmas") and "solver_order" in keys
    if cut and keys["beta_schedule"] == "squaredcos_cap_v2":
        raise WorldError(
            f"use_karras_sigmas=True of {name} is not supported with beta_schedule='squaredcos_cap_v2': "
            f"{_CUT[1].split(':')[0]}; set it to false"
        )
    if keys.get("rescale_betas_zero_snr") and keys["prediction_type"] == "epsilon":
        raise WorldError(
            f"prediction_type='epsilon' of {name} says nothing where rescale_betas_zero_snr=True leaves no "
            "signal; set that to false, or prediction_type to what the network was trained on"
        )
