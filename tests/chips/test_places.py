"""Where chips lie: scattered, about objects, and in which share."""

from __future__ import annotations

from pathlib import Path

import chip_boxes
import numpy as np
import pytest
from chip_boxes import LEVEL
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.chips import BoxLabels, ChipContent, Places, Split, select
from geoinfinite.chips.places import scattered
from geoinfinite.chips.selection import inner
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    corner=st.tuples(st.integers(-99, 99), st.integers(-99, 99)),
)
def test_scattered_chips_lie_within_and_share_no_pixel(
    height: int, width: int, size: int, seed: int, corner: tuple[int, int]
) -> None:
    if size > min(height, width):
        return
    within = Window(corner[0], corner[0] + height, corner[1], corner[1] + width)
    # One less along each side than fit, where nothing would be left for an offset.
    count = min(20, max(1, height // size - 1) * max(1, width // size - 1))
    covered = np.zeros(within.shape, int)
    for number in range(count):
        chip = scattered(number, 3, within, size, seed)
        assert chip.shape == (size, size)
        covered[chip.slices(within)] += 1
    assert covered.max() == 1


def test_epochs_seeds_and_turns_have_other_places() -> None:
    within = Window(0, 300, 0, 400)
    cells = {
        (epoch, seed): tuple(scattered(n, epoch, within, 64, seed) for n in range(12))
        for epoch in (0, 1)
        for seed in (0, 1)
    }
    assert len(set(cells.values())) == 4
    many = [scattered(n, 0, within, 64, 0) for n in range(60)]
    assert len(set(many)) == 60


def test_every_part_of_a_level_is_reached() -> None:
    within = Window(0, 100, 0, 130)
    covered = np.zeros(within.shape, int)
    for epoch in range(200):
        covered[scattered(0, epoch, within, 30, 9).slices(within)] += 1
    # Corners are met by one offset in a thousand.
    assert (covered > 0).mean() > 0.9
    assert covered.max() < 60


@pytest.fixture
def boxes(tmp_path: Path) -> str:
    return chip_boxes.write(tmp_path / "boxes.gpkg")


def test_every_box_that_fits_lies_wholly_in_a_chip(boxes: str, patch: Recipe) -> None:
    content = chip_boxes.content(boxes)
    chips = select(patch, content)
    whole = {
        label.feature
        for window in chips.windows
        for label in content.boxes.of(patch.grid, LEVEL, window)
        if not label.is_cut
    }
    rows, columns = patch.grid.shape_at(LEVEL)
    fitting = set()
    for number, shape in enumerate(chip_boxes.turned_boxes()[0], 1):
        points = chip_boxes.pixels(shape)
        inside = (points >= 0).all() and (points <= (columns, rows)).all()
        if inside and np.ptp(points, axis=0).max() < 126:
            fitting.add(f"boxes/{number}")
    assert len(fitting) > 100
    assert fitting <= whole
    assert len(chips) < 0.8 * len(fitting)
    for window in chips.windows:
        patch.grid.check_window(LEVEL, window)


def test_places_do_not_depend_on_the_worlds_seed_and_do_on_their_own(boxes: str, patch: Recipe) -> None:
    content = chip_boxes.content(boxes)
    here, there = select(patch, content), select(patch.replace(seed=99), content)
    assert here.windows == there.windows
    assert here.splits == there.splits
    assert not set(here.ids) & set(there.ids)
    other = select(patch, content, places=Places(seed=1))
    assert other.windows != here.windows


@pytest.mark.parametrize("count", [5, 150])
def test_as_many_chips_as_are_asked_for(boxes: str, patch: Recipe, count: int) -> None:
    chips = select(patch, chip_boxes.content(boxes), count=count)
    assert len(set(chips.windows)) == count
    assert all(chip_boxes.content(boxes).boxes.of(patch.grid, LEVEL, w) for w in chips.windows[:20])


def test_bounds_hold_all_chips(boxes: str, patch: Recipe) -> None:
    bounds = (414_000.0, 5_203_000.0, 418_000.0, 5_206_000.0)
    chips = select(patch, chip_boxes.content(boxes), places=Places(bounds=bounds))
    within = patch.grid.window(LEVEL, bounds)
    assert len(chips) > 5
    assert all(within.contains(window) for window in chips.windows)


def test_chips_about_a_box_across_the_antimeridian(ring: Recipe, tmp_path: Path) -> None:
    import vector_files

    box = vector_files.turned_box(179.5, 20, 4, 3, 10)
    labels = BoxLabels(vector_files.write(tmp_path / "b.gpkg", "EPSG:4326", [box], {"class": ["ship"]}))
    content = ChipContent(2, 40, labels)
    (window,) = select(ring, content).windows
    (label,) = labels.of(ring.grid, 2, window)
    assert not label.is_cut
    assert window.x1 > ring.grid.shape_at(2)[1] or window.x0 < 0


@given(shares=st.sampled_from(["0.8/0.1/0.1", "0.5/0.5", "1", "0.34/0.33/0.33"]), seed=st.integers(0, 99))
def test_chips_that_share_pixels_are_in_one_split(shares: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 900, (60, 2)).tolist()
    windows = [Window(y, y + 50, x, x + 50) for y, x in corners]
    splits = Split.parse(shares).of(windows, seed, period=900)
    turned = [w.shift(0, 900) for w in windows]
    for i, one in enumerate(windows):
        for j, other in enumerate(windows):
            if one.intersect(other).size or turned[i].intersect(other).size:
                assert splits[i] == splits[j]


def test_shares_are_met_where_chips_lie_apart() -> None:
    windows = [Window(y, y + 10, x, x + 10) for y in range(0, 200, 10) for x in range(0, 100, 10)]
    found = Split.parse("0.8/0.1/0.1").of(windows, 4)
    assert [found.count(name) for name in ("train", "val", "test")] == [160, 20, 20]
    assert found != Split.parse("0.8/0.1/0.1").of(windows, 5)


def test_whole_blocks_of_a_window() -> None:
    assert inner(Window(3, 17, -5, 9), 4) == Window(1, 4, -1, 2)
    assert inner(Window(1, 3, 0, 8), 4).size == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.8/0.1", "split=0.8/0.1 must be one to three shares that sum to 1, .*; write 0.8/0.1/0.1"),
        ("most", "split='most' is not shares with / between them; write 0.8/0.1/0.1"),
        ("0.1/0.2/0.3/0.4", "must be one to three shares that sum to 1"),
    ],
)
def test_shares_that_are_none_are_refused(text: str, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Split.parse(text)


def test_what_cannot_be_met_is_refused(boxes: str, patch: Recipe) -> None:
    with pytest.raises(
        WindowError, match="size=2000 does not fit into 1280 x 1792 px; take a size of 1280 at"
    ):
        select(patch, chip_boxes.content(boxes, size=2000))
    with pytest.raises(
        WindowError, match="size=0 must be a number of pixels from 1 on; write one such as 256"
    ):
        select(patch, chip_boxes.content(boxes, size=0))
    few = BoxLabels(boxes, classes=("ship",))
    corner = Places(bounds=(412_300.0, 5_207_500.0, 413_000.0, 5_207_700.0))
    with pytest.raises(
        WorldError, match=r"has no box of ship within .* of level 3; take other bounds, or other"
    ):
        select(patch, chip_boxes.content(boxes, size=32, boxes=few), places=corner)
    with pytest.raises(WorldError, match=r"places\.count=0 must be an integer from 1 on; write one"):
        Places(count=0)
