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


def setting(text: str) -> tuple[str, str]:
    """Return the key and the value of a setting.

    >>> setting("region=eu-1")
    ('region', 'eu-1')
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def slot(text: str) -> tuple[str, str]:
    """Return the slot of a model and the file that fills it.

    >>> slot("hint=osm.tif")
    ('hint', 'osm.tif')
    """
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not SLOT=FILE, such as hint=osm.tif")
    return name, path


def part(text: str) -> tuple[int, int]:
    """Return which part of a job, and of how many.

    >>> part("2/5")
    (2, 5)
    """
    index, _, parts = text.partition("/")
    if not (index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with 1 <= I <= N, such as 2/5")
    return int(index), int(parts)
