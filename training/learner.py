"""A network and its critic, and how both learn from the examples of a step."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from geoinfinite.models.earth.detail import DetailNetwork, DetailShape, load
from geoinfinite.models.earth.network import EarthSettings
from training import losses
from training.batch import Batch
from training.critic import Critic
from training.detail import Given, bfloat16_is_fast, detail_of, draw, drawn_parents, given
from training.stream import Examples

SETTINGS = EarthSettings(
    factor=4,
    margin=6,
    unshuffle=4,
    multiple=16,
    gain=1.0,
    floor=0.01,
    log_scale_mean=-3.0,
    log_scale_std=0.9,
)
"""Constants of the detail's unit: with this gain and floor the training detail has about unit variance."""
WEIGHTS = {"deceit": 1.0, "texture": 1.5, "energy": 1.0, "power": 0.25}
LARGEST_GRADIENT = 5.0
CRITIC = "critic.safetensors"
"""The file of a snapshot that only a further run needs."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that a step depends on but the state of the learner, so that a device can replay it."""

    examples: Examples
    noise: Tensor
    """(2 B, 3, T, T): every example is drawn two times."""
    older: tuple[tuple[Tensor, ...], ...]
    """Of both times, the noise of every generation of drawn parents, the oldest first."""
    directions: tuple[Tensor, ...]
    """The projections of `losses.texture`."""
    rates: Tensor
    """(4,): learning rates of network and critic, weight of the adversary, how far the average moves."""

    def to(self, device: torch.device) -> Lesson:
        """Return the lesson on a device."""
        older = tuple(tuple(noise.to(device) for noise in time) for time in self.older)
        directions = tuple(filters.to(device) for filters in self.directions)
        noise, rates = self.noise.to(device), self.rates.to(device)
        return Lesson(self.examples.to(device), noise, older, directions, rates)


class Learner:
    """A network, its critic and its running average, with their optimisers."""

    def __init__(self, device: torch.device, start: Path | None = None) -> None:
        """Begin anew, or with the network in the folder `start` and the critic that it may hold."""
        self.half = bfloat16_is_fast(device)
        self.network, self.critic = (
            _placed(part, device) for part in (DetailNetwork(DetailShape()), Critic())
        )
        if start is not None:
            self.network.load_state_dict(load(start, DetailShape()).state_dict())
            if (start / CRITIC).exists():
                self.critic.load_state_dict(load_file(start / CRITIC))
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = _adam(self.network, 0.5, device)
        self.critics_optimiser = _adam(self.critic, 0.0, device)

    def parts(self) -> dict[str, Any]:
        """Return everything that changes, by name."""
        return {
            "network": self.network,
            "critic": self.critic,
            "averaged": self.averaged,
            "optimiser": self.optimiser,
            "critics_optimiser": self.critics_optimiser,
        }

    def learn(self, lesson: Lesson) -> dict[str, Tensor]:
        """Take a step of the critic and one of the network; return the losses."""
        networks, critics, adversary, moving = lesson.rates.unbind()
        _set_rate(self.optimiser, networks)
        _set_rate(self.critics_optimiser, critics)
        made = lesson.examples
        batch = made.real if made.drawn is None else made.real.joined(made.drawn.youngest)
        seen = given(batch, SETTINGS)
        real = detail_of(batch.child, seen, SETTINGS.factor)
        both = given(self._parents_twice(batch.joined(batch), lesson), SETTINGS)
        drawn = detail_of(draw(self.network, both, lesson.noise, self.half), both, SETTINGS.factor)
        # The critic is most of a step's work, and two drawings of one place tell it little more than one.
        judged, shown = drawn[: len(real)], both.shown[: len(real)]
        telling = self._telling(real, seen, judged, shown)
        _descend(self.critics_optimiser, telling)
        found = {
            "deceit": self._deceit(judged, seen, shown),
            "texture": losses.texture(drawn, real, batch.gsd_m, lesson.directions),
            "energy": losses.energy(drawn, real, len(made.real.parent)),
            "power": losses.power(drawn, real),
        }
        weighted = {name: WEIGHTS[name] * value for name, value in found.items()}
        weighted["deceit"] = adversary * weighted["deceit"]
        _descend(self.optimiser, torch.stack(list(weighted.values())).sum(), self.network.parameters())
        self._average(moving)
        return {name: value.detach() for name, value in {"critic": telling, **found}.items()}

    def _parents_twice(self, twice: Batch, lesson: Lesson) -> Batch:
        """Return the examples, each two times, with the parents from which they are drawn."""
        made, parents = lesson.examples, []
        if made.drawn is None:
            return twice
        for noises in lesson.older:
            drawn = drawn_parents(self.network, made.drawn, SETTINGS, noises, self.half)
            parents += [made.real.parent, drawn]
        return replace(twice, parent=torch.cat(parents))

    def _telling(self, real: Tensor, seen: Given, drawn: Tensor, shown: Tensor) -> Tensor:
        """Return the critic's loss; no gradient of it reaches the network."""
        detail, both = torch.cat([real, drawn.detach()]), torch.cat([seen.shown, shown.detach()])
        judged = self._judged(detail, both, *(pixel.repeat(2) for pixel in seen.pixel))
        real_ones, drawn_ones = zip(*(logits.chunk(2) for logits in judged), strict=True)
        return losses.hinge(list(real_ones), list(drawn_ones))

    def _deceit(self, drawn: Tensor, seen: Given, shown: Tensor) -> Tensor:
        self.critic.requires_grad_(False)
        judged = self._judged(drawn, shown, *seen.pixel)
        self.critic.requires_grad_(True)
        return losses.deceit(judged)

    def _judged(self, detail: Tensor, shown: Tensor, gsd_m: Tensor, aspect: Tensor) -> list[Tensor]:
        with torch.autocast(detail.device.type, torch.bfloat16, enabled=self.half):
            logits: list[Tensor] = self.critic(detail, shown, gsd_m, aspect)
        return logits

    @torch.no_grad()
    def _average(self, moving: Tensor) -> None:
        for mean, now in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, moving)


def _placed(module: nn.Module, device: torch.device) -> Any:
    return module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _adam(module: nn.Module, momentum: float, device: torch.device) -> torch.optim.Adam:
    """Return an optimiser whose rate is a tensor, so that a recorded step can change it."""
    rate, recorded = torch.zeros((), device=device), device.type == "cuda"
    return torch.optim.Adam(module.parameters(), rate, (momentum, 0.99), fused=True, capturable=recorded)


def _set_rate(optimiser: torch.optim.Optimizer, rate: Tensor) -> None:
    for group in optimiser.param_groups:
        group["lr"].copy_(rate)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, clipped: Any = None) -> None:
    optimiser.zero_grad()
    loss.backward()
    if clipped is not None:
        nn.utils.clip_grad_norm_(clipped, LARGEST_GRADIENT)
    optimiser.step()
