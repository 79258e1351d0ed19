"""A training pack keeps what is known of a scene; pictures lose less than a few counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training.scene import NO_POWER, Scene, all_usable
from training_scenes import scene, smooth

from training import pack


@pytest.fixture
def scenes() -> list[Scene]:
    """A globe with water and a gap, and a scene without either."""
    usable = torch.ones(150, 260, dtype=torch.bool)
    usable[20:30, 200:] = False
    water = torch.zeros(150, 260, dtype=torch.uint8)
    water[40:, :100] = 255
    water[40:60, 90:100] = 128
    pixels = smooth(150, 260, 1)
    globe = scene("blue-marble", pixels, gsd_m=7421.29944, water=water, usable=usable, plate_carree=True)
    field = replace(
        scene("naip", smooth(200, 170, 2), gsd_m=0.6), octaves=(-1.4, 1.0), weights={0: 4.0, 2: 0.5}
    )
    return [globe, field]


def test_a_pack_keeps_what_is_known_of_a_scene(scenes: list[Scene], tmp_path: Path) -> None:
    pack.write(tmp_path / "pack", scenes)
    found = pack.read(tmp_path / "pack")
    for one, other in zip(scenes, found, strict=True):
        assert (one.name, one.source, one.octaves, one.weights) == (
            other.name,
            other.source,
            other.octaves,
            other.weights,
        )
        assert one.plate_carree == other.plate_carree
        assert other.gsd_m == pytest.approx(one.gsd_m, abs=1e-4)
        assert torch.equal(one.usable, other.usable)
        error = (one.pixels.float() - other.pixels.float()).abs()
        assert one.pixels.shape == other.pixels.shape
        assert float(error.square().mean().sqrt()) < 2.0
        assert float(error.max()) < 16
    globe, field = found
    assert field.water is None
    assert globe.water is not None
    assert (int(globe.water[100, 50]), int(globe.water[10, 50])) == (255, 0)
    assert abs(int(globe.water[50, 95]) - 128) <= 255 / pack.WATER_STEPS / 2 + 1


def test_masks_and_water_are_written_only_where_there_are_any(scenes: list[Scene], tmp_path: Path) -> None:
    pack.write(tmp_path, scenes)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "blue-marble-of-a-test.avif",
        "blue-marble-of-a-test.usable.png",
        "blue-marble-of-a-test.water.png",
        "index.json",
        "naip-of-a-test.avif",
    ]
    index = json.loads((tmp_path / "index.json").read_text())
    assert [entry["name"] for entry in index["scenes"]] == ["blue-marble-of-a-test", "naip-of-a-test"]


def test_layers_are_means_where_all_pixels_are_usable() -> None:
    pixels, water = smooth(400, 500, 3), smooth(400, 500, 4)[0]
    usable = all_usable(pixels)
    usable[101, 203] = False
    one = replace(
        scene("landsat", pixels, water=water, usable=usable), weights={0: 2.0, 1: 1.5, 3: 0.5, 2: 1.0}
    )
    fine, half, quarter = one.layers()
    assert [layer.gsd_m for layer in (fine, half, quarter)] == [30.0, 60.0, 120.0]
    assert [layer.weight for layer in (fine, half, quarter)] == [2.0, 1.5, 1.0]
    assert NO_POWER > 400 // 8
    expected = pixels[:, 20:22, 62:64].double().mean((1, 2))
    assert (half.pixels[:, 10, 31].double() - expected).abs().max() <= 0.5
    assert half.water is not None
    assert abs(float(half.water[10, 31]) - float(water[20:22, 62:64].double().mean())) <= 0.5
    assert (~half.usable).nonzero().tolist() == [[50, 101]]
    assert quarter.pixels.shape == (3, 100, 125)
    assert (~quarter.usable).nonzero().tolist() == [[25, 50]]
    # Mirrored to a crop of 176 px, 38 rows and 25 columns come before.
    quarter = quarter.mirrored(176)
    assert quarter.pixels.shape == (3, 176, 176)
    assert (~quarter.usable).nonzero().tolist() == [[37 - 25, 25 + 50], [38 + 25, 25 + 50]]
