"""Train "earth-small": `python -m training --out RUN --minutes 85`.

The same command resumes a run that was stopped (SIGTERM saves first): weights, averaged weights,
optimiser, random state, step and time spent are in RUN/checkpoint.pt. RUN/log.jsonl has one line
per 50 steps, RUN/snapshot is a loadable network with the averaged weights.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from geoinfinite.models.earth.network import EarthNetwork, EarthSettings, load
from training import architecture, constants, export, flow, imagery, parallel, schedule
from training.crops import Crops
from training.distil import Trajectories

LOG_EVERY, SAVE_EVERY = 50, 500
HELD_OUT_SEED = 20_000


class Run:
    """The state of a training run, and how to advance, save and restore it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Prepare the data and either restore the run in `arguments.out` or begin one."""
        self.out, self.seconds = arguments.out, 60.0 * arguments.minutes
        self.out.mkdir(parents=True, exist_ok=True)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(arguments.seed)
        self.generator = Generator().manual_seed(arguments.seed)
        layers = imagery.layers(arguments.cache, held_out=False)
        self.held_out = imagery.layers(arguments.cache, held_out=True)
        path = self.out / "checkpoint.pt"
        saved = torch.load(path, weights_only=True) if path.exists() else None
        begun = saved
        if saved is None and arguments.start is not None:
            begun = torch.load(arguments.start, weights_only=True)
        settings = EarthSettings(**begun["settings"]) if begun else EarthSettings()
        self.step, self.spent, self.stopped = 0, 0.0, False
        self.crops = Crops(layers, settings, self.generator)
        if begun is None:
            settings = constants.fit(self.crops, settings)
            self._log({"settings": asdict(settings)})
        self.config = architecture.config(settings)
        unet = architecture.build(self.config, device)
        if begun is not None:
            unet.load_state_dict(begun["averaged"])
        self.peak = arguments.peak
        self.network = EarthNetwork(unet, settings)
        self.averaged = {k: v.detach().clone() for k, v in unet.state_dict().items()}
        # The copies are made after the weights are known, and never saved.
        threads = torch.get_num_threads() if device == "cpu" else 1
        self.replicas, self.parts = parallel.Replicas(unet, threads), 4 if threads > 1 else 1
        torch.set_num_threads(1)
        self.paths = None
        if arguments.teacher is not None:
            teacher = load(arguments.teacher, device)
            self.paths = Trajectories(teacher, self.crops, self.generator, threads)
        self.optimiser = torch.optim.AdamW(unet.parameters(), weight_decay=1e-2, betas=(0.9, 0.99))
        if saved is not None:
            self._restore(saved)
            self.replicas.follow()

    def train(self) -> None:
        """Take steps until the time is spent, logging and saving on the way."""
        signal.signal(signal.SIGTERM, self._stop)
        started, before, total = time.monotonic(), self.spent, 0.0
        while self.spent < self.seconds and not self.stopped:
            total += self._advance(self.spent / self.seconds)
            self.step += 1
            self.spent = before + time.monotonic() - started
            if self.step % LOG_EVERY == 0:
                self._log({"loss": round(total / LOG_EVERY, 5)})
                total = 0.0
            if self.step % SAVE_EVERY == 0:
                self.save()
        self.save()

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _advance(self, progress: float) -> float:
        rate = schedule.learning_rate(self.step, progress, self.peak)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        points = self._points(progress)
        self.network.unet.train()
        found = self.replicas.gradients(points.parts(self.parts), self._loss)
        torch.nn.utils.clip_grad_norm_(self.network.unet.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.replicas.follow()
        keep = schedule.ema_decay(self.step, 0.999 if self.paths is None else 0.995)
        with torch.no_grad():
            for name, value in self.network.unet.state_dict().items():
                self.averaged[name].lerp_(value, 1 - keep)
        return found

    def _points(self, progress: float) -> flow.Examples:
        if self.paths is not None:
            return self.paths.examples(*schedule.LARGE_TILES)
        batch = self.crops.batch(*schedule.batch_shape(progress))
        return flow.examples(self.network, batch, self.generator)

    def _loss(self, unet: nn.Module, part: flow.Examples) -> Tensor:
        return flow.errors(EarthNetwork(unet, self.network.settings), part).mean()

    def save(self) -> None:
        """Write the snapshot and the checkpoint, and log the loss on held-out places."""
        export.write(self.out / "snapshot", self.averaged, self.config, self.network.settings, self.step)
        self._log({"held_out": self._held_out()})
        state = {
            "settings": asdict(self.network.settings),
            "weights": self.network.unet.state_dict(),
            "averaged": self.averaged,
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "spent": self.spent,
        }
        unfinished = self.out / "checkpoint.part"
        torch.save(state, unfinished)
        unfinished.replace(self.out / "checkpoint.pt")

    def _held_out(self) -> dict[str, float]:
        """Return the averaged network's loss per source on a fixed set of held-out crops."""
        generator = Generator().manual_seed(HELD_OUT_SEED)
        unet = architecture.build(self.config, next(self.network.unet.parameters()).device)
        unet.load_state_dict(self.averaged)
        network = EarthNetwork(unet.eval(), self.network.settings)
        losses: dict[str, list[Tensor]] = {source: [] for source in imagery.present(self.held_out)}
        with torch.no_grad():
            for source in losses:
                chosen = [layer for layer in self.held_out if layer.source == source]
                crops = Crops(chosen, network.settings, generator, self.held_out[0])
                losses[source] += [flow.loss(network, crops.batch(16, 64), generator) for _ in "12"]
        return {name: round(float(torch.cat(parts).mean()), 5) for name, parts in losses.items()}

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.unet.load_state_dict(saved["weights"])
        self.averaged = saved["averaged"]
        self.optimiser.load_state_dict(saved["optimiser"])
        self.generator.set_state(saved["generator"])
        self.step, self.spent = saved["step"], saved["spent"]

    def _log(self, entry: dict[str, Any]) -> None:
        entry = {"step": self.step, "spent": round(self.spent), **entry}
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(entry, flush=True)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory of the run")
    parser.add_argument("--minutes", type=float, default=85.0, help="length of the whole run")
    parser.add_argument("--start", type=Path, help="checkpoint whose averaged weights a new run begins with")
    parser.add_argument("--teacher", type=Path, help="network whose paths a few steps are to follow")
    parser.add_argument("--peak", type=float, default=schedule.PEAK, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, crops and noise")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 keeps the default")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    Run(arguments).train()


if __name__ == "__main__":
    main()
