"""Loaded models are shared, unloaded by memory, and never while they are in use."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from geoinfinite.models.loaded import LoadedModels


@dataclass
class Weights:
    nbytes: int


def test_a_model_is_loaded_once_by_many_threads() -> None:
    models, loads, got = LoadedModels(100), [], []
    begin = threading.Barrier(6)

    def load() -> Weights:
        loads.append(1)
        return Weights(10)

    def use() -> None:
        begin.wait()
        with models.lend(("a", "cpu"), load) as model:
            got.append(model)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len({id(model) for model in got}) == 1
    assert models.bytes == 10


def test_those_used_longest_ago_are_unloaded_beyond_the_limit() -> None:
    models, loads = LoadedModels(100), []

    def use(name: str, size: int) -> None:
        with models.lend((name, "cpu"), lambda: loads.append(name) or Weights(size)):
            pass

    for name in ("a", "b", "a", "c"):
        use(name, 40)
    assert models.bytes == 80
    use("a", 40)
    assert loads == ["a", "b", "c"]
    use("b", 40)
    assert loads == ["a", "b", "c", "b"]


def test_a_model_in_use_stays_whatever_it_holds() -> None:
    models = LoadedModels(100)
    with (
        models.lend(("a", "cpu"), lambda: Weights(90)) as first,
        models.lend(("b", "cpu"), lambda: Weights(90)),
        models.lend(("a", "cpu"), lambda: Weights(0)) as again,
    ):
        assert again is first
        assert models.bytes == 180
    models.clear()
    assert models.bytes == 0


def test_a_failed_load_is_tried_again() -> None:
    models, tries = LoadedModels(100), iter([ValueError("no"), Weights(1)])

    def load() -> Weights:
        outcome = next(tries)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    for _ in range(2):
        try:
            with models.lend(("a", "cpu"), load) as model:
                assert model.nbytes == 1
        except ValueError:
            pass
    assert models.bytes == 1
