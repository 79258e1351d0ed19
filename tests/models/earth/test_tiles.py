import numpy as np
import pytest
import torch
from earth_networks import write_flow_network

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.reference import ModelReference


def parents() -> np.ndarray:
    y, x = np.mgrid[:20, :20]
    ramp = np.stack([np.sin(y / 3) * 0.4, np.cos(x / 4) * 0.3, (y - x) / 60])
    flat = np.full((3, 20, 20), -0.8)
    return np.stack([ramp, flat]).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    return str(write_flow_network(tmp_path / "flow"))


def drawn(folder: str, dtype: str) -> np.ndarray:
    model = ModelReference(folder, dtype).load("cpu")
    bound = model.bind(Cond(parents(), 1855.0))
    noise = np.random.default_rng(0).standard_normal((2, 3, 32, 32), np.float32)
    x = bound.state(noise) * 3.0
    return bound.image(bound.denoise(x, 3.0))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_reduced_precision_draws_nearly_the_same(folder: str, dtype: str) -> None:
    exact, reduced = drawn(folder, "float32"), drawn(folder, dtype)
    assert reduced.dtype == np.float32
    assert 0 < np.abs(reduced - exact).max() < 0.05


def test_detail_is_in_units_of_the_parents_contrast(folder: str) -> None:
    image = drawn(folder, "float32")
    enlarged = parents()[:, :, 6:-6, 6:-6].repeat(4, 2).repeat(4, 3)
    around = np.abs(image - enlarged).mean((1, 2, 3))
    assert 1.5 * around[1] < around[0]


def test_the_image_is_found_again_from_its_state(folder: str) -> None:
    bound = ModelReference(folder).load("cpu").bind(Cond(parents(), 30.0))
    image = np.random.default_rng(2).uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    np.testing.assert_allclose(bound.image(bound.encode(image)), image, atol=1e-5)


def test_the_number_of_torch_threads_is_left_as_it_was(folder: str) -> None:
    before = torch.get_num_threads()
    ModelReference(folder).load("cpu").bind(Cond(parents(), 30.0))
    assert torch.get_num_threads() == before
