"""What is reported to terminals and to logs."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.progress import FEWEST_TILES, Bar, Lines, NotebookBar, Pace, Progress, Silent, progress_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines_of(log: io.StringIO) -> list[str]:
    return log.getvalue().splitlines()


def test_a_log_gets_a_line_at_intervals_and_at_the_end() -> None:
    log, clock = io.StringIO(), Clock()
    lines = Lines(log, interval_s=10, clock=clock)
    lines.start(100, 4_000_000)
    for clock.now, tiles in ((105, 10), (120, 30), (121, 0), (131, 20)):
        lines.advance(tiles, 40_000 * tiles)
    clock.now = 140
    lines.finish()
    assert lines_of(log) == [
        "40/100 tiles, 1.6/4.0 megapixels, 2.0 tiles/s, 0:00:30 left",
        "60/100 tiles, 2.4/4.0 megapixels, 1.9 tiles/s, 0:00:21 left",
        "60/100 tiles, 2.4/4.0 megapixels, 60 tiles drawn in 0:00:40",
    ]


def test_the_time_left_leaves_out_the_time_before_the_first_tile() -> None:
    # Importing and loading the network took 40 s, a tile takes 0.1 s: 90 tiles are left.
    log, clock = io.StringIO(), Clock()
    lines = Lines(log, interval_s=0, clock=clock)
    lines.start(100, 4_000_000)
    clock.now += 40
    for _ in range(10):
        lines.advance(1, 40_000)
        clock.now += 0.1
    said = lines_of(log)
    assert all(line.endswith("megapixels") for line in said[:FEWEST_TILES])
    assert said[-1].endswith("10.0 tiles/s, 0:00:09 left")


def test_what_is_kept_is_no_speed() -> None:
    log, clock = io.StringIO(), Clock()
    lines = Lines(log, interval_s=10, clock=clock)
    lines.start(50_000, 2_000_000_000)
    clock.now += 10
    lines.keep(50_000, 2_000_000_000)
    lines.finish()
    assert lines_of(log) == [
        "50,000/50,000 tiles, 2,000.0/2,000.0 megapixels",
        "50,000/50,000 tiles, 2,000.0/2,000.0 megapixels, nothing drawn, in 0:00:10",
    ]


def test_a_resumed_job_has_the_speed_of_what_it_draws() -> None:
    pace = Pace(1000, 1_000_000, 0.0)
    pace.add(900, 900_000, now=0.1, drawn=False)
    for second in range(1, 12):
        pace.add(2, 2000, now=float(second), drawn=True)
    assert pace.outlook(11.0) == f"2.0 tiles/s, {timedelta(seconds=39)} left"


def test_small_jobs_are_counted_in_pixels() -> None:
    log = io.StringIO()
    lines = Lines(log)
    lines.start(3, 1404)
    lines.advance(3, 1404)
    lines.finish()
    assert lines_of(log) == ["3/3 tiles, 1,404/1,404 pixels, 3 tiles drawn in 0:00:00"]


def test_nothing_done_has_no_end() -> None:
    log = io.StringIO()
    lines = Lines(log)
    lines.start(0, 0)
    lines.finish()
    assert lines_of(log) == ["0/0 tiles, 0/0 pixels, nothing drawn, in 0:00:00"]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 3), st.booleans()), max_size=40))
def test_the_counts_are_sums_whatever_comes(steps: list[tuple[int, float, bool]]) -> None:
    pace, now = Pace(400, 10**6, 5.0), 5.0
    for tiles, seconds, drawn in steps:
        now += seconds
        pace.add(tiles, 7 * tiles, now=now, drawn=drawn)
    assert pace.tiles == sum(tiles for tiles, _, _ in steps)
    assert pace.pixels == 7 * pace.tiles
    assert pace.drawn == sum(tiles for tiles, _, drawn in steps if drawn)
    rate = pace.rate(now)
    assert rate is None or rate > 0
    assert (pace.outlook(now) == "") == (rate is None)


def test_a_terminal_gets_a_bar() -> None:
    terminal = Terminal()
    bar = progress_on(terminal)
    assert isinstance(bar, Bar)
    bar.start(4, 4_000_000)
    bar.advance(1, 1_000_000)
    bar.keep(3, 3_000_000)
    bar.finish()
    assert "4/4 tiles" in terminal.getvalue()
    assert "4.0/4.0 megapixels" in terminal.getvalue()


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_everything_else_gets_lines(stream: io.StringIO | None) -> None:
    assert isinstance(progress_on(stream), Lines)


@pytest.mark.parametrize("make", [Silent, lambda: Lines(io.StringIO()), lambda: Bar(Terminal())])
def test_every_progress_takes_every_report(
    make: Callable[[], Progress], capfd: pytest.CaptureFixture
) -> None:
    progress = make()
    progress.start(1, 1)
    progress.advance(1, 1)
    progress.keep(1, 1)
    progress.finish()
    assert capfd.readouterr() == ("", "")


def test_no_more_is_done_than_there_is_to_do() -> None:
    log = io.StringIO()
    lines = Lines(log)
    lines.start(40, 55_296)
    lines.advance(72, 87_536)
    lines.finish()
    assert lines_of(log)[-1].startswith("72/72 tiles, 87,536/87,536 pixels, 72 tiles drawn")


@dataclass
class Cell:
    """The output of a notebook's cell, as IPython's ``display`` writes into it."""

    shown: list[dict[str, str]] = field(default_factory=list)

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


def test_a_notebook_gets_one_bar_that_moves() -> None:
    cell, clock = Cell(), Clock()
    bar = NotebookBar(cell.display, interval_s=0.5, clock=clock)
    bar.start(100, 4_000_000)
    for clock.now, tiles in ((100.1, 10), (105, 20), (105.2, 10)):
        bar.advance(tiles, 40_000 * tiles)
    bar.keep(5, 200_000)
    bar.finish()
    assert [bundle["text/plain"].split(" tiles")[0] for bundle in cell.shown] == ["0/100", "30/100", "45/100"]
    assert '<progress value="45" max="100"' in cell.shown[-1]["text/html"]
    assert cell.shown[1]["text/plain"].endswith("4.1 tiles/s, 0:00:17 left")


def test_work_that_ends_before_it_began_shows_nothing() -> None:
    cell = Cell()
    NotebookBar(cell.display).finish()
    assert cell.shown == []


def test_the_kernel_of_a_notebook_is_told_from_a_terminal_and_a_log() -> None:
    """Three processes: IPython's shell with a kernel, the same in a terminal, and no IPython."""
    code = """if True:
        import sys
        from geoinfinite.progress import progress_on
        kind = sys.argv[1]
        if kind != "none":
            from IPython.core.interactiveshell import InteractiveShell
            shell = InteractiveShell.instance()
            if kind == "kernel":
                shell.kernel = object()
        print(type(progress_on()).__name__, type(progress_on(sys.stdout)).__name__)
    """
    said = {
        kind: subprocess.run(
            [sys.executable, "-c", code, kind], check=True, capture_output=True, text=True
        ).stdout
        for kind in ("kernel", "shell", "none")
    }
    assert said == {"kernel": "NotebookBar Lines\n", "shell": "Lines Lines\n", "none": "Lines Lines\n"}
