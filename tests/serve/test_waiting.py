"""Every client has its turn, queues are bounded, and what nobody waits for is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import ring

from geoinfinite.engine import Resources
from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.serve.drawing import Drawing
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.metrics import Metrics
from geoinfinite.serve.refusals import Busy
from geoinfinite.serve.subject import ServedWorld, Shown
from geoinfinite.serve.waiting import Client, WaitingWork, Work


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return ServedWorld(ring(tmp_path), Limits()).shown()


def work(
    shown: Shown,
    key: object,
    client: Client = ("host", ""),
    finish: Callable[[Any], Any] | None = None,
    share: int = 1,
) -> Work:
    window = Window(3, 5, 4, 9)
    return Work(key, shown, lambda: (1, window), finish or (lambda read: key), client, share)


def test_clients_and_hosts_take_turns(shown: Shown) -> None:
    waiting = WaitingWork(Limits())
    for number in range(5):
        waiting.put(work(shown, f"greedy {number}", ("one", "a")))
    for number in range(2):
        waiting.put(work(shown, f"modest {number}", ("one", "b")))
    waiting.put(work(shown, "elsewhere", ("two", "a")))
    order = [taken.key for _ in range(8) for taken in waiting.take(1)]
    assert order == [
        "greedy 0",
        "elsewhere",
        "modest 0",
        "greedy 1",
        "modest 1",
        "greedy 2",
        "greedy 3",
        "greedy 4",
    ]
    assert (len(waiting), waiting.take(1)) == (0, [])


def test_a_batch_is_of_one_image_and_of_its_share(shown: Shown, tmp_path: Path) -> None:
    other = ServedWorld(ring(tmp_path), Limits()).shown(7)
    waiting = WaitingWork(Limits())
    for key, image, share in (("a", shown, 1), ("b", shown, 1), ("c", shown, 9), ("d", other, 1)):
        waiting.put(work(image, key, share=share))
    assert [[taken.key for taken in waiting.take(4)] for _ in range(3)] == [["a", "b"], ["c"], ["d"]]


def test_queues_are_bounded_for_each_client_and_for_all(shown: Shown) -> None:
    waiting = WaitingWork(Limits(waiting=5, waiting_each=3))
    for number in range(3):
        waiting.put(work(shown, number))
    with pytest.raises(
        Busy, match="3 pieces of work of this client wait, the most that may; ask again in 2 s"
    ):
        waiting.put(work(shown, 3))
    waiting.put(work(shown, 4, ("other", "")))
    waiting.put(work(shown, 5, ("third", "")))
    with pytest.raises(Busy, match="5 pieces of work wait, the most that may; ask again in 2 s") as refused:
        waiting.put(work(shown, 6, ("fourth", "")))
    assert refused.value.headers == {"Retry-After": "2"}


def test_names_that_a_host_invents_do_not_grow_without_end(shown: Shown) -> None:
    waiting = WaitingWork(Limits(waiting=10_000))
    for number in range(300):
        waiting.put(work(shown, number, ("host", f"name {number}")))
    assert waiting.of_client(("host", "name 255")) == 1
    assert waiting.of_client(("host", "")) == 300 - 256


class Drawn:
    """A drawing with one thread that is held up until it is told to go on."""

    def __init__(self, shown: Shown, **limits: int) -> None:
        self.metrics = Metrics()
        self.drawing = Drawing(Limits(workers=1, **limits), self.metrics)
        self.go_on, self.began = threading.Event(), threading.Event()
        self.first = self.drawing.ask(work(shown, "first", finish=self._held_up))

    def _held_up(self, read: Any) -> str:
        self.began.set()
        assert self.go_on.wait(20)
        return "first"

    def close(self) -> None:
        self.go_on.set()
        self.drawing.close()


def test_equal_work_is_done_once_for_all_who_ask(shown: Shown) -> None:
    held = Drawn(shown)
    asked = [held.drawing.ask(work(shown, "same")) for _ in range(3)]
    assert asked[0] is asked[1] is asked[2]
    assert held.drawing.load["waiting"] <= 2
    held.go_on.set()
    assert asked[0].future.result(20) == "same"
    held.close()


def test_work_that_nobody_waits_for_is_not_begun(shown: Shown) -> None:
    held = Drawn(shown)
    assert held.began.wait(20)
    one, two = (held.drawing.ask(work(shown, key)) for key in ("unwanted", "wanted"))
    held.drawing.leave(one)
    held.go_on.set()
    assert two.future.result(20) == "wanted"
    assert one.future.cancelled()
    assert held.metrics.value("given_up_total") == 1
    held.close()


def test_drawing_stops_when_everybody_has_gone_and_begins_again_for_who_comes(tmp_path: Path) -> None:
    drawing = Drawing(Limits(workers=1), Metrics())
    held = _Slow(ring(tmp_path))
    asked = drawing.ask(work(held.shown, "slow", finish=lambda read: read(Window(3, 5, 4, 9))))
    assert held.began.wait(20)
    drawing.leave(asked)
    again = drawing.ask(work(held.shown, "slow", finish=lambda read: read(Window(3, 5, 4, 9))))
    assert again is asked
    drawing.leave(again)
    assert held.cancelled.wait(20)
    third = drawing.ask(work(held.shown, "new"))
    assert third.future.result(20) == "new"
    drawing.close()


class _Slow:
    """An image whose drawing waits until nobody wants it any more."""

    def __init__(self, world: Any) -> None:
        self.began, self.cancelled = threading.Event(), threading.Event()
        self.shown: Any = self
        self.version = "slow"

    def draw(self, level: int, windows: Any, resources: Resources) -> Any:
        if self.began.is_set():
            return [np.zeros((3, *window.shape)) for window in windows]
        self.began.set()
        for _ in range(2000):
            if resources.is_cancelled():
                self.cancelled.set()
                resources.check_cancelled()
            threading.Event().wait(0.01)
        raise AssertionError("nobody gave it up")


def test_what_is_wrong_with_one_is_no_fault_of_the_others(shown: Shown) -> None:
    held = Drawn(shown, batch=4)
    assert held.began.wait(20)

    def broken(read: Any) -> None:
        raise StoreError("a shard is missing")

    good, bad = held.drawing.ask(work(shown, "good")), held.drawing.ask(work(shown, "bad", finish=broken))
    held.go_on.set()
    assert good.future.result(20) == "good"
    with pytest.raises(StoreError, match="a shard is missing"):
        bad.future.result(20)
    held.close()
