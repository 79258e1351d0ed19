"""The exit codes of the command line, and the refusals that have a code of their own."""

from __future__ import annotations

from geoinfinite.errors import StoreError

DONE = 0
FAILED = 1
USAGE = 2
"""Given by argparse."""
NOT_SOUND = 3
"""`verify`: shards are missing, damaged or foreign, or the recipe is not theirs."""
NOT_A_STORE = 4
OUTPUT_EXISTS = 5
SIGNALLED = 128
"""Plus the number of the signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""


class NotAStore(StoreError):
    """A path that holds no store of geoinfinite."""


class OutputExists(StoreError):
    """An output that is there already and was not to be replaced."""


def code_of(error: Exception) -> int:
    """Return the exit code of a command that ends with an error.

    >>> code_of(OutputExists("a.png exists")), code_of(StoreError()), code_of(OSError())
    (5, 1, 1)
    """
    if isinstance(error, NotAStore):
        return NOT_A_STORE
    return OUTPUT_EXISTS if isinstance(error, OutputExists) else FAILED
