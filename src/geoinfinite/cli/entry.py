"""From arguments to an exit code; `geoinfinite.cli.exits` lists the codes.

Commands and parser are imported by name when they are needed: the signals of the process are taken over
before, and ``--help`` imports nothing heavy.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from geoinfinite.cli.exits import FAILED, SIGNALLED, code_of
from geoinfinite.cli.signals import Signals
from geoinfinite.errors import GeoInfiniteError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on stderr.

    Without ``arguments`` they are the process's, whose signals are then taken over.
    """
    signals = Signals(console=arguments is None)
    signals.listen()
    typed = sys.argv[1:] if arguments is None else arguments
    options = import_module("geoinfinite.cli.parser").parse(typed)
    options.signals = signals
    try:
        return _run(options)
    except KeyboardInterrupt as interrupt:
        # Python would wait for the threads that draw shards; a shard cut short counts as not drawn.
        number = signals.received or signal.SIGINT
        text = str(interrupt) or "interrupted"
        if signals.console:
            sys.stdout.flush()
            signals.end(number, text)
        _say(text)
        return SIGNALLED + number
    except BrokenPipeError:
        # The reader of our output has gone; what Python flushes at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if signals.received is not None:
            # The interrupt fell where it became another error, such as that of a half-done import.
            signals.end_with_hint()
        if options.debug:
            raise
        _say(_as_typed(_reason(error), typed))
        return code_of(error)


def _run(options: Any) -> int:
    module, _, name = options.run.partition(":")
    code: int = getattr(import_module(module), name)(options)
    return code


def _reason(error: Exception) -> str:
    if isinstance(error, GeoInfiniteError):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else first
        return f"{what}; check the path, its permissions and the free space"
    return f"unexpected {type(error).__name__}: {first}; please report it with the output of --debug"


def _as_typed(reason: str, typed: Sequence[str]) -> str:
    """Return a reason with the options that were typed in place of the parameters of Python they set."""
    for option in sorted({word.partition("=")[0] for word in typed if word.startswith("--")}):
        parameter = option.removeprefix("--").replace("-", "_")
        reason = re.sub(rf"(?<![\w.-]){re.escape(parameter)}=", f"{option}=", reason)
    return reason


def _say(reason: str) -> None:
    print(f"geoinfinite: {reason}", file=sys.stderr)
