"""The state of a training run, and how to advance, save and restore it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training import export, losses, pack, schedule
from training.crops import Crops
from training.detail import noise_of, seeded
from training.learner import CRITIC, SETTINGS, Learner, Lesson
from training.replay import Replay
from training.schedule import Phase
from training.stream import Examples, examples, seed_of

LOG_EVERY, SAVE_EVERY = 50, 500


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
    """Folder of a network to begin with; it waits for its critic, that of the folder or a new one."""


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
        self.learner = Learner(self.device, plan.start)
        # A critic that comes with the network has practised before.
        known = plan.start is not None and (plan.start / CRITIC).exists()
        self.practised = schedule.ADVERSARY_STEPS if known else 0
        self.learn = Replay(self.learner.learn, self.device)
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
        snapshot = self.plan.out / "snapshot"
        export.write(snapshot, self.learner.averaged, SETTINGS, self.step)
        export.write_tensors(snapshot / CRITIC, self.learner.critic)
        state = {name: part.state_dict() for name, part in self.learner.parts().items()}
        state |= {"step": self.step, "spent": self.spent}
        unfinished = self._checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self._checkpoint)

    def _advance(self, progress: float) -> dict[str, Tensor]:
        for stream, generator in enumerate((self.generator, self.noises), 1):
            generator.manual_seed(seed_of(self.plan.seed, self.step, stream))
        return self.learn(self._lesson(self._made(), progress))

    def _lesson(self, made: Examples, progress: float) -> Lesson:
        """Return all that is random in a step, and how fast it goes on."""
        real = made.real.child
        older: tuple[tuple[Tensor, ...], ...] = ()
        number = len(real)
        if made.drawn is not None:
            older = tuple(noise_of(made.drawn, self.noises) for _ in range(2))
            number += len(made.drawn.youngest.child)
        shape = (2 * number, *real.shape[1:])
        noise = torch.randn(shape, generator=self.noises, device=self.device)
        return Lesson(made, noise, older, losses.directions(self.generator), self._rates(progress))

    def _rates(self, progress: float) -> Tensor:
        practised = self.step + self.practised
        rate, adversary = schedule.learning_rate(self.step, progress), schedule.adversary_weight(practised)
        networks = rate if self.plan.start is None else rate * schedule.further(practised)
        moving = 1 - schedule.ema_decay(self.step)
        return torch.tensor([networks, rate * schedule.CRITIC_RATE, adversary, moving])

    def _made(self) -> Examples:
        """Return the examples of this step."""
        known = self.step if self.plan.start is None else self.step + schedule.DRAWN_FROM_STEP
        phase = schedule.phase(known, self.plan.batch)
        if phase != self.phase:
            plan, self.phase = self.plan, phase
            self.examples = examples(self.crops, phase, plan.seed, self.step, plan.workers)
        return next(self.examples)

    def _restore(self, saved: dict[str, Any]) -> None:
        for name, part in self.learner.parts().items():
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
