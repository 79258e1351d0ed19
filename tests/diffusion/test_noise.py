"""Noise is a pure function of position: published vectors, a slow oracle, windows, statistics."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from geoinfinite.diffusion.noise import COLUMNS, ROWS, NoiseField, noise_key, philox4x32, quantile_table
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.window import Window

KEY = 0x123456789ABCDEF0
MASK = 0xFFFFFFFF


def slow_philox(counter: tuple[int, ...], key: int) -> list[int]:
    """Philox4x32-10 one integer at a time, straight from figure 3 of the paper."""
    c, k = list(counter), [key & MASK, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def slow_word(field: NoiseField, draw: int, channel: int, y: int, x: int) -> int:
    """The word of one pixel, from the layout as the documentation states it."""
    x = x if field.period is None else x % field.period
    tail = field.level << 24 | channel, draw << 8 | field.purpose
    return slow_philox(((x >> 2) & MASK, y & MASK, *tail), field.key)[x & 3]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((MASK,) * 4, 2**64 - 1, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            0x299F31D0A4093822,
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_vectors(
    counter: tuple[int, int, int, int], key: int, expected: str
) -> None:
    c0, c1, c2, c3 = (np.array([c], np.uint64) for c in counter)
    fast = [int(word[0]) for word in philox4x32((c0, c1, c2, c3), key)]
    assert [f"{word:08x}" for word in fast] == expected.split()
    assert slow_philox(counter, key) == fast


@pytest.mark.parametrize(
    "shapes",
    [
        ((), (), (), ()),
        ((2, 3, 4),) * 4,
        ((1, 1, 4), (1, 3, 1), (2, 1, 1), (1, 1, 1)),
        ((4,), (), (3, 1), ()),
    ],
    ids=["no axes", "all alike", "one axis each", "fewer axes"],
)
def test_counters_of_any_shape_are_hashed_and_left_as_they_are(shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(5)
    counters = tuple(np.array(rng.integers(0, 2**32, shape), np.uint64) for shape in shapes)
    before = [counter.copy() for counter in counters]
    words = np.stack(philox4x32(counters, KEY), axis=-1)
    each = np.stack(np.broadcast_arrays(*before), axis=-1)
    wanted = [slow_philox(tuple(map(int, counter)), KEY) for counter in each.reshape(-1, 4)]
    np.testing.assert_array_equal(words, np.array(wanted, np.uint64).reshape(words.shape))
    for counter, was in zip(counters, before, strict=True):
        np.testing.assert_array_equal(counter, was)


def test_words_of_the_layout_are_pinned() -> None:
    field = NoiseField(KEY, level=3, channels=3, purpose=1)
    words = field.words(Window(-5, -4, -1003, -999), draw=17)[2, 0]
    assert [f"{w:08x}" for w in words] == ["d1ed633e", "d08769f0", "c93a6065", "32b225ca"]


def test_normals_of_the_layout_are_pinned_to_the_bit() -> None:
    field = NoiseField(KEY, level=3, channels=3, purpose=1)
    normals = field(Window(-5, -4, -1003, -999), draw=17)[2, 0]
    bits = [f"{w:08x}" for w in normals.view(np.uint32)]
    assert bits == ["3ee41e7c", "3ef5274e", "3ead239b", "bfab8c8a"]


def test_the_quantile_table_is_pinned_odd_and_read_only() -> None:
    table = quantile_table()
    digest = hashlib.sha256(table.tobytes()).hexdigest()
    assert digest == "dfdb399543b1ac6e4d1d912ee78c6c4a887fba09462a409b98081dfbc7543be3"
    assert (table == -table[::-1]).all()
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_importing_computes_no_table() -> None:
    code = "from geoinfinite.diffusion import noise; print(noise.quantile_table.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


rows = st.integers(ROWS[0], ROWS[1] - 40)
columns = st.integers(COLUMNS[0], COLUMNS[1] - 40)
fields = st.builds(
    NoiseField,
    key=st.integers(0, 2**64 - 1),
    level=st.integers(0, 255),
    channels=st.integers(1, 3),
    period=st.none() | st.integers(1, 50) | st.integers(1, COLUMNS[1]),
    purpose=st.integers(0, 255),
)
draws = st.integers(0, 2**24 - 1)


@given(fields, draws, rows, columns, st.integers(1, 9), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_every_word_is_that_of_the_slow_oracle(
    field: NoiseField, draw: int, y0: int, x0: int, height: int, width: int
) -> None:
    words = field.words(Window(y0, y0 + height, x0, x0 + width), draw)
    assert words.shape == (field.channels, height, width)
    for c, y, x in {(0, 0, 0), (field.channels - 1, height - 1, width - 1), (0, 0, width // 2)}:
        assert words[c, y, x] == slow_word(field, draw, c, y0 + y, x0 + x)


@given(fields, draws, rows, columns, st.data())
@settings(max_examples=60, deadline=None)
def test_a_window_is_the_crop_of_any_larger_one(
    field: NoiseField, draw: int, y0: int, x0: int, data: st.DataObject
) -> None:
    large = Window(y0, y0 + 23, x0, x0 + 37)
    top, left = data.draw(st.integers(0, 23)), data.draw(st.integers(0, 37))
    height, width = data.draw(st.integers(0, 23 - top)), data.draw(st.integers(0, 37 - left))
    small = Window(y0 + top, y0 + top + height, x0 + left, x0 + left + width)
    ys, xs = small.slices(large)
    crop = field(large, draw)[:, ys, xs]
    assert field(small, draw).tobytes() == crop.tobytes()


def test_blocks_leave_no_trace() -> None:
    field = NoiseField(KEY, level=2, channels=2, period=70_001)
    wide = Window(-3, 2, -11, 140_020)
    whole = field(wide, draw=5)
    for part in (Window(-3, 2, 65_520, 65_560), Window(-1, 1, 69_990, 70_010)):
        ys, xs = part.slices(wide)
        np.testing.assert_array_equal(field(part, draw=5), whole[:, ys, xs])
    tall = Window(-1, 6001, 9, 30)
    np.testing.assert_array_equal(field(tall)[:, 4321:4400], field(Window(4320, 4399, 9, 30)), strict=True)


@pytest.mark.parametrize("period", [1, 2, 3, 5, 4096, 5401])
@pytest.mark.parametrize("turns", [-(10**12), -1, 1, 10**12])
def test_columns_wrap_before_hashing(period: int, turns: int) -> None:
    field = NoiseField(KEY, level=1, channels=2, period=period)
    here = Window(-4, 3, period - 7, period + 6)
    assert field(here).tobytes() == field(here.shift(0, turns * period)).tobytes()


def test_a_period_only_matters_where_it_is_crossed() -> None:
    window = Window(-2, 3, 8, 21)
    wrapped = NoiseField(KEY, level=1, channels=1, period=21)(window)
    assert wrapped.tobytes() == NoiseField(KEY, level=1, channels=1)(window).tobytes()


def test_an_empty_window_is_an_empty_array() -> None:
    field = NoiseField(KEY, level=1, channels=3)
    assert field(Window(4, 4, -2, 7)).shape == (3, 0, 9)
    assert field(Window(-2, 7, 4, 4)).shape == (3, 9, 0)


def test_no_two_corners_of_the_counter_coincide() -> None:
    words = {
        int(word)
        for level in (0, 1, 255)
        for purpose in (0, 1, 255)
        for draw in (0, 1, 2**24 - 1)
        for y in (ROWS[0], -1, 0, 2**31, ROWS[1] - 1)
        for x in (COLUMNS[0], -1, 0, 2**31, 2**32, COLUMNS[1] - 1)
        for word in NoiseField(KEY, level, 2, purpose=purpose).words(Window(y, y + 1, x, x + 1), draw).flat
    }
    # 1620 random 32-bit words coincide with probability 3e-4.
    assert len(words) == 3 * 3 * 3 * 5 * 6 * 2


PLAIN = Window(-300, 724, 2**31 - 500, 2**31 + 524)


def plain(draw: int = 0, level: int = 4, seed: int = 42) -> np.ndarray:
    return NoiseField(noise_key("moments", seed), level, channels=1)(PLAIN, draw)[0]


@pytest.mark.parametrize("seed", range(3))
def test_moments_and_distribution_are_normal(seed: int) -> None:
    z = plain(seed=seed).ravel().astype(np.float64)
    root_n = np.sqrt(z.size)
    assert abs(z.mean()) * root_n < 4
    assert abs(z.var() - 1) * root_n < 4 * np.sqrt(2)
    assert abs(stats.skew(z)) * root_n < 4 * np.sqrt(6)
    assert abs(stats.kurtosis(z)) * root_n < 4 * np.sqrt(24)
    assert stats.kstest(z[::4], "norm").pvalue > 0.01


def test_neighbours_in_every_coordinate_are_uncorrelated() -> None:
    z = plain()
    both = NoiseField(noise_key("moments", 42), level=4, channels=2)(PLAIN)
    other = NoiseField(noise_key("moments", 42), level=4, channels=1, purpose=1)(PLAIN)[0]
    pairs = {
        "x": (z[:, 1:], z[:, :-1]),
        "group": (z[:, 4:], z[:, :-4]),
        "y": (z[1:], z[:-1]),
        "draw": (z, plain(draw=1)),
        "level": (z, plain(level=5)),
        "seed": (z, plain(seed=43)),
        "channel": (both[0], both[1]),
        "purpose": (z, other),
        "absolute values": (np.abs(z[:, 1:]), np.abs(z[:, :-1])),
    }
    for name, (a, b) in pairs.items():
        correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
        assert abs(correlation) * np.sqrt(a.size) < 4, name


def test_seed_s_step_i_is_not_seed_s_plus_1_step_i_minus_1() -> None:
    for draw in (1, 2, 3):
        same = plain(seed=7, draw=draw) == plain(seed=8, draw=draw - 1)
        assert same.mean() < 1e-4


def test_a_key_is_a_hash_of_both_name_and_seed() -> None:
    pairs = [("earth", 1), ("earth", 2), ("earth1", 1), ("1:earth", 1), ("earth", 11), ("", -1)]
    pairs += [("earth", 2**64 - 1), ("earth", 2**64)]
    assert len({noise_key(*pair) for pair in pairs}) == len(pairs)
    assert noise_key("earth", 42) == 0x2297719B5CDCE5AE
    assert noise_key("earth", np.int64(42)) == noise_key("earth", 42)


@pytest.mark.parametrize("seed", [1.0, "7", True, None])
def test_a_seed_must_be_an_integer(seed: object) -> None:
    with pytest.raises(WorldError, match=r"seed=.* must be an integer"):
        noise_key("earth", seed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", -1),
        ("key", 2**64),
        ("level", 256),
        ("level", -1),
        ("level", 1.0),
        ("channels", 0),
        ("channels", 2**24 + 1),
        ("purpose", 256),
        ("purpose", True),
        ("period", 0),
        ("period", 2**34),
    ],
)
def test_a_value_that_its_bits_cannot_hold_is_refused(name: str, value: object) -> None:
    settings = {"key": KEY, "level": 1, "channels": 3, name: value}
    with pytest.raises(WorldError, match=rf"{name}={value!r} must be an int, \d+ <= {name} <"):
        NoiseField(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", [-1, 2**24])
def test_a_draw_that_its_bits_cannot_hold_is_refused(draw: int) -> None:
    with pytest.raises(WorldError, match=rf"draw={draw} must be an int"):
        NoiseField(KEY, 1, 1)(Window(0, 1, 0, 1), draw)


@pytest.mark.parametrize("y0", [ROWS[0] - 1, ROWS[1] - 2])
def test_rows_that_would_repeat_are_refused(y0: int) -> None:
    with pytest.raises(WindowError, match="noise has rows -1073741824 <= y < 3221225472"):
        NoiseField(KEY, 1, 1)(Window(y0, y0 + 3, 0, 1))


@pytest.mark.parametrize("x0", [COLUMNS[0] - 1, COLUMNS[1] - 2])
def test_columns_that_would_repeat_are_refused(x0: int) -> None:
    with pytest.raises(WindowError, match="noise has columns -4294967296 <= x < 12884901888"):
        NoiseField(KEY, 1, 1)(Window(0, 1, x0, x0 + 3))
    assert NoiseField(KEY, 1, 1, period=9)(Window(0, 1, x0, x0 + 3)).shape == (1, 1, 3)
