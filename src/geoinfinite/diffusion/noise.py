"""Gaussian noise that is a pure function of position: Philox4x32-10 and a table of quantiles.

A pixel's noise depends on (key, level, channel, draw, purpose, y, x) and on nothing else: neither
on the window that asks nor on what was asked before. Only integer arithmetic, one table look-up
pair and one IEEE addition are involved, so every machine and library gives the same bits.

The 128-bit counter of a pixel is ``c0 = x >> 2`` (the lane ``x & 3`` is one of the four output
words), ``c1 = y``, ``c2 = level << 24 | channel``, ``c3 = draw << 8 | purpose``.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11, section 3.3.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.errors import GeoInfiniteError, WindowError, WorldError
from geoinfinite.plane.window import Window

Counter: TypeAlias = NDArray[np.uint64]
Counters: TypeAlias = tuple[Counter, Counter, Counter, Counter]

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
WORD = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)

# A quarter of the 2**32 rows and of the 2**34 columns that the counter can tell apart lie below 0.
ROWS = -(2**30), 3 * 2**30
COLUMNS = -(2**32), 3 * 2**32

# Counters per block: 128 KiB per 64-bit array, so that the rounds stay in a core's L2 cache.
BLOCK = 2**14

TABLE_SHA256 = "dfdb399543b1ac6e4d1d912ee78c6c4a887fba09462a409b98081dfbc7543be3"


def noise_key(name: str, seed: int) -> int:
    """Return the 64-bit key of a name and a seed: the first 8 bytes of sha256 of ``"seed:name"``.

    A seed holds no colon, so no two pairs share a text; and hashing, unlike adding, makes the
    streams of neighbouring seeds unrelated.

    >>> hex(noise_key("earth", 42))
    '0x2297719b5cdce5ae'
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise WorldError(f"seed={seed!r} must be an integer; hash anything else to one first")
    text = f"{seed.__index__()}:{name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def round_keys(key: int) -> Iterator[tuple[int, int]]:
    """Yield the two 32-bit keys of every round: Weyl sequences that start at the key's halves."""
    for r in range(ROUNDS):
        yield ((key & 0xFFFFFFFF) + r * WEYL[0]) % 2**32, ((key >> 32) + r * WEYL[1]) % 2**32


