"""Examples of a step are a function of the seed and the step, whoever makes them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from itertools import islice

import pytest
import torch
from training.crops import Crops
from training.learner import SETTINGS
from training.schedule import Phase
from training.stream import Examples, examples
from training_scenes import scene, smooth

WITH_DRAWN, REAL_ALONE = Phase(3, 32, 1), Phase(2, 32, 0)


@pytest.fixture(scope="module")
def crops() -> Crops:
    pixels = smooth(700, 660, 1) // 2 + 40
    return Crops([scene("landsat", pixels, water=pixels[1])], SETTINGS, torch.Generator())


def made(
    crops: Crops, phase: Phase, step: int, workers: int, count: int = 3, seed: int = 7
) -> list[Examples]:
    return list(islice(examples(crops, phase, seed, step, workers), count))


def same(one: Examples, other: Examples) -> bool:
    return torch.equal(one.real.child, other.real.child) and torch.equal(one.real.parent, other.real.parent)


def test_other_processes_make_the_same_examples(crops: Crops) -> None:
    here, elsewhere = (made(crops, WITH_DRAWN, 4, workers) for workers in (0, 2))
    assert all(map(same, here, elsewhere))
    for one, other in zip(here, elsewhere, strict=True):
        assert one.drawn is not None
        assert other.drawn is not None
        assert torch.equal(one.drawn.youngest.child, other.drawn.youngest.child)
        assert torch.equal(one.drawn.older[0].water, other.drawn.older[0].water)


def test_a_run_goes_on_where_it_stopped(crops: Crops) -> None:
    whole = made(crops, REAL_ALONE, 0, 0, count=4)
    assert all(map(same, whole[2:], made(crops, REAL_ALONE, 2, 0, count=2)))
    assert not same(whole[0], whole[1])
    assert not same(whole[0], made(crops, REAL_ALONE, 0, 0, count=1, seed=8)[0])


def test_a_phase_says_how_many_examples_of_which_size(crops: Crops) -> None:
    alone, with_drawn = made(crops, REAL_ALONE, 0, 0, 1)[0], made(crops, WITH_DRAWN, 0, 0, 1)[0]
    assert alone.drawn is None
    assert alone.real.child.shape == (2, 3, 32, 32)
    assert with_drawn.drawn is not None
    assert (len(with_drawn.real.child), len(with_drawn.drawn.youngest.child)) == (2, 1)


def test_a_signal_to_the_whole_group_does_not_end_the_workers(crops: Crops) -> None:
    stream = examples(crops, REAL_ALONE, 7, 0, 2)
    both_at_work = list(islice(stream, 2))
    assert len(both_at_work) == 2
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    for worker in workers:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGTERM)
    # More than are made ahead.
    assert all(map(same, islice(stream, 12), made(crops, REAL_ALONE, 2, 0, 12)))
    del stream
    for worker in workers:
        worker.join(20)
        assert worker.exitcode == 0
