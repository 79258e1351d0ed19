"""The loop that runs calls: bounded in flight, in order of need, stalls and limits reported by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoinfinite.errors import RunWarning, StoreError
from geoinfinite.stores.jobs.lookahead import LookAhead
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.pools.conducting import conduct
from geoinfinite.stores.pools.pool import Call, InlinePool, Raised
from geoinfinite.stores.pools.settings import RunSettings
from geoinfinite.stores.pools.watching import Watch


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Slow:
    """A pool of two workers whose calls take a stated time by the clock; some never end."""

    clock: Clock
    seconds: Mapping[str, float]
    workers: int = 2
    depth: int = 5
    begun: dict[int, tuple[Call, float]] = field(default_factory=dict)
    waiting: dict[int, Call] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    most: int = 0

    def submit(self, ticket: int, call: Call) -> None:
        self.waiting[ticket] = call
        self.most = max(self.most, len(self.waiting) + len(self.begun))
        self._begin()

    def _begin(self) -> None:
        while self.waiting and len(self.begun) < self.workers:
            ticket = min(self.waiting)
            call = self.waiting.pop(ticket)
            self.begun[ticket] = call, self.clock.now + self.seconds.get(call.name, 1.0)

    def ended(self, timeout_s: float) -> list[tuple[int, Any]]:
        first = min((end for _, end in self.begun.values()), default=float("inf"))
        self.clock.now = min(first, self.clock.now + timeout_s)
        done = [t for t, (_, end) in self.begun.items() if end <= self.clock.now]
        results = [(t, self.begun.pop(t)[0].name) for t in done]
        self._begin()
        return results

    def forget(self, ticket: int) -> None:
        self.forgotten.append(self.begun.pop(ticket)[0].name)
        self._begin()

    def whereabouts(self) -> Mapping[int, str]:
        return {t: "tcp://10.0.0.7:4000" for t in self.begun}

    def close(self) -> None:
        pass


@dataclass
class Names:
    """Calls by name; what they returned."""

    left: list[str]
    heard: dict[str, Any] = field(default_factory=dict)

    def take(self) -> tuple[str, Call] | None:
        return ((name := self.left.pop(0)), Call(name, print, ())) if self.left else None

    def end(self, subject: str, value: Any) -> None:
        self.heard[subject] = value


def test_a_bounded_number_of_calls_is_under_way() -> None:
    clock, work = Clock(), Names([f"draw-{i}" for i in range(1000)])
    pool = Slow(clock, {})
    conduct(pool, work, Watch(1e9, clock=clock))
    assert list(work.heard) == [f"draw-{i}" for i in range(1000)]
    assert pool.most == pool.depth
    assert clock.now == 100.0 + 500


def test_a_stall_names_the_task_and_its_worker() -> None:
    clock, work = Clock(), Names(["draw-a", "draw-level-3-shard-12-7", "draw-b"])
    pool = Slow(clock, {"draw-level-3-shard-12-7": 700.0})
    said = (
        r"no task has ended for (300|600) s: waiting for draw-level-3-shard-12-7 on tcp://10.0.0.7:4000; "
        r"end that worker, or pass task_limit_s="
    )
    with pytest.warns(RunWarning, match=said) as heard:
        conduct(pool, work, Watch(300.0, clock=clock))
    assert [re.findall(r"\d+ s", str(w.message))[0] for w in heard] == ["300 s", "600 s"]
    assert set(work.heard) == {"draw-a", "draw-level-3-shard-12-7", "draw-b"}


def test_a_task_that_no_worker_takes_is_named() -> None:
    clock, work = Clock(), Names(["draw-a"])
    pool = Slow(clock, {}, workers=0)
    watch = Watch(60.0, clock=clock)

    said = r"60 s: no worker has draw-a, or the scheduler does not answer; start a worker"
    with pytest.raises(RunWarning, match=said):
        conduct(pool, work, watch)


def test_a_task_that_takes_too_long_fails_and_the_others_go_on() -> None:
    clock, work = Clock(), Names(["draw-a", "hangs", *(f"draw-{i}" for i in range(40))])
    pool = Slow(clock, {"hangs": float("inf")})
    conduct(pool, work, Watch(300.0, limit_s=20.0, clock=clock))
    assert pool.forgotten == ["hangs"]
    raised = work.heard.pop("hangs")
    assert isinstance(raised, Raised)
    assert isinstance(raised.error, StoreError)
    assert str(raised.error) == "took longer than task_limit_s=20 on tcp://10.0.0.7:4000"
    assert len(work.heard) == 41


def test_what_waits_for_a_worker_is_not_slow() -> None:
    clock, work = Clock(), Names([f"draw-{i}" for i in range(30)])
    pool = Slow(clock, dict.fromkeys(work.left, 9.0), depth=30)
    conduct(pool, work, Watch(300.0, limit_s=10.0, clock=clock))
    assert set(work.heard.values()) == set(work.heard)


def test_an_error_of_a_call_is_a_result_and_one_that_nobody_expects_ends_it() -> None:
    work = Names([])
    calls = iter([("bad", Call("bad", int, ("x",))), ("good", Call("good", int, ("7",)))])
    work.take = lambda: next(calls, None)  # type: ignore[method-assign]
    conduct(InlinePool(), work, Watch(1e9))
    assert work.heard["good"] == 7
    assert isinstance(work.heard["bad"], Raised)
    assert isinstance(work.heard["bad"].error, ValueError)

    def interrupt() -> None:
        raise KeyboardInterrupt

    work.take = lambda: ("end", Call("end", interrupt, ()))  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        conduct(InlinePool(), work, Watch(1e9))
        pytest.fail("went on")


@pytest.mark.parametrize(("name", "value"), [("look_ahead", 0), ("stall_s", -1.0), ("task_limit_s", 0.0)])
def test_settings_that_cannot_be_are_refused(name: str, value: float) -> None:
    with pytest.raises(StoreError, match=rf"{name}={value!r} must be positive; leave it out for the default"):
        RunSettings(**{name: value})


@settings(deadline=None)
@given(st.data(), st.integers(1, 40), st.integers(1, 9))
def test_looking_ahead_hands_out_every_task_once_when_its_inputs_have_ended(
    data: st.DataObject, count: int, most: int
) -> None:
    tasks = [Task(0, 0, 0, i) for i in range(count)]
    inputs = {
        task: tuple(data.draw(st.sets(st.sampled_from(tasks[:i]), max_size=3)) if i else ())
        for i, task in enumerate(tasks)
    }
    ended, flying, yielded = set[Task](), list[Task](), 0

    def order() -> Any:
        nonlocal yielded
        for task in tasks:
            yielded += 1
            yield task, tuple(t for t in inputs[task] if t not in ended)

    ahead = LookAhead(order(), most)
    while len(ended) < count:
        if (task := ahead.take()) is not None:
            assert set(inputs[task]) <= ended
            flying.append(task)
        else:
            assert flying
            done = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
            ended.add(done)
            ahead.end(done)
        assert yielded - len(ended) - len(flying) <= most + 1
    assert ahead.take() is None
