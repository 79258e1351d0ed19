import subprocess
import sys

import numpy as np
import pytest
import torch

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.earth.tiles import EarthModel
from geoinfinite.models.reference import ModelReference


def parents() -> np.ndarray:
    y, x = np.mgrid[:20, :20]
    ramp = np.stack([np.sin(y / 3) * 0.4, np.cos(x / 4) * 0.3, (y - x) / 60])
    flat = np.full((3, 20, 20), -0.8)
    return np.stack([ramp, flat]).astype(np.float32)


def drawn(dtype: str) -> np.ndarray:
    model = ModelReference("bundled:earth-small", dtype).load("cpu")
    bound = model.bind(Cond(parents(), 1855.0))
    noise = np.random.default_rng(0).standard_normal((2, 3, 32, 32), np.float32)
    x = bound.state(noise) * 3.0
    return bound.image(bound.denoise(x, 3.0))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_reduced_precision_draws_nearly_the_same(dtype: str) -> None:
    exact, reduced = drawn("float32"), drawn(dtype)
    assert reduced.dtype == np.float32
    assert 0 < np.abs(reduced - exact).max() < 0.05


def test_flat_parents_stay_nearly_flat() -> None:
    image = drawn("float32")
    assert image[1].std() < 0.02 < image[0].std()


def test_the_detail_lies_around_the_enlarged_parent() -> None:
    means = drawn("float32").reshape(2, 3, 8, 4, 8, 4).mean((3, 5))
    assert np.abs(means - parents()[:, :, 6:-6, 6:-6]).mean() < 0.05


def test_the_number_of_torch_threads_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    model = ModelReference("bundled:earth-small").load("cpu")
    assert isinstance(model, EarthModel)
    model.bind(Cond(parents(), 30.0))
    assert torch.get_num_threads() == before


DIGEST = """
import hashlib, sys
import numpy as np
import torch
from geoinfinite.diffusion.model import Cond
from geoinfinite.models.reference import ModelReference

torch.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)
model = ModelReference("bundled:earth-small").load("cpu")
bound = model.bind(Cond(rng.random((2, 3, 44, 44), np.float32), 464.0))
x = bound.state(rng.standard_normal((2, 3, 128, 128), np.float32))
print(hashlib.sha256(bound.image(bound.denoise(x, 1.0)).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, threads], capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(digests) == 1
