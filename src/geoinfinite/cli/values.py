"""Values of options that several commands read in the same way."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """Return a number of things.

    >>> count("3")
    3
    """
    found = int(text)
    if found < 1:
        raise argparse.ArgumentTypeError(f"{found} must be at least 1")
    return found


def names(text: str) -> tuple[str, ...]:
    """Return names with commas between them.

    >>> names("water, forest")
    ('water', 'forest')
    """
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not names with commas between them")
    return found
