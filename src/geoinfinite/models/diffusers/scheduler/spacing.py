"""Which of a network's trained sigmas a solve visits: the settings of a checkpoint, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

import numpy as np

from geoinfinite.errors import WorldError
from geoinfinite.models.diffusers.scheduler.betas import PURE_NOISE
from geoinfinite.samplers.schedules import Sigmas, exponential, karras, timesteps

CURVES = {"karras": karras, "exponential": exponential}


@dataclass(frozen=True, slots=True)
class Spacing:
    """Timesteps of training, spaced, and the curve between the first of them and the last."""

    kind: str = "leading"
    """``"leading"``, ``"trailing"`` or ``"linspace"``: as in ``schedules.timesteps``."""
    offset: int = 0
    """Added to leading timesteps."""
    whole: bool = True
    """Timesteps are rounded; else sigma is interpolated between two."""
    spare: bool = False
    """One timestep more is spaced than there are steps, and the lowest of them left out."""
    even: bool = False
    """Steps of the class are ``count // steps`` timesteps long, wherever the next one begins."""
    curve: str | None = None
    """``"karras"`` or ``"exponential"`` instead of the training's own sigmas."""
    wide: bool = False
    """The curve spans all sigmas of training, not those of the spaced timesteps."""
    sigma_min: float | None = None
    """Lower end of the curve, if not the training's."""
    sigma_max: float | None = None
    """Upper end of the curve, if not the training's."""
    ends_at_zero: bool = True
    """The last step goes to 0; else to the lowest sigma of training."""

    def sigmas(self, trained: Sequence[float], steps: int) -> Sigmas:
        """Return the sigmas of a solve: ``steps + 1``, decreasing."""
        visited = np.interp(self._timesteps(len(trained), steps), np.arange(len(trained)), trained)
        if self.curve is not None:
            visited = self._curved(trained, visited, steps)
        last = 0.0 if self.ends_at_zero else trained[0]
        if not all(a > b for a, b in pairwise(visited)):
            raise WorldError(
                f"steps={steps} with timestep_spacing={self.kind!r} visit sigmas that do not fall; "
                "take fewer steps"
            )
        if not visited[-1] > last:
            raise WorldError(
                f"steps={steps} with timestep_spacing={self.kind!r} come down to sigma={visited[-1]:.6g}, "
                f"from where a last step to {last:.6g} is none; set steps_offset=1 or timestep_spacing="
                "'trailing', or end at 0 by set_alpha_to_one=true or final_sigmas_type='zero'"
            )
        return (*(float(sigma) for sigma in visited), last)

    def _timesteps(self, count: int, steps: int) -> list[float]:
        """Return the timesteps of training that a solve visits, first to last."""
        spare = self.spare and self.kind != "trailing"
        if not 1 <= steps <= count - spare:
            raise WorldError(
                f"steps={steps} must be between 1 and {count - spare}, for the {count} timesteps of training"
            )
        if steps == 1 and self.kind == "linspace" and not spare:
            raise WorldError(
                "steps=1 with timestep_spacing='linspace' visits only timestep 0, where no noise is left; "
                "take two steps or more, or set timestep_spacing='trailing'"
            )
        taken = timesteps(steps + spare, count, self.kind, self.offset)[:steps]
        if self.whole:
            taken = [float(round(t)) for t in taken]
        stride = count // steps
        if self.even and (taken[-1] >= stride or any(a - b != stride for a, b in pairwise(taken))):
            raise WorldError(
                f"steps={steps} with timestep_spacing={self.kind!r} do not end where the next begin: this "
                f"class goes down by {stride} timesteps of {count} each; {_remedy(self.kind, count, steps)}"
            )
        return taken

    def _curved(self, trained: Sequence[float], visited: np.ndarray, steps: int) -> np.ndarray:
        low, high = (trained[0], trained[-1]) if self.wide else (visited[-1], visited[0])
        low, high = float(self.sigma_min or low), float(self.sigma_max or high)
        if steps == 1:
            return np.array([high])
        if not low < high:
            raise WorldError(
                f"sigma_min={low:.6g} must be below sigma_max={high:.6g}; set both to null to take those "
                "of the training"
            )
        return np.array(CURVES[str(self.curve)](steps, low, high)[:-1])


def _remedy(kind: str, count: int, steps: int) -> str:
    """Return what to take instead of steps that do not divide the timesteps of training."""
    if kind == "trailing":
        divisors = [n for n in range(1, count + 1) if count % n == 0]
        near = max(n for n in divisors if n <= steps), min(n for n in divisors if n >= steps)
        return f"take {' or '.join(map(str, near))} steps, or set timestep_spacing='leading'"
    if kind == "linspace":
        return "set timestep_spacing='trailing' and take steps that divide them, or set it to 'leading'"
    return f"take at most {count // 2} steps, or set steps_offset=0"


@dataclass(frozen=True, slots=True)
class FewSteps:
    """Timesteps of a distillation: every ``count // original``-th of training, and of these a few."""

    original: int = 50
    """Timesteps of the distillation."""

    def sigmas(self, trained: Sequence[float], steps: int) -> Sigmas:
        """Return the sigmas of a solve: ``steps + 1``, decreasing to 0."""
        if not 1 <= steps <= self.original <= len(trained):
            raise WorldError(
                f"steps={steps} must be between 1 and original_inference_steps={self.original}, "
                f"and that at most the {len(trained)} timesteps of training"
            )
        skip = len(trained) // self.original
        taken = [(self.original - floor(i * self.original / steps)) * skip - 1 for i in range(steps)]
        return (*(float(trained[t]) for t in taken), 0.0)


@dataclass(frozen=True, slots=True)
class FlowSpacing:
    """Times of a flow, from pure noise to the first of ``count``, shifted."""

    shift: float = 1.0
    """As in ``schedules.flow``."""
    count: int = 1000
    """Timesteps of training: t = 1 / count is the lowest time visited, before its shift."""

    def sigmas(self, trained: Sequence[float], steps: int) -> Sigmas:
        """Return the sigmas of a solve: ``steps + 1``, decreasing to 0; ``trained`` is not looked at."""
        if not 1 <= steps <= self.count:
            raise WorldError(f"steps={steps} must be between 1 and the {self.count} timesteps of training")
        # Diffusers shifts the lowest time twice: once for its table, once on the way out of it.
        times = self._shifted(np.linspace(1.0, float(self._shifted(1 / self.count)), steps))
        sigmas = (*(float(t / (1 - t)) if t < 1 else PURE_NOISE for t in times), 0.0)
        if not all(a > b for a, b in pairwise(sigmas)):
            raise WorldError(
                f"shift={self.shift:g} leaves {steps} steps no different times; take it nearer to 1"
            )
        return sigmas

    def _shifted(self, t: float | np.ndarray) -> np.ndarray:
        return np.asarray(self.shift * t / (1 + (self.shift - 1) * t))
