"""Drawing in training: block means, the unit of detail, examples with drawn parents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from training.batch import Batch, centre
from training.crops import Crops
from training.detail import (
    detail_of,
    draw,
    drawn_parents,
    given,
    lineage,
    noise_of,
    region_side,
    with_drawn_parents,
    without_means,
)
from training.learner import SETTINGS
from training_scenes import rough, scene, smooth

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.earth.colours import condition, from_axes, reconstruct
from geoinfinite.models.earth.detail import DetailNetwork, DetailShape
from geoinfinite.models.earth.detail_tiles import DetailModel

FACTOR = SETTINGS.factor


@pytest.fixture(scope="module")
def network() -> DetailNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return DetailNetwork(DetailShape(channels=(8, 12), blocks=(1, 1), embedding=8))


@pytest.fixture(scope="module")
def crops() -> Crops:
    pixels = smooth(460, 420, 1) // 2 + 40
    one = scene("landsat", pixels, water=pixels[1])
    return Crops([one], SETTINGS, torch.Generator().manual_seed(4))


def noise(size: int, side: int) -> Tensor:
    return torch.randn(size, 3, side, side, generator=torch.Generator().manual_seed(5))


def test_the_means_of_parent_pixels_vanish() -> None:
    image = rough(24, 40, 2)[None].float()
    found = without_means(image, FACTOR)
    assert float(F.avg_pool2d(found, FACTOR).abs().max()) < 1e-4
    difference = image - found
    assert torch.equal(difference, F.interpolate(difference[..., ::4, ::4], scale_factor=4, mode="nearest"))


def test_children_are_their_means_and_their_detail(crops: Crops) -> None:
    batch = crops.batch(3, 32)
    seen = given(batch, SETTINGS)
    means = F.interpolate(F.avg_pool2d(batch.child, FACTOR), scale_factor=FACTOR, mode="nearest")
    detail = from_axes(seen.condition.unit * detail_of(batch.child, seen, FACTOR))
    enlarged = without_means(seen.condition.base, FACTOR)
    assert torch.allclose(means + enlarged + detail, batch.child, atol=1e-5)


def test_training_draws_what_the_library_draws_where_water_is_told(
    crops: Crops, network: DetailNetwork
) -> None:
    batch = crops.batch(4, 32)
    told = batch.part(batch.water[:, 1, 0, 0] == 1)
    facts = {
        "water": tuple(x[None].numpy() for x in told.water[:, 0]),
        "aspect": tuple(told.aspect[:, None].numpy()),
    }
    seen = given(told, SETTINGS)
    bound = DetailModel(network, SETTINGS, "cpu", torch.float32).bind(Cond(told.parent.numpy(), 30.0, facts))
    # From noise alone the estimate is the drawing itself, to one part in a thousand.
    library = bound.image(bound.denoise(bound.state(999 * noise(len(told.child), 32).numpy()), 999.0))
    with torch.no_grad():
        gsd_m = torch.full_like(told.gsd_m, 30.0)
        stray = seen.condition.stray
        detail = network(noise(len(told.child), 32), seen.features, stray, gsd_m, told.aspect)
    ours = reconstruct(detail, seen.condition).numpy()
    assert float((seen.condition.base - condition(told.parent, SETTINGS).base).abs().max()) > 0.02
    np.testing.assert_allclose(library, ours, atol=2e-3)


def test_drawn_children_are_bytes_with_the_means_of_their_parents(
    crops: Crops, network: DetailNetwork
) -> None:
    batch = crops.batch(3, 32)
    child = draw(network, given(batch, SETTINGS), noise(3, 32)).detach()
    assert float(child.abs().max()) < 1
    counts = (child + 1) * 127.5
    assert torch.allclose(counts, counts.round(), atol=1e-3)
    # The mean of 16 roundings is at most half a count off.
    assert torch.allclose(F.avg_pool2d(child, FACTOR), centre(batch.parent, 8), atol=1.001 / 255)
    assert not torch.allclose(child, batch.child, atol=0.01)


def test_drawn_children_follow_noise_water_label_and_aspect(crops: Crops, network: DetailNetwork) -> None:
    batch = crops.batch(2, 32)

    def drawn(other: Batch, start: Tensor) -> Tensor:
        return draw(network, given(other, SETTINGS), start)

    parts = (batch.parent, batch.child)
    usual = drawn(batch, noise(2, 32))
    assert torch.equal(usual, drawn(batch, noise(2, 32)))
    assert not torch.allclose(usual, drawn(batch, noise(2, 32).flip(3)), atol=1e-4)
    assert not torch.allclose(
        usual, drawn(Batch(*parts, batch.water.flip(3), batch.gsd_m, batch.aspect), noise(2, 32)), atol=1e-6
    )


def test_the_critic_is_shown_all_but_the_unit(crops: Crops) -> None:
    batch = crops.batch(2, 32)
    seen = given(batch, SETTINGS)
    assert seen.features.shape == (2, 10, 32, 32)
    assert torch.equal(seen.features[:, 8:], batch.water)
    assert torch.equal(seen.shown, torch.cat([seen.features[:, :6], batch.water], 1))


def test_a_gradient_reaches_the_drawing_of_a_parent(crops: Crops, network: DetailNetwork) -> None:
    wide = Crops([scene("landsat", smooth(1300, 1290, 7) // 2 + 40)], SETTINGS, torch.Generator())
    places = lineage(wide.region(2, region_side(32, SETTINGS, 2)), 32, SETTINGS, 2)
    noises = noise_of(places, torch.Generator().manual_seed(5))
    parents = drawn_parents(network, places, SETTINGS, noises)
    counts = (parents.detach() + 1) * 127.5
    assert torch.allclose(counts, counts.round(), atol=1e-3)
    seen = given(replace(places.youngest, parent=parents), SETTINGS)
    slope, *_ = torch.autograd.grad(seen.shown.square().mean(), [network.leave.weight])
    assert bool(torch.isfinite(slope).all())
    assert float(slope.abs().max()) > 0


def test_examples_with_drawn_parents_keep_the_cascade_law(crops: Crops, network: DetailNetwork) -> None:
    both = lineage(crops.region(3, region_side(32, SETTINGS, 1)), 32, SETTINGS)
    batch = with_drawn_parents(network, both, SETTINGS, torch.Generator().manual_seed(5))
    assert batch.child.shape == (3, 3, 32, 32)
    assert batch.parent.shape == (3, 3, 8 + 2 * SETTINGS.margin, 8 + 2 * SETTINGS.margin)
    assert batch.water.shape == (3, 2, 32, 32)
    assert torch.allclose(F.avg_pool2d(batch.child, FACTOR), centre(batch.parent, 8), atol=1.001 / 255)
    assert all(30 <= gsd_m <= 30 * 4 for gsd_m in batch.gsd_m.tolist())


def test_drawn_parents_have_the_means_of_real_grandparents(crops: Crops, network: DetailNetwork) -> None:
    both = lineage(crops.region(2, region_side(32, SETTINGS, 1)), 32, SETTINGS)
    real = both.youngest.parent
    assert torch.equal(real, centre(both.older[0].child, 8 + 2 * SETTINGS.margin))
    drawn = with_drawn_parents(network, both, SETTINGS, torch.Generator().manual_seed(5))
    # A window of 20 parent pixels starts in the middle of a grandparent: two pixels are cut off first.
    means, true = (F.avg_pool2d(image[..., 2:-2, 2:-2], FACTOR) for image in (drawn.parent, real))
    assert float((means - true).abs().max()) < 2.001 / 255
    assert float((drawn.parent - real).abs().max()) > 4 / 255


def test_two_generations_are_drawn_one_from_the_other(crops: Crops, network: DetailNetwork) -> None:
    wide = Crops([scene("landsat", smooth(1300, 1290, 7) // 2 + 40)], SETTINGS, torch.Generator())
    both = lineage(wide.region(2, region_side(32, SETTINGS, 2)), 32, SETTINGS, 2)
    oldest, older = both.older
    window = older.parent.shape[-1]
    assert torch.equal(older.parent, centre(oldest.child, window))
    assert torch.equal(both.youngest.parent, centre(older.child, both.youngest.parent.shape[-1]))
    assert torch.equal(oldest.gsd_m, 16 * both.youngest.gsd_m)
    drawn = with_drawn_parents(network, both, SETTINGS, torch.Generator().manual_seed(5)).parent
    one = replace(both, older=(older,))
    from_real = with_drawn_parents(network, one, SETTINGS, torch.Generator().manual_seed(5)).parent
    # Means over 4 x 4 are a real grandparent's with one generation, a drawn one's with two.
    means, real = (F.avg_pool2d(x[..., 2:-2, 2:-2], FACTOR) for x in (drawn, from_real))
    assert float((means - real).abs().max()) > 4 / 255
    means, real = (F.avg_pool2d(centre(x, 16), 16) for x in (drawn, both.youngest.parent))
    assert float((means - real).abs().max()) < 0.2
