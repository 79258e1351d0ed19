"""The values of a ``scheduler_config.json`` that are honoured, and what to write instead of the others."""

from __future__ import annotations

from math import inf
from typing import Any

Allowed = tuple[tuple[Any, ...], str]
"""Values of a key that are honoured, and what to write instead of another one."""

NETWORK_ONLY: dict[str, Allowed] = {
    "thresholding": ((False,), "overlapping tiles would disagree: set it to false, and clip_sample to true"),
    "interpolation_type": (("linear",), "set it to 'linear', and use_exponential_sigmas to true"),
    "timestep_type": (("discrete", "continuous"), "set it to 'discrete'"),
    "invert_sigmas": ((False,), "set it to false and invert the network's time in its adapter"),
    "prediction_type": (("epsilon", "v_prediction", "sample"), "set it to what the network predicts"),
}
FLOW_ONLY: Allowed = (("flow_prediction",), "set it to 'flow_prediction', or use_flow_sigmas to false")
_OFF = (False, None)
SOLVER_ONLY: dict[str, Allowed] = {
    "use_beta_sigmas": (_OFF, "set it to false; use_karras_sigmas or use_exponential_sigmas come near"),
    "use_lu_lambdas": (_OFF, "set it to false; use_exponential_sigmas spaces log(sigma) evenly too"),
    "use_flow_sigmas": ((False,), "read it as class_name='FlowMatchEulerDiscreteScheduler' with its shift"),
    "use_dynamic_shifting": ((False,), "set it to false, and shift to that of your tile's size"),
    "shift_terminal": ((None,), "set it to null"),
    "lambda_min_clipped": (
        (-inf, "-inf", "-Infinity"),
        "set it to -inf, and timestep_spacing to 'leading' to avoid full noise",
    ),
    "algorithm_type": (("dpmsolver++",), "set it to 'dpmsolver++', or read it as class_name='DDIMScheduler'"),
    "solver_type": (("midpoint",), "set it to 'midpoint'"),
    "timestep_spacing": (("leading", "trailing", "linspace"), "set it to 'trailing'"),
}
CUT = (
    _OFF,
    "its timesteps are cut to whole numbers, the first by one to rounding errors: set it to false and "
    "use_karras_sigmas to true",
)
_READ_AS_BH2 = ("midpoint", "heun", "logrho")
"""Types of other solvers, which diffusers takes for 'bh2' where a file is read as UniPC."""
SOLVER_ONLY_OF_CLASS: dict[tuple[str, str], Allowed] = {
    ("DDPMScheduler", "variance_type"): (
        ("fixed_small", "fixed_small_log"),
        "set it to 'fixed_small', or read it as class_name='DDIMScheduler'",
    ),
    ("DPMSolverMultistepScheduler", "variance_type"): ((None,), "set it to null and drop those channels"),
    ("DPMSolverSinglestepScheduler", "variance_type"): ((None,), "set it to null and drop those channels"),
    ("DPMSolverMultistepScheduler", "final_sigmas_type"): (("zero",), "set it to 'zero'"),
    ("DPMSolverSinglestepScheduler", "final_sigmas_type"): (("zero",), "set it to 'zero'"),
    ("DPMSolverMultistepScheduler", "use_exponential_sigmas"): CUT,
    ("DPMSolverSinglestepScheduler", "use_exponential_sigmas"): CUT,
    ("PNDMScheduler", "skip_prk_steps"): (
        (True,),
        "its Runge-Kutta steps are not offered: set it to true, or read it as class_name='DDIMScheduler'",
    ),
    ("PNDMScheduler", "prediction_type"): (
        ("epsilon", "v_prediction"),
        "the class has no such step: read it as class_name='DDIMScheduler'",
    ),
    ("UniPCMultistepScheduler", "solver_type"): (
        ("bh2", *_READ_AS_BH2),
        "set it to 'bh2', which its authors advise for 10 steps and more",
    ),
    ("UniPCMultistepScheduler", "solver_order"): ((1, 2, 3), "set it to 2 or 3"),
    ("UniPCMultistepScheduler", "predict_x0"): ((True,), "set it to true"),
    ("UniPCMultistepScheduler", "disable_corrector"): (([],), "set it to []"),
    ("UniPCMultistepScheduler", "solver_p"): ((None,), "set it to null"),
    ("UniPCMultistepScheduler", "use_exponential_sigmas"): CUT,
    ("UniPCMultistepScheduler", "final_sigmas_type"): (("zero", "sigma_min"), "set it to 'zero'"),
    ("EulerDiscreteScheduler", "final_sigmas_type"): (("zero", "sigma_min"), "set it to 'zero'"),
    ("FlowMatchEulerDiscreteScheduler", "use_karras_sigmas"): (_OFF, "set it to false"),
    ("FlowMatchEulerDiscreteScheduler", "use_exponential_sigmas"): (_OFF, "set it to false"),
    ("FlowMatchEulerDiscreteScheduler", "use_beta_sigmas"): (_OFF, "set it to false"),
}