def philox4x32(counters: Counters, key: int) -> Counters:
    """Return the four random words of every counter, as 32-bit values in uint64 arrays.

    The counter's words broadcast against each other. A word that varies along one axis only keeps
    that shape through the first rounds, which then cost next to nothing.

    >>> zero = np.zeros(1, np.uint64)
    >>> [f"{int(word[0]):08x}" for word in philox4x32((zero, zero, zero, zero), key=0)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    shape = np.broadcast_shapes(*(word.shape for word in counters))
    words, spare = counters, np.empty(0, np.uint64)
    for r, (k0, k1) in enumerate(round_keys(key)):
        keys = np.uint64(k0), np.uint64(k1)
        # The first round makes arrays that are no one else's; the others are changed in place. Arithmetic
        # makes scalars of arrays without axes, and those cannot be changed.
        if r == 0 or not shape or any(word.shape != shape for word in words):
            words = _widening_round(words, keys)
        else:
            spare = spare if spare.shape == shape else np.empty(shape, np.uint64)
            words = _round_in_place(words, keys, spare)
    c0, c1, c2, c3 = words
    return c0, c1, c2, c3


def _widening_round(words: Counters, keys: tuple[np.uint64, np.uint64]) -> Counters:
    """Return the words after a round, as new arrays that are no larger than they must be."""
    (c0, c1, c2, c3), (m0, m1), (k0, k1) = words, map(np.uint64, MULTIPLIERS), keys
    p0, p1 = m0 * c0, m1 * c2
    # The key joins the older word first: in the early rounds that is the smaller array.
    return (p1 >> WORD) ^ (c1 ^ k0), p1 & LOW, (p0 >> WORD) ^ (c3 ^ k1), p0 & LOW


def _round_in_place(words: Counters, keys: tuple[np.uint64, np.uint64], spare: Counter) -> Counters:
    """Return the words after a round, in the arrays they came in; all arrays are of one shape."""
    (c0, c1, c2, c3), (m0, m1), (k0, k1) = words, map(np.uint64, MULTIPLIERS), keys
    for product, multiplier, older, k in ((c2, m1, c1, k0), (c0, m0, c3, k1)):
        product *= multiplier
        older ^= k
        older ^= np.right_shift(product, WORD, out=spare)
        product &= LOW
    return c1, c2, c3, c0


@cache
def quantile_table() -> NDArray[np.float32]:
    """Return the 65536 normal quantiles at ``(i + 1/2) / 65536``, scaled to a variance of 1/2.

    Computed once per process, at first use, and compared with the digest that fixes every bit.
    """
    normal = NormalDist()
    quantiles = [normal.inv_cdf((i + 0.5) / 65536) for i in range(65536)]
    rms = math.sqrt(math.fsum(q * q for q in quantiles) / 65536)
    table = (np.array(quantiles) / rms / math.sqrt(2)).astype(np.float32)
    digest = hashlib.sha256(table.astype("<f4").tobytes()).hexdigest()
    if digest != TABLE_SHA256:
        raise GeoInfiniteError(
            f"the table of normal quantiles has sha256 {digest}, not {TABLE_SHA256}: this "
            "machine's mathematics library rounds otherwise and would draw another world; use "
            "another build of Python"
        )
    table.flags.writeable = False
    return table


def normals(words: Counter) -> NDArray[np.float32]:
    """Return one standard normal per 32-bit word, of the same shape.

    A word is two 16-bit halves, each an independent quantile: z = Q[high] + Q[low] has mean 0,
    variance 1 to 1e-9, excess kurtosis -3.8e-4 and |z| < 6.13. There is no logarithm or cosine
    in it whose last bit another library could round otherwise.
    """
    table, signed = quantile_table(), words.view(np.int64)
    # Every index lies in the table: a mode other than "raise" spares the check of all of them.
    total = table.take(signed >> 16, mode="wrap")
    total += table.take(signed & 0xFFFF, mode="wrap")
    return total


class Block(NamedTuple):
    """A part of a window that is hashed at once."""

    rows: slice
    """Its rows, counted from the window's first."""
    columns: slice
    """Its columns, counted from the window's first."""
    counters: Counters
    """``c0 .. c3``, each along its own axis of (channel, y, group of four columns)."""
    lanes: slice
    """The block's columns, counted from the first column of its first group."""

    def place(self, four: Iterable[NDArray[Any]], out: NDArray[Any]) -> None:
        """Write the block's values, one array ``(channel, y, group)`` per lane, into those of the window."""
        part = out[:, self.rows, self.columns]
        for lane, values in enumerate(four):
            # The first group may lack its first lanes, and the last one its last.
            first = (lane - self.lanes.start) % 4
            groups = slice((self.lanes.start - lane + 3) // 4, (self.lanes.stop - lane + 3) // 4)
            part[..., first::4] = values[..., groups]


@dataclass(frozen=True, slots=True)
class NoiseField:
    """Standard normal noise ``(channel, y, x)`` on the pixel lattice of one level.

    ``field(a)`` equals the crop of ``field(b)`` bit for bit for every window ``b`` that contains
    ``a``; with a period, ``x`` and ``x + period`` are the same pixel. Raises ``WorldError`` for a
    value that its bits of the counter cannot hold.

    >>> field = NoiseField(noise_key("earth", 42), level=5, channels=3, period=4096)
    >>> field(Window(-2, 6, 4090, 4100)).shape
    (3, 8, 10)
    >>> bool((field(Window(-2, 6, 4096, 4100)) == field(Window(-2, 6, 0, 4))).all())
    True
    """

    key: int
    """64 bits: ``noise_key(name, seed)``."""
    level: int
    """Level of the cascade: 0 to 255."""
    channels: int
    """Number of channels: 1 to 2**24."""
    period: int | None = None
    """Columns in one turn of longitude; ``None`` on a plane."""
    purpose: int = 0
    """What the noise is for: 0 the sampler, 1 the condition, others free up to 255."""

    def __post_init__(self) -> None:
        _check("key", self.key, (0, 2**64), "take it from noise_key(name, seed)")
        _check("level", self.level, (0, 2**8), "level 0 is the coarsest")
        _check("channels", self.channels, (1, 2**24 + 1), "give the number of channels")
        _check("purpose", self.purpose, (0, 2**8), "0 is the sampler's noise, 1 the condition's")
        if self.period is not None:
            _check("period", self.period, (1, COLUMNS[1] + 1), "give None for an endless plane")

    def __call__(self, window: Window, draw: int = 0) -> NDArray[np.float32]:
        """Return standard normals, float32 ``(channel, y, x)``.

        ``draw`` is the index of an independent field: 0 starts a solve, i serves its step i.
        Raises ``WindowError`` where the counter cannot tell positions apart.
        """
        out = np.empty((self.channels, *window.shape), np.float32)
        for block in self.blocks(window, draw, BLOCK):
            block.place(map(normals, philox4x32(block.counters, self.key)), out)
        return out

    def words(self, window: Window, draw: int = 0) -> NDArray[np.uint32]:
        """Return the random bits under the normals, uint32 ``(channel, y, x)``."""
        out = np.empty((self.channels, *window.shape), np.uint32)
        for block in self.blocks(window, draw, BLOCK):
            block.place(philox4x32(block.counters, self.key), out)
        return out

    def blocks(self, window: Window, draw: int, size: int) -> Iterator[Block]:
        """Yield the window in blocks of about ``size`` counters, whatever hashes them."""
        _check("draw", draw, (0, 2**24), "a draw is the index of a step")
        c2 = _axis([self.level << 24 | c for c in range(self.channels)], 0)
        c3 = _axis([draw << 8 | self.purpose], 0)
        for first, columns in self._runs(window, 4 * size):
            start, stop = first, first + columns.stop - columns.start
            c0 = _axis(range(start >> 2, (stop + 3) >> 2), 2)
            lanes = slice(start & 3, (start & 3) + stop - start)
            step = max(1, size // (c0.size * c2.size))
            for top in range(0, window.height, step):
                rows = slice(top, min(top + step, window.height))
                c1 = _axis(range(window.y0 + rows.start, window.y0 + rows.stop), 1)
                yield Block(rows, columns, (c0, c1, c2, c3), lanes)

    def _runs(self, window: Window, limit: int) -> Iterator[tuple[int, slice]]:
        """Yield the columns as runs of at most ``limit`` that do not cross the antimeridian.

        Each is the column of the lattice where it starts, wrapped, and its place in the window.
        """
        low, high = ROWS
        if not (low <= window.y0 and window.y1 <= high):
            raise WindowError(f"{window}: noise has rows {low} <= y < {high}; move it there")
        low, high = COLUMNS
        if self.period is None and not (low <= window.x0 and window.x1 <= high):
            raise WindowError(
                f"{window}: noise has columns {low} <= x < {high}; move it there or give a period"
            )
        x = window.x0
        while x < window.x1:
            first = x if self.period is None else x % self.period
            turn = window.x1 if self.period is None else x - first + self.period
            stop = min(x + limit, turn, window.x1)
            yield first, slice(x - window.x0, stop - window.x0)
            x = stop


def _axis(values: range | list[int], axis: int) -> Counter:
    """Return integers modulo 2**32 along one axis of (channel, y, group)."""
    line = (np.array(values, np.int64) & 0xFFFFFFFF).astype(np.uint64)
    return line.reshape([-1 if a == axis else 1 for a in range(3)])


def _check(name: str, value: int, bounds: tuple[int, int], remedy: str) -> None:
    """Refuse a value that would spill into its neighbour's bits of the counter."""
    low, stop = bounds
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value < stop:
        raise WorldError(f"{name}={value!r} must be an int, {low} <= {name} < {stop}; {remedy}")
