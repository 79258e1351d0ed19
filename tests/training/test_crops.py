"""Crops for training: what parents, labels, aspects and water say of the pixels; what is never drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from training.batch import Region
from training.crops import Crops
from training.scene import Scene
from training.told_water import in_cells
from training_scenes import rough, scene, smooth, waves

from geoinfinite.models.earth.network import EarthSettings

SETTINGS = EarthSettings(margin=6)
HALF_A_COUNT = 1.001 / 255


def crops(scenes: list[Scene], seed: int = 2, plain: bool = False) -> Crops:
    return Crops(scenes, SETTINGS, torch.Generator().manual_seed(seed), plain)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("source", ["blue-marble", "blue-marble-fine", "landsat", "neon"])
def test_parents_are_the_means_of_children(source: str, plain: bool) -> None:
    batch = crops([scene(source, rough(300, 420, 1))], plain=plain).batch(4, 32)
    inner = batch.parent[..., SETTINGS.margin : -SETTINGS.margin, SETTINGS.margin : -SETTINGS.margin]
    assert batch.child.shape == (4, 3, 32, 32)
    assert batch.parent.shape == (4, 3, 20, 20)
    assert float((F.avg_pool2d(batch.child, 4) - inner).abs().max()) <= HALF_A_COUNT


def test_plain_crops_have_the_label_of_their_scene() -> None:
    batch = crops([scene("blue-marble-fine", rough(300, 420, 1), gsd_m=700.0)], plain=True).batch(3, 32)
    assert batch.gsd_m.tolist() == [700.0] * 3
    assert batch.aspect.tolist() == [1.0] * 3


def test_the_aspect_and_label_of_squashed_crops_are_those_of_their_pixels() -> None:
    down, across = 20.0, 12.0
    region = crops([scene("landsat", waves(700, 650, down, across))]).region(30, 176)
    squashed = [aspect for aspect in region.aspect.tolist() if aspect > 1]
    assert 3 < len(squashed) < 20
    assert max(squashed) > 1.5
    turned = 0
    for picture, gsd_m, aspect in zip(region.picture, region.gsd_m, region.aspect, strict=True):
        varies_down = int(picture.mean(2).std(1).argmax())
        along_y, along_x = (down, across) if varies_down == 0 else (across, down)
        turned += varies_down
        assert _period(picture[varies_down].mean(1)) * float(aspect) == pytest.approx(along_y, rel=0.02)
        assert _period(picture[1 - varies_down].mean(0)) == pytest.approx(along_x, rel=0.02)
        assert float(gsd_m) == pytest.approx(30.0 * float(aspect))
    assert 0 < turned < 30


def test_the_aspect_of_the_globe_is_that_of_its_latitude() -> None:
    rows = torch.arange(400)[:, None].expand(400, 800)
    pixels = torch.stack([rows // 2, rows % 2, torch.full_like(rows, 60)]).to(torch.uint8)
    globe = scene("blue-marble", pixels, gsd_m=50_000.0, plate_carree=True)
    region = crops([globe], plain=True).region(12, 64)
    counts = (region.picture + 1) * 127.5
    middles = 2 * counts[:, 0].mean((1, 2)) + counts[:, 1].mean((1, 2)) + 0.5
    for middle, aspect in zip(middles.tolist(), region.aspect.tolist(), strict=True):
        latitude = math.radians(90 - middle * 180 / 400)
        assert aspect == pytest.approx(min(4.0, 1 / math.cos(latitude)), rel=1e-3)
    assert region.aspect.max() > 1.2


def test_water_follows_flips_and_turns() -> None:
    pixels = smooth(400, 500, 4)
    region = crops([scene("landsat", pixels, water=pixels[0])]).region(24, 96)
    known = [i for i in range(24) if bool(region.water[i, 1].all())]
    assert 10 < len(known) < 24
    equal = 0
    for i in known:
        likeness = [_correlation(region.picture[i, 0], other) for other in _symmetries(region.water[i, 0])]
        assert int(np.argmax(likeness)) == 0
        equal += likeness[0] > 0.9999
    assert 0 < equal < len(known)


def test_water_that_is_not_known_or_not_told_is_zero() -> None:
    water = rough(300, 300, 5)[0]
    told = crops([scene("landsat", rough(300, 300, 1), water=water)]).batch(16, 32).water
    assert {float(x) for x in told[:, 1].flatten(1).mean(1)} == {0.0, 1.0}
    assert not bool(told[told[:, 1, 0, 0] == 0].any())
    assert not bool(crops([scene("landsat", rough(300, 300, 1))]).batch(4, 32).water.any())


@pytest.mark.parametrize("cell", [4, 16])
def test_cells_are_interpolated_between_their_means(cell: int) -> None:
    water = torch.from_numpy(np.random.default_rng(6).uniform(-1, 1, (1, 1, 48, 80))).float()
    means = water[0, 0].reshape(48 // cell, cell, 80 // cell, cell).mean((1, 3)).numpy()
    rows, columns = ((np.arange(side) + 0.5) / cell - 0.5 for side in (48, 80))
    down = np.array([np.interp(rows, np.arange(len(means)), column) for column in means.T]).T
    expected = np.array([np.interp(columns, np.arange(means.shape[1]), row) for row in down])
    assert np.allclose(in_cells(water, cell)[0, 0].numpy(), expected, atol=1e-5)


def test_cells_of_one_pixel_and_cells_that_do_not_fit() -> None:
    water = torch.linspace(-1, 1, 140).reshape(1, 1, 10, 14)
    assert torch.equal(in_cells(water, 1), water)
    assert in_cells(water, 4).shape == (1, 1, 10, 14)


@pytest.mark.parametrize("source", ["blue-marble", "landsat"])
def test_pixels_that_are_not_usable_are_never_drawn(source: str) -> None:
    # Water marks them: whatever happens to a crop, a pixel of theirs would raise its share of water.
    pixels, water = rough(420, 400, 7), torch.zeros(420, 400, dtype=torch.uint8)
    usable = torch.ones(420, 400, dtype=torch.bool)
    usable[300:] = usable[:, :60] = usable[90:110, 200:230] = False
    water[~usable] = 255
    region = crops([scene(source, pixels, water=water, usable=usable)]).region(60, 80)
    told = region.water[region.water[:, 1, 0, 0] == 1]
    assert len(told) > 30
    assert float(told[:, 0].max()) == pytest.approx(-1.0, abs=1e-5)


def test_the_same_seed_gives_the_same_batches() -> None:
    def drawn(seed: int) -> list[Tensor]:
        stream = crops([scene("landsat", smooth(300, 420, 8), water=rough(300, 420, 9)[0])], seed)
        batches = [stream.batch(2, 32), stream.batch(2, 64)]
        return [x for b in batches for x in (b.parent, b.child, b.water, b.gsd_m, b.aspect)]

    assert all(torch.equal(a, b) for a, b in zip(drawn(3), drawn(3), strict=True))
    assert not torch.equal(drawn(3)[1], drawn(4)[1])


def test_layers_that_are_too_small_or_too_coarse_are_not_drawn() -> None:
    small = scene("naip", smooth(200, 180, 10) // 4, gsd_m=0.6)
    large = scene("landsat", smooth(400, 420, 11), gsd_m=30.0)
    coarse = scene("blue-marble", smooth(400, 420, 12), gsd_m=7421.0)
    stream = crops([coarse, small, large], plain=True)
    assert set(_labels(stream.region(40, 120))) == {7421.0, 0.6, 30.0}
    assert set(_labels(stream.region(20, 370))) == {7421.0, 30.0}
    assert set(_labels(stream.region(20, 370, coarsest=1000.0))) == {30.0}


def test_open_sea_does_not_stop_a_search_for_land() -> None:
    sea = torch.full((300, 400), 255, dtype=torch.uint8)
    globe = scene("blue-marble", smooth(300, 400, 13), water=sea, plate_carree=True)
    land = scene("landsat", smooth(300, 400, 14))
    assert crops([land, globe]).batch(6, 32).child.shape == (6, 3, 32, 32)


def _labels(region: Region) -> list[float]:
    return [round(label, 4) for label in region.gsd_m.tolist()]


def _period(signal: Tensor) -> float:
    """The period of the strongest wave, by a spectrum on a fine grid of frequencies."""
    windowed = (signal - signal.mean()).numpy() * np.hanning(len(signal))
    spectrum = np.abs(np.fft.rfft(windowed, 16 * len(signal)))
    return 16 * len(signal) / int(spectrum.argmax())


def _correlation(one: Tensor, other: Tensor) -> float:
    return float(np.corrcoef(one.flatten().numpy(), other.flatten().numpy())[0, 1])


def _symmetries(image: Tensor) -> list[Tensor]:
    turns = [torch.rot90(image, k) for k in range(4)]
    return turns + [turn.flip(1) for turn in turns]


def test_rough_places_are_shown_more_often_than_they_occur() -> None:
    # One column in eight is rough.
    pixels = smooth(300, 1200, 13, cell=60) // 4 + 60
    pixels[:, :, 900:1050] = rough(300, 150, 14)
    globe = scene("blue-marble", pixels, gsd_m=7421.0)
    usual, plain = (crops([globe], plain=plain).region(160, 64).picture for plain in (False, True))
    shares = [
        float(((x[:, 1, :, 1:] - x[:, 1, :, :-1]).abs().mean((1, 2)) * 127.5 > 9).float().mean())
        for x in (usual, plain)
    ]
    assert shares[0] > shares[1] + 0.1
