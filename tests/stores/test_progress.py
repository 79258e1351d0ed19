"""What is told, to terminals and to logs."""

from __future__ import annotations

import io

import pytest

from geoinfinite.progress import Bar, Lines, Silent, progress_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_at_intervals_and_at_the_end() -> None:
    times = iter([0.0, 5.0, 20.0, 21.0, 40.0])
    log = io.StringIO()
    lines = Lines(log, interval_s=10, clock=lambda: next(times))
    lines.start(100, 4_000_000)
    lines.advance(10, 400_000)
    lines.advance(10, 400_000)
    lines.advance(0, 0)
    lines.finish()
    assert log.getvalue().splitlines() == [
        "20/100 tiles, 0.8/4.0 megapixels, 1.0 tiles/s, 0:01:20 left",
        "20/100 tiles, 0.8/4.0 megapixels, 0.5 tiles/s, 0:02:40 left",
    ]


def test_nothing_done_has_no_end() -> None:
    log = io.StringIO()
    lines = Lines(log)
    lines.start(0, 0)
    lines.finish()
    assert log.getvalue().endswith("unknown left\n")


def test_a_terminal_gets_a_bar() -> None:
    terminal = Terminal()
    bar = progress_on(terminal)
    assert isinstance(bar, Bar)
    bar.start(4, 4_000_000)
    bar.advance(1, 1_000_000)
    bar.advance(3, 3_000_000)
    bar.finish()
    assert "4/4 tiles" in terminal.getvalue()
    assert "4.0 megapixels" in terminal.getvalue()


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_everything_else_gets_lines(stream: io.StringIO | None) -> None:
    assert isinstance(progress_on(stream), Lines)


def test_silence() -> None:
    silent = Silent()
    silent.start(1, 1)
    silent.advance(1, 1)
    silent.finish()
