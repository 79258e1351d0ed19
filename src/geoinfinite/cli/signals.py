"""How a command ends on Ctrl-C, SIGTERM and SIGHUP: one line, exit code 128 + signal, within seconds."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from geoinfinite.cli.exits import SIGNALLED

GRACE_S = 5.0
"""Time in which a job may end by itself; most cluster managers kill after ten seconds."""
NAMES = "SIGINT", "SIGTERM", "SIGHUP"
SHOW_CURSOR = b"\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """A signal that ends the job in the main thread; its text is what has happened."""


def word(number: int) -> str:
    """Return what has happened, for people.

    >>> word(signal.SIGINT), word(signal.SIGTERM)
    ('interrupted', 'interrupted by SIGTERM')
    """
    return "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"


class Signals:
    """The signals of the process that a command runs in.

    Outside of a job there is nothing to tidy up: the process ends at once, whatever it is doing. During a
    job (`during`) the first signal raises `Interrupted` in the main thread, so that the job ends its tasks
    and removes its partial files; if the process is still there after ``grace_s`` seconds, or a second
    signal comes, it is ended. A signal that the process was started to ignore stays ignored, as ``nohup``
    and background jobs expect. With ``console=False`` the signals of the process are left alone.
    """

    def __init__(self, *, console: bool, grace_s: float = GRACE_S) -> None:
        self.console = console
        self.received: int | None = None
        """The signal that ends the job."""
        self._grace_s = grace_s
        self._numbers: list[int] = []
        self._state = "before anything was written"
        self._ending = threading.RLock()
        self._tidy: Callable[[], object] = lambda: None

    def listen(self) -> None:
        """Take the signals over."""
        if not self.console:
            return
        for name in NAMES:
            # Windows has no SIGHUP.
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._numbers.append(number)
        self._handle(self._end_at_once)

    @contextlib.contextmanager
    def during(self, hint: str, tidy: Callable[[], object]) -> Iterator[None]:
        """Let signals raise `Interrupted` for as long as a job runs.

        ``hint`` says how to go on with it; ``tidy`` removes partial files where the job had no time to.
        """
        if not self._numbers:
            yield
            return
        self._state, self._tidy = hint, tidy
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # Python's handlers wait for C code to return, the wake-up byte does not.
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()
        hook, sys.unraisablehook = sys.unraisablehook, _silent_on_interrupts(sys.unraisablehook)
        self._handle(self._raise)
        try:
            yield
        finally:
            if self.received is None:
                self._handle(self._end_at_once)
                self._state = "when the work was done"
                signal.set_wakeup_fd(before)
                # The watching thread reads the end of the pipe, and ends.
                os.close(writer)
                sys.unraisablehook = hook

    def end(self, number: int, text: str) -> NoReturn:
        """Print a line and end the process, without waiting for its threads."""
        # Whichever thread comes second waits for the first one to end the process.
        self._ending.acquire()
        line = f"geoinfinite: {text}\n".encode()
        if os.isatty(2):
            line = SHOW_CURSOR + line
        # A terminal that has gone, which is what SIGHUP is about, cannot be written to.
        with contextlib.suppress(OSError):
            os.write(2, line)
        os._exit(SIGNALLED + number)

    def end_with_hint(self) -> NoReturn:
        """End the process for the signal received, with what is known of how to go on."""
        self._ending.acquire()
        with contextlib.suppress(Exception):
            self._tidy()
        number = signal.SIGINT if self.received is None else self.received
        self.end(number, f"{word(number)}; {self._state}")

    def _handle(self, handler: Any) -> None:
        for number in self._numbers:
            signal.signal(number, handler)

    def _end_at_once(self, number: int, _: FrameType | None) -> None:
        self.end(number, f"{word(number)} {self._state}")

    def _raise(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            self.end_with_hint()
        self.received = number
        raise Interrupted(word(number))

    def _watch(self, reader: int) -> None:
        while number := os.read(reader, 1):
            if number[0] in self._numbers:
                break
        else:
            os.close(reader)
            return
        select.select([reader], [], [], self._grace_s)
        self.received = number[0]
        self.end_with_hint()


def _silent_on_interrupts(hook: Any) -> Any:
    """Return a hook that says nothing of an interrupt in a destructor: the watching thread acts on it."""

    def silent(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            hook(unraisable)

    return silent
