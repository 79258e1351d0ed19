"""From arguments to an exit code: 0 done, 1 failed, 2 usage, 130 interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from geoinfinite.cli.parser import build_parser
from geoinfinite.errors import GeoInfiniteError

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one line on stderr.

    Without ``arguments`` it is the console's: they are the process's, and Ctrl-C ends it at once.
    """
    options = build_parser().parse_args(arguments)
    module, _, name = options.run.partition(":")
    try:
        code: int = getattr(import_module(module), name)(options)
    except KeyboardInterrupt as interrupt:
        _say(str(interrupt) or "interrupted")
        if arguments is None:
            # Python would wait for the threads that draw shards; a shard cut short counts as not drawn.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; what Python flushes at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if options.debug:
            raise
        _say(_reason(error))
        return FAILED
    return code


def _reason(error: Exception) -> str:
    if isinstance(error, GeoInfiniteError):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else first
        return f"{what}; check the path, its permissions and the free space"
    return f"unexpected {type(error).__name__}: {first}; please report it with the output of --debug"


def _say(reason: str) -> None:
    print(f"geoinfinite: {reason}", file=sys.stderr)
