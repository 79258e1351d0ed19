"""Chips for PyTorch: the same ones in any number of workers, others for every rank and epoch."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import chip_boxes
import numpy as np
import pytest
import torch
import xbatcher
from chip_boxes import LEVEL
from torch.utils.data import DataLoader

import geoinfinite as gi
from geoinfinite.chips import BoxLabels, ChipDataset, MaskLabels, Places, collate
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.writing import write_zarr

PLACES = Places(count=24, seed=5, at_once=4)


def windows(samples: Any) -> list[tuple[int, ...]]:
    return [tuple(sample["window"].tolist()) for sample in samples]


def overlap(found: list[tuple[int, ...]]) -> int:
    """Pixels that two windows share."""
    cut = [Window(*edges) for edges in found]
    return sum(a.intersect(b).size for i, a in enumerate(cut) for b in cut[:i])


@pytest.fixture
def chips(patch: Recipe) -> ChipDataset:
    return ChipDataset(patch, 2, 32, PLACES)


def test_samples_are_the_worlds_pixels_at_their_windows(chips: ChipDataset, patch: Recipe) -> None:
    samples = list(chips)
    assert len(samples) == len(chips) == 24
    assert overlap(windows(samples)) == 0
    for sample in samples:
        window = Window(*sample["window"].tolist())
        assert sample["image"].dtype == torch.uint8
        np.testing.assert_array_equal(sample["image"].numpy(), gi.generate(patch, 2, window))
        np.testing.assert_allclose(sample["bounds"].numpy(), patch.grid.bounds(2, window))
    assert len({sample["id"] for sample in samples}) == 24


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_the_same_for_any_number_of_workers(chips: ChipDataset, workers: int) -> None:
    def batches(count: int) -> list[dict[str, Any]]:
        loader = DataLoader(
            chips, batch_size=4, num_workers=count, multiprocessing_context="fork" if count else None
        )
        return list(loader)

    here, there = batches(0), batches(workers)
    assert len(here) == len(there) == 6
    for one, other in zip(here, there, strict=True):
        assert one["id"] == other["id"]
        assert torch.equal(one["image"], other["image"])


def test_ranks_share_an_epoch_without_a_chip_in_common(patch: Recipe, chips: ChipDataset) -> None:
    parts = [windows(ChipDataset(patch, 2, 32, PLACES, part=(i, 3))) for i in (1, 2, 3)]
    assert [len(part) for part in parts] == [8, 8, 8]
    assert sorted(one for part in parts for one in part) == sorted(windows(chips))


def test_epochs_have_other_chips_and_come_again(chips: ChipDataset) -> None:
    first = windows(chips)
    assert windows(chips) == first
    chips.set_epoch(1)
    second = windows(chips)
    assert not set(first) & set(second)
    chips.set_epoch(0)
    assert windows(chips) == first


@pytest.mark.parametrize("taken", [0, 1, 4, 7, 23])
def test_a_state_goes_on_where_it_was(patch: Recipe, chips: ChipDataset, taken: int) -> None:
    chips.set_epoch(2)
    whole = windows(chips)
    reading = iter(chips)
    before = windows(islice(reading, taken))
    state = pickle.loads(pickle.dumps(chips.state_dict()))
    again = ChipDataset(patch, 2, 32, PLACES)
    again.load_state_dict(state)
    assert before + windows(again) == whole
    assert windows(again) == whole


def test_skipping_begins_behind_some_batches(chips: ChipDataset) -> None:
    whole = windows(chips)
    chips.skip(8)
    assert windows(chips) == whole[8:]
    chips.set_epoch(0)
    assert windows(chips) == whole
    with pytest.raises(WorldError, match=r"skip\(6\) must be a multiple of places\.at_once=4, .*; skip 4"):
        chips.skip(6)


def test_labels_come_with_their_chips(patch: Recipe, tmp_path: Path) -> None:
    source = chip_boxes.write(tmp_path / "boxes.gpkg")
    labels = BoxLabels(source), MaskLabels(source, ("ship", "crane"))
    chips = ChipDataset(patch, LEVEL, 128, Places(count=6, at_once=3), labels=labels)
    (batch, _) = DataLoader(chips, batch_size=3, collate_fn=collate)
    assert batch["image"].shape == (3, 3, 128, 128)
    assert batch["mask"].shape == (3, 128, 128)
    for edges, corners, classes, mask in zip(
        batch["window"], batch["corners"], batch["classes"], batch["mask"], strict=True
    ):
        window = Window(*edges.tolist())
        found = labels[0].of(patch.grid, LEVEL, window)
        assert classes.tolist() == [label.number for label in found]
        assert corners.shape == (len(found), 4, 2)
        np.testing.assert_allclose(corners.reshape(-1, 2), [p for label in found for p in label.corners])
        np.testing.assert_array_equal(mask.numpy(), labels[1].of(patch.grid, LEVEL, window))
    assert sum(map(len, batch["corners"])) > 0


def test_chips_of_a_store_are_drawn_no_more(patch: Recipe, tmp_path: Path) -> None:
    within = Window(40, 200, 96, 320)
    write_zarr(plan_window(patch, 2, within), tmp_path / "s.zarr")
    samples = list(ChipDataset(str(tmp_path / "s.zarr"), 2, 32, Places(count=8)))
    for sample in samples:
        window = Window(*sample["window"].tolist())
        assert within.contains(window)
        np.testing.assert_array_equal(sample["image"].numpy(), gi.generate(patch, 2, window))


def test_sixteen_bits_can_be_stacked(tmp_path: Path) -> None:
    import small_worlds

    world = small_worlds.patch_world(tmp_path)
    values = small_worlds.revealing(20, 28).astype("uint16") * 200
    root = small_worlds.write_root(tmp_path / "r.tif", values, "EPSG:32633", (412_300.0, 5_207_700.0), 300.0)
    deep = world.replace(root=str(root), dtype="uint16")
    (batch,) = DataLoader(ChipDataset(deep, 1, 16, Places(count=2, at_once=2)), batch_size=2)
    assert batch["image"].dtype == torch.int32
    assert batch["image"].max() > 255


def test_what_cannot_be_is_refused(patch: Recipe) -> None:
    with pytest.raises(WindowError, match="level=9 does not exist: this grid has levels 0 to 3"):
        ChipDataset(patch, 9, 32)
    with pytest.raises(
        WindowError, match="size=999 does not fit into 320 x 448 px; take a size of 320 at most"
    ):
        ChipDataset(patch, 2, 999)
    with pytest.raises(
        WorldError, match=r"part=\(0, 2\) must be \(i, n\) with 1 <= i <= n; the first of two"
    ):
        ChipDataset(patch, 2, 32, part=(0, 2))
    with pytest.raises(WorldError, match="epoch=-1 must be an integer from 0 on; count the epochs"):
        ChipDataset(patch, 2, 32).set_epoch(-1)


def test_xbatcher_cuts_a_lazy_world_into_the_same_pixels(patch: Recipe) -> None:
    window = Window(64, 160, 32, 160)
    array = gi.World(**{name: getattr(patch, name) for name in patch.__dataclass_fields__}).array(
        2, window=window
    )
    batches = xbatcher.BatchGenerator(array, input_dims={"y": 32, "x": 32})
    assert len(batches) == 12
    whole = gi.generate(patch, 2, window)
    for number in (0, 5, 11):
        row, column = divmod(number, 4)
        part = whole[:, row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]
        np.testing.assert_array_equal(batches[number].values, part)


def test_xbatcher_feeds_a_loader(patch: Recipe) -> None:
    from xbatcher.loaders.torch import MapDataset

    world = gi.World(**{name: getattr(patch, name) for name in patch.__dataclass_fields__})
    array = world.array(2, window=Window(64, 128, 32, 96))
    batches = MapDataset(xbatcher.BatchGenerator(array, input_dims={"y": 32, "x": 32}))
    (batch, _) = DataLoader(batches, batch_size=2)
    np.testing.assert_array_equal(batch[1].numpy(), gi.generate(patch, 2, Window(64, 96, 64, 96)))
