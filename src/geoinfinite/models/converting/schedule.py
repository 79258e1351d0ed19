"""What a latent diffusion model was trained on: diffusers' scheduler file from an ldm project's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.converting.parts import Tensors
from geoinfinite.models.converting.settings import checked
from geoinfinite.models.schema import Number, OneOf, Rule, Whole

BUFFERS = (
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "lvlb_weights",
    "logvar",
)
"""Tensors of a whole model that follow from its settings, and that no part is made of."""
PREDICTIONS = {"eps": "epsilon", "v": "v_prediction", "x0": "sample"}
"""What ldm and diffusers call what a network answers."""
CLOSE = 1e-5
_SCHEDULES = {"linear": "scaled_linear", "sqrt_linear": "linear"}
"""What ldm and diffusers call how betas grow: ldm's ``linear`` is that of their square roots."""


def scheduler_json(
    params: Mapping[str, Any], buffers: Mapping[str, Tensor], prediction: str | None = None
) -> dict[str, Any]:
    """Return what becomes ``scheduler_config.json``, from the settings ``model.params``.

    ``buffers`` are those of `BUFFERS` that the file holds: ``betas`` and ``alphas_cumprod`` must be those of
    the settings to 1e-5. ``prediction`` is diffusers' word for what the network answers, for systems whose
    settings do not say it. Raises `ModelError` naming the key or the tensor.
    """
    rules: dict[str, Rule] = {
        "linear_start": Number(0, 1, positive=True),
        "linear_end": Number(0, 1, positive=True),
        "timesteps": Whole(1, 100_000),
        "beta_schedule": OneOf(tuple(_SCHEDULES)),
        "parameterization": OneOf(
            tuple(PREDICTIONS)
            if prediction is None
            else tuple(old for old, new in PREDICTIONS.items() if new == prediction)
        ),
    }
    said = checked(params, rules, ("linear_start", "linear_end"))
    steps = said.get("timesteps", 1000)
    schedule = _SCHEDULES[said.get("beta_schedule", "linear")]
    betas = _betas(float(said["linear_start"]), float(said["linear_end"]), steps, schedule)
    _compare(Tensors.of(buffers), {"betas": betas, "alphas_cumprod": torch.cumprod(1 - betas, 0)})
    return {
        "_class_name": "DDIMScheduler",
        "beta_end": said["linear_end"],
        "beta_schedule": schedule,
        "beta_start": said["linear_start"],
        "clip_sample": False,
        "num_train_timesteps": steps,
        "prediction_type": prediction or PREDICTIONS[said.get("parameterization", "eps")],
        "set_alpha_to_one": False,
        "steps_offset": 1,
    }


def scale_factor(params: Mapping[str, Any], buffers: Mapping[str, Tensor]) -> float:
    """Return what codes are multiplied by for the network: as the file holds it, or as the settings say.

    >>> scale_factor({"scale_factor": 0.18215}, {}), scale_factor({}, {})
    (0.18215, 1.0)
    """
    held = Tensors.of(buffers)
    if "scale_factor" in held:
        value = held["scale_factor"]
        if value.numel() != 1 or not 0 < float(value) < 1e6:
            raise held.misfit("scale_factor", "is no number above 0")
        return float(value)
    said = checked(params, {"scale_factor": Number(0, 1e6, positive=True)}, ())
    return float(said.get("scale_factor", 1.0))


def _betas(start: float, end: float, steps: int, schedule: str) -> Tensor:
    if schedule == "linear":
        return torch.linspace(start, end, steps, dtype=torch.float64)
    return torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2


def _compare(held: Tensors, wanted: Mapping[str, Tensor]) -> None:
    """Raise `ModelError` unless buffers are those of the settings."""
    for name, values in wanted.items():
        if name not in held:
            continue
        found = held[name]
        if found.shape != values.shape:
            raise held.misfit(name, f"has shape {list(found.shape)}, and timesteps={len(values)}")
        apart = float((found.double() - values).abs().max())
        if not apart <= CLOSE:
            raise held.misfit(name, f"is {apart:.1g} from that of linear_start, linear_end and timesteps")
