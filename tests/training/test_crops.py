import numpy as np
import pytest
import torch
from training.crops import Crops, _squared
from training.layer import Layer

from geoinfinite.models.earth.network import EarthSettings


def layer(source: str, pixels: torch.Tensor, gsd_m: float = 7421.0) -> Layer:
    usable = torch.ones(pixels.shape[1:], dtype=torch.bool)
    return Layer(source, pixels, usable, usable.clone(), gsd_m, (-1.0, 0.5), 1.0)


def globe() -> Layer:
    """Stripes of 8 px along the columns of a plate carree of 400 x 800."""
    x = torch.arange(800)
    pixels = (100 + 80 * torch.cos(2 * np.pi * x / 8)).round().to(torch.uint8)
    return layer("blue-marble", pixels.expand(3, 400, 800).contiguous())


def test_a_crop_at_60_degrees_is_half_as_wide_on_the_ground() -> None:
    row = int(400 * (90 - 60) / 180) - 32
    square = _squared(globe(), row, 300, 64)
    spectrum = np.abs(np.fft.rfft(square[0, 0].numpy() - 100))
    assert int(spectrum.argmax()) == 64 // 4
    assert torch.equal(square[0, 0], square[2, 40])


def test_a_crop_at_the_equator_stays_as_it_is() -> None:
    assert torch.equal(_squared(globe(), 170, 300, 60), globe().pixels[:, 170:230, 300:360].float())


def test_crops_that_would_leave_the_globe_or_the_split_stay_stretched() -> None:
    whole = globe()
    assert torch.equal(_squared(whole, 34, 0, 64), whole.pixels[:, 34:98, 0:64].float())
    whole.usable[:, 280:290] = False
    assert torch.equal(_squared(whole, 34, 295, 64), whole.pixels[:, 34:98, 295:359].float())


@pytest.mark.parametrize("source", ["blue-marble", "blue-marble-fine", "landsat", "neon"])
def test_parents_are_the_means_of_children(source: str) -> None:
    pixels = torch.from_numpy(np.random.default_rng(1).integers(30, 200, (3, 300, 420), np.uint8))
    settings = EarthSettings()
    one = layer(source, pixels)
    crops = Crops([one], settings, torch.Generator().manual_seed(2), one, plain=True)
    batch = crops.batch(4, 32, clean=True)
    assert batch.gsd_m.tolist() == [7421.0] * 4
    inner = batch.parent[..., settings.margin : -settings.margin, settings.margin : -settings.margin]
    assert float((torch.nn.functional.avg_pool2d(batch.child, 4) - inner).abs().max()) < 1 / 127


def test_open_sea_does_not_stop_a_search_for_land() -> None:
    sea = globe()
    sea.land[:] = False
    crops = Crops([sea], EarthSettings(), torch.Generator().manual_seed(3), globe())
    assert crops.batch(2, 32).child.shape == (2, 3, 32, 32)
