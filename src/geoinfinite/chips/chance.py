"""Randomness of chips and layouts: numbers in [0, 1) and orders that are functions of a key and a place."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.plane.window import Window

_PURPOSE = 9
"""What the noise is for: none that draws pixels."""
_ROUNDS = 6
"""Rounds of the permutation; four are the least that look random."""


def key_of(what: str, seed: int) -> int:
    """Return the key of a use of randomness; different uses of one seed have unrelated numbers.

    >>> key_of("places", 1) == key_of("places", 2), key_of("places", 1) == key_of("splits", 1)
    (False, False)
    """
    return noise_key(f"chips:{what}", seed)


def uniforms(key: int, place: tuple[int, int], count: int, draw: int = 0) -> NDArray[np.float64]:
    """Return ``count`` numbers in [0, 1) that belong to a place ``(row, column)``.

    The first numbers are the same whatever the count.

    >>> bool((uniforms(7, (3, -2), 5)[:2] == uniforms(7, (3, -2), 2)).all())
    True
    """
    row, column = place
    field = NoiseField(key=key, level=0, channels=count, purpose=_PURPOSE)
    words = field.words(Window(row, row + 1, column, column + 1), draw)
    return np.asarray(words[:, 0, 0].astype(np.float64) / 2.0**32)


def shuffled(index: int, count: int, key: int) -> int:
    """Return where an index of ``range(count)`` goes in an order that a key decides, which is never made.

    It is a permutation: a Feistel network on the next even power of two, walked until it is within the range.

    >>> sorted(shuffled(i, 11, key=5) for i in range(11)) == list(range(11))
    True
    """
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for number in range(_ROUNDS):
            left, right = right, left ^ (_hashed(key, number, right) & mask)
        index = left << half | right
        if index < count:
            return index


def _hashed(key: int, number: int, value: int) -> int:
    text = f"{key}:{number}:{value}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
