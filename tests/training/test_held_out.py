from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from held_out_scenes import pixels, scenes, write_network
from training.held_out import GROUPS, Group, HeldOut, counts, drawn, enlarged, read_network

NAMED = {group.name: group for group in GROUPS}
FINE, ORTHO = NAMED["blue-marble-500m"], NAMED["neon-0.1m"]


def test_a_group_has_the_layers_of_its_source_and_resolution_that_were_not_mirrored() -> None:
    found = HeldOut(scenes(), FINE, 1)
    assert [layer.gsd_m for layer in found.crops.layers] == [600.0, 800.0]
    assert found.apart == pytest.approx((300 * 420 + 260 * 250) / 128**2)
    assert HeldOut(scenes(), Group("none", "landsat", 25, 40), 1).crops.layers == []


def test_layers_are_drawn_in_proportion_to_their_area() -> None:
    batch = HeldOut(scenes(), FINE, 2).batch(240, 16)
    share = float((batch.gsd_m == 600).float().mean())
    assert share == pytest.approx(300 * 420 / (300 * 420 + 260 * 250), abs=0.08)


def test_a_child_is_cut_where_its_parent_is() -> None:
    batch = HeldOut(scenes(), ORTHO, 3).batch(6, 64)
    inner = batch.parent[..., 6:-6, 6:-6]
    means = torch.nn.functional.avg_pool2d(batch.child, 4)
    torch.testing.assert_close(inner, means, atol=1.01 / 255, rtol=0)
    rows, columns = counts(batch.child)[:, 1], counts(batch.child)[:, 2]
    assert (np.diff(rows.astype(int), axis=1) == 1).all()
    assert (np.abs(np.diff(columns.astype(int), axis=2)) == 1).all()


def test_children_keep_the_means_of_their_parents_and_follow_the_seed(tmp_path: Path) -> None:
    network = read_network(write_network(tmp_path))
    batch = HeldOut(scenes(), ORTHO, 4).batch(10, 32)
    one, same, other = (drawn(network, batch, seed) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert float((one - other).abs().max()) > 1e-3
    inner = (one.abs() < 1).all(1, keepdim=True)
    means = torch.nn.functional.avg_pool2d(one, 4)
    whole = torch.nn.functional.avg_pool2d(inner.float(), 4) == 1
    error = (means - batch.parent[..., 6:-6, 6:-6]).abs() * whole
    # The mean of 16 roundings is at most half a count off.
    assert float(error.max()) < 0.501 / 127.5
    assert float(whole.float().mean()) > 0.5


def test_enlarged_parents_have_their_means_and_no_detail_whatever_is_told_of_their_water() -> None:
    batch = HeldOut(scenes(), ORTHO, 4).batch(3, 32)
    smooth = enlarged(batch)
    water = torch.ones_like(batch.water)
    water[:, 0, :, 7:] = -1
    assert torch.equal(enlarged(replace(batch, water=water)), smooth)
    torch.testing.assert_close(
        torch.nn.functional.avg_pool2d(smooth, 4), batch.parent[..., 6:-6, 6:-6], atol=1e-5, rtol=0
    )
    # The fixture is a plane, which bicubic enlargement gives back.
    torch.testing.assert_close(smooth, batch.child, atol=1.01 / 127.5, rtol=0)


def test_a_part_of_a_batch_has_its_examples() -> None:
    batch = HeldOut(scenes(), FINE, 7).batch(5, 16)
    chosen = batch.part(torch.tensor([False, True, False, False, True]))
    assert torch.equal(chosen.child, batch.child[[1, 4]])
    assert torch.equal(chosen.gsd_m, batch.gsd_m[[1, 4]])


def test_bytes_come_back_as_they_were() -> None:
    values = pixels(40, 300, 9)[None]
    assert np.array_equal(counts(values.float() / 127.5 - 1), values.numpy())
