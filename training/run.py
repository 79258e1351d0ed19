"""The state of a training run, and how to advance, save and restore it."""

from __future__ import annotations

import copy
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.models.earth.detail import DetailNetwork, DetailShape, load
from geoinfinite.models.earth.network import EarthSettings
from training import export, losses, pack, schedule
from training.critic import Critic
from training.crops import Batch, Crops
from training.detail import (
    Given,
    bfloat16_is_fast,
    draw_detail,
    drawn_parents,
    given,
    real_detail,
    seeded,
)
from training.schedule import Phase
from training.stream import Examples, examples, seed_of

SETTINGS = EarthSettings(
    factor=4,
    margin=6,
    unshuffle=4,
    multiple=16,
    gain=0.8,
    floor=0.02,
    log_scale_mean=-2.9,
    log_scale_std=0.8,
)
"""Constants of the detail's unit: with this gain and floor the training detail has about unit variance."""
WEIGHTS = {"deceit": 1.0, "texture": 1.5, "energy": 1.0}
LOG_EVERY, SAVE_EVERY = 50, 250
LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line says of a run."""

    pack: Path
    out: Path
    minutes: float
    seed: int = 0
    batch: int = 1
    """Factor on the examples of a batch: 1 for two cores, 8 for an accelerator."""
    workers: int = 0
    """Processes that make examples; 0: the one that learns."""
    device: str = "cpu"
    start: Path | None = None
    """Folder of a network to begin with; its critic begins anew, and the network waits for it."""


class Run:
    """A network, its critic and its running average, trained from a pack until the minutes are spent."""

    def __init__(self, plan: Plan) -> None:
        """Read the pack and either restore the run in `plan.out` or begin one."""
        self.plan, self.device = plan, torch.device(plan.device)
        plan.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        self.crops = Crops(pack.read(plan.pack), SETTINGS, seeded(plan.seed))
        self.generator, self.noises = seeded(plan.seed), torch.Generator(self.device)
        self.phase: Phase | None = None
        self.examples: Iterator[Examples] = iter(())
        self.half = bfloat16_is_fast(self.device)
        self.network = self._placed(DetailNetwork(DetailShape()))
        self.critic = self._placed(Critic())
        if plan.start is not None:
            self.network.load_state_dict(load(plan.start, DetailShape()).state_dict())
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.network.parameters(), betas=(0.5, 0.99), fused=True)
        self.critics_optimiser = torch.optim.Adam(self.critic.parameters(), betas=(0.0, 0.99), fused=True)
        self.step, self.spent, self.stopped = 0, 0.0, False
        if self._checkpoint.exists():
            self._restore(torch.load(self._checkpoint, weights_only=True, map_location=self.device))

    def train(self) -> None:
        """Take steps until the time is spent, logging and saving on the way."""
        signal.signal(signal.SIGTERM, self._stop)
        started, before, seconds = time.monotonic(), self.spent, 60.0 * self.plan.minutes
        totals: dict[str, Tensor] = {}
        since = self.step
        while self.spent < seconds and not self.stopped:
            found = self._advance(self.spent / seconds)
            totals = {name: totals.get(name, 0.0) + value for name, value in found.items()}
            self.step += 1
            self.spent = before + time.monotonic() - started
            if self.step % LOG_EVERY == 0:
                self._log({k: round(float(total) / (self.step - since), 4) for k, total in totals.items()})
                totals, since = {}, self.step
            if self.step % SAVE_EVERY == 0:
                self.save()
        self.examples = iter(())
        self.save()

    def save(self) -> None:
        """Write the snapshot, a loadable network with the averaged weights, and the checkpoint."""
        export.write(self.plan.out / "snapshot", self.averaged, SETTINGS, self.step)
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {"step": self.step, "spent": self.spent}
        unfinished = self._checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self._checkpoint)

    def _advance(self, progress: float) -> dict[str, Tensor]:
        rate = schedule.learning_rate(self.step, progress)
        trained = self.plan.start is not None
        _set_rate(self.optimiser, rate * (schedule.further(self.step) if trained else 1.0))
        _set_rate(self.critics_optimiser, rate * schedule.CRITIC_RATE)
        for stream, generator in enumerate((self.generator, self.noises), 1):
            generator.manual_seed(seed_of(self.plan.seed, self.step, stream))
        made = self._made(progress)
        batch = made.real if made.drawn is None else made.real.joined(made.drawn.youngest)
        seen = given(batch, SETTINGS)
        real = real_detail(batch, seen, SETTINGS.factor)
        both = given(self._parents_twice(batch.joined(batch), made), SETTINGS)
        noise = self._noise(both.condition.base.shape)
        drawn = draw_detail(self.network, both, noise, SETTINGS.factor, self.half)
        telling = self._telling(real, seen, drawn, both)
        _descend(self.critics_optimiser, telling)
        found = self._losses(drawn, real, both, len(made.real.parent))
        _descend(self.optimiser, self._weighted(found), self.network.parameters())
        self._average()
        return {name: value.detach() for name, value in {"critic": telling, **found}.items()}

    def _made(self, progress: float) -> Examples:
        """Return the examples of this step."""
        phase = schedule.phase(self.step, progress, self.plan.batch)
        if phase != self.phase:
            plan, self.phase = self.plan, phase
            self.examples = examples(self.crops, phase, plan.seed, self.step, plan.workers)
        return next(self.examples).to(self.device)

    def _parents_twice(self, twice: Batch, made: Examples) -> Batch:
        """Return the examples, each two times, with the parents from which they are drawn."""
        if made.drawn is None:
            return twice
        parents = [
            parent
            for _ in range(2)
            for parent in (
                made.real.parent,
                drawn_parents(self.network, made.drawn, SETTINGS, self.noises, self.half),
            )
        ]
        return replace(twice, parent=torch.cat(parents))

    def _noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.noises, device=self.device)

    def _telling(self, real: Tensor, seen: Given, drawn: Tensor, both: Given) -> Tensor:
        """Return the critic's loss; no gradient of it reaches the network."""
        detail = torch.cat([real, drawn.detach()])
        shown = torch.cat([seen.shown, both.shown.detach()])
        judged = self._judged(detail, shown, *map(torch.cat, zip(seen.pixel, both.pixel, strict=True)))
        return losses.hinge([x[: len(real)] for x in judged], [x[len(real) :] for x in judged])

    def _losses(self, drawn: Tensor, real: Tensor, both: Given, paired: int) -> dict[str, Tensor]:
        self.critic.requires_grad_(False)
        judged = self._judged(drawn, both.shown, *both.pixel)
        self.critic.requires_grad_(True)
        return {
            "deceit": losses.deceit(judged),
            "texture": losses.texture(drawn, real, both.gsd_m[: len(real)], self.generator),
            "energy": losses.energy(*drawn.chunk(2), real, paired),
        }

    def _weighted(self, found: dict[str, Tensor]) -> Tensor:
        weights = WEIGHTS | {"deceit": WEIGHTS["deceit"] * schedule.adversary_weight(self.step)}
        return torch.stack([weights[name] * value for name, value in found.items()]).sum()

    def _judged(self, detail: Tensor, shown: Tensor, gsd_m: Tensor, aspect: Tensor) -> list[Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits: list[Tensor] = self.critic(detail, shown, gsd_m, aspect)
        return logits

    @torch.no_grad()
    def _average(self) -> None:
        keep = schedule.ema_decay(self.step)
        for mean, now in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)

    def _placed(self, module: nn.Module) -> Any:
        return module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "critic": self.critic,
            "averaged": self.averaged,
            "optimiser": self.optimiser,
            "critics_optimiser": self.critics_optimiser,
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        self.step, self.spent = saved["step"], saved["spent"]

    @property
    def _checkpoint(self) -> Path:
        return self.plan.out / "checkpoint.pt"

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _log(self, entry: dict[str, Any]) -> None:
        entry = {"step": self.step, "spent": round(self.spent), **entry}
        with (self.plan.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, clipped: Any = None) -> None:
    optimiser.zero_grad()
    loss.backward()
    if clipped is not None:
        nn.utils.clip_grad_norm_(clipped, LARGEST_GRADIENT)
    optimiser.step()
