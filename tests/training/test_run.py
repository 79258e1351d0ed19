"""A run: two steps, stopped and resumed as if it had not been, and the network that it leaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training.learner import CRITIC, SETTINGS, Lesson
from training.run import Plan, Run
from training_scenes import scene, smooth

from geoinfinite.models.earth.detail import DetailNetwork, DetailShape
from training import pack, schedule


class StoppedRun(Run):
    """A run that gets a SIGTERM in a given step, as a shared machine sends it."""

    last = 1

    def _advance(self, progress: float) -> dict[str, torch.Tensor]:
        found = super()._advance(progress)
        if self.step + 1 >= self.last:
            os.kill(os.getpid(), signal.SIGTERM)
        return found


def adversary_of(run: Run) -> float:
    """Return the weight of the adversary in the next step, which is not taken."""
    lessons: list[Lesson] = []

    def listen(lesson: Lesson) -> dict[str, torch.Tensor]:
        lessons.append(lesson)
        return {}

    run.learn = listen
    run._advance(0.0)
    return float(lessons[0].rates[2])


def run(folder: Path, name: str, last: int) -> dict[str, Any]:
    """Train up to a step and return the checkpoint."""
    # So many minutes that the schedule is still at its beginning, whatever the clock says.
    training = StoppedRun(Plan(folder / "pack", folder / name, minutes=1e9))
    training.last = last
    training.train()
    saved: dict[str, Any] = torch.load(folder / name / "checkpoint.pt", weights_only=True)
    return saved


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a pack, on one thread, whose sums have one order; the handler of SIGTERM is put back."""
    folder = tmp_path_factory.mktemp("training")
    pixels = smooth(200, 240, 1)
    pack.write(folder / "pack", [scene("landsat", pixels, water=pixels[0])])
    threads, handler = torch.get_num_threads(), signal.getsignal(signal.SIGTERM)
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        yield folder
    torch.set_num_threads(threads)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> dict[str, Any]:
    return run(folder, "uninterrupted", 2)


def test_a_signal_saves_the_step_that_it_interrupts(uninterrupted: dict[str, Any]) -> None:
    assert uninterrupted["step"] == 2
    assert 0 < uninterrupted["spent"] < 600


def test_a_resumed_run_is_an_uninterrupted_one(folder: Path, uninterrupted: dict[str, Any]) -> None:
    assert run(folder, "resumed", 1)["step"] == 1
    resumed = run(folder, "resumed", 2)
    assert resumed["step"] == 2
    differing = [path for path, one, other in _pairs(uninterrupted, resumed) if not _equal(one, other)]
    assert differing == ["spent"]


def test_two_steps_move_network_and_critic(folder: Path, uninterrupted: dict[str, Any]) -> None:
    begun = Run(Plan(folder / "pack", folder / "begun", minutes=1.0))
    for name, part in (("network", begun.learner.network), ("critic", begun.learner.critic)):
        assert not _equal(part.state_dict()["enter.bias"], uninterrupted[name]["enter.bias"])
    mean, now = (uninterrupted[name]["enter.bias"] for name in ("averaged", "network"))
    assert 0 < float((mean - now).abs().max()) <= 2 * schedule.learning_rate(1, 0.0) * 1.01


def test_a_spent_run_only_saves(folder: Path) -> None:
    over = Run(Plan(folder / "pack", folder / "over", minutes=0.0))
    over.train()
    assert over.step == 0
    assert not (folder / "over/log.jsonl").exists()
    assert (folder / "over/checkpoint.pt").exists()


def test_a_run_goes_on_with_a_trained_network(folder: Path, uninterrupted: dict[str, Any]) -> None:
    snapshot = folder / "uninterrupted/snapshot"
    further = Run(Plan(folder / "pack", folder / "further", minutes=1.0, start=snapshot))
    for part in (further.learner.network, further.learner.averaged):
        assert all(torch.equal(x, uninterrupted["averaged"][name]) for name, x in part.state_dict().items())
    found = further.learner.critic.state_dict()
    assert all(torch.equal(x, uninterrupted["critic"][name]) for name, x in found.items())
    # Without the file a critic begins anew.
    (snapshot / CRITIC).rename(snapshot / "elsewhere")
    anew = Run(Plan(folder / "pack", folder / "anew", minutes=1.0, start=snapshot))
    (snapshot / "elsewhere").rename(snapshot / CRITIC)
    assert not _equal(anew.learner.critic.state_dict()["enter.bias"], uninterrupted["critic"]["enter.bias"])
    assert further.step == 0
    # A critic that has practised counts in full from the first step.
    assert [adversary_of(run) for run in (further, anew)] == [1.0, 0.0]
    # Its parents are drawn from the first step on; a new network has none for a while.
    drawing = StoppedRun(Plan(folder / "pack", folder / "drawing", minutes=1e9, start=snapshot))
    drawing.train()
    assert drawing.phase == schedule.phase(schedule.DRAWN_FROM_STEP)
    assert schedule.phase(0).drawn == 0 < drawing.phase.drawn
    assert [schedule.further(step) for step in (0, 200, 4000)] == [0.0, 0.25, 0.5]


def test_the_snapshot_is_the_averaged_network(folder: Path, uninterrupted: dict[str, Any]) -> None:
    snapshot = folder / "uninterrupted/snapshot"
    weights = load_file(snapshot / "diffusion_pytorch_model.safetensors")
    assert sorted(weights) == sorted(uninterrupted["averaged"])
    assert all(torch.equal(value, uninterrupted["averaged"][name]) for name, value in weights.items())
    config = json.loads((snapshot / "config.json").read_text())
    assert config.pop("_class_name") == "DetailNetwork"
    shape = DetailShape(**{name: tuple(v) if isinstance(v, list) else v for name, v in config.items()})
    DetailNetwork(shape).load_state_dict(weights)
    sidecar = json.loads((snapshot / "geoinfinite.json").read_text())
    assert (sidecar["kind"], sidecar["step"], sidecar["margin"]) == ("earth-detail", 2, SETTINGS.margin)
    assert sidecar["bands"] == ["red", "green", "blue"]
    assert not list(snapshot.glob("*.part"))


def test_a_schedule_warms_up_anneals_and_ends() -> None:
    rates = [schedule.learning_rate(5000, progress / 100) for progress in range(101)]
    assert schedule.learning_rate(0, 0.0) == pytest.approx(schedule.PEAK / schedule.WARM_UP_STEPS)
    assert rates[70] == schedule.PEAK
    assert rates[85] == pytest.approx((schedule.PEAK + schedule.LOWEST) / 2)
    assert rates[100] == pytest.approx(schedule.LOWEST)
    assert rates == sorted(rates, reverse=True)
    assert schedule.phase(799) == schedule.Phase(12, 64, 0)
    assert schedule.phase(800, factor=8) == schedule.Phase(96, 64, 38)
    assert [schedule.adversary_weight(step) for step in (0, 200, 4000)] == [0.0, 0.5, 1.0]
    assert schedule.ema_decay(0) == pytest.approx(0.1)
    assert schedule.ema_decay(1_000_000, most=0.97) == 0.97


def _pairs(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the leaves of two nested dictionaries and lists, with where they stand."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            yield from _pairs(one[key], other[key], f"{path}.{key}".strip("."))
    elif isinstance(one, list):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _pairs(a, b, f"{path}.{index}")
    else:
        yield path, one, other


def _equal(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)
