"""The kind of network that draws in one evaluation: what it is told, and that tiles stay alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from earth_networks import write_detail_network

from geoinfinite.diffusion.model import Cond
from geoinfinite.errors import ModelError
from geoinfinite.models.earth.detail_tiles import LARGEST_ASPECT, DetailModel
from geoinfinite.models.earth.shores import shore, with_shore
from geoinfinite.models.files import CONFIG, SIDECAR, WEIGHTS
from geoinfinite.models.reference import ModelReference, from_pretrained
from geoinfinite.testing import SteeredModelContract


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_detail_network(tmp_path / "detail")


def parents() -> np.ndarray:
    y, x = np.mgrid[:20, :20]
    ramp = np.stack([np.sin(y / 3) * 0.4, np.cos(x / 4) * 0.3, (y - x) / 60])
    return np.stack([ramp, ramp[::-1] / 2]).astype(np.float32)


def noise(tiles: int = 2) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((tiles, 3, 32, 32), np.float32)


def water() -> np.ndarray:
    y, x = np.mgrid[:32, :32]
    return np.where(x + 2 * y < 40, 1.0, -1.0)[None].astype(np.float32)


def drawn(
    folder: Path, gsd_m: float = 464.0, sigma: float = 9.0, dtype: str = "float32", **told
) -> np.ndarray:
    model = ModelReference(str(folder), dtype).load("cpu")
    bound = model.bind(Cond(parents(), gsd_m, {name: (value, None) for name, value in told.items()}))
    return bound.image(bound.denoise(bound.state(noise() * np.float32(sigma)), sigma))


class TestContract(SteeredModelContract):
    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder

    def reference(self) -> ModelReference:
        return ModelReference(str(self.folder))


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_the_answer_is_that_of_the_network_itself_and_the_shore(folder: Path, strength: float) -> None:
    model = ModelReference(str(folder)).load("cpu")
    assert isinstance(model, DetailModel)
    told = {"water": (water(), None), "aspect": (np.array([2.0]), None)}
    bound = model.bind(Cond(parents(), 464.0, told, strength={"water": strength}))
    detail = bound.field(bound.denoise(bound.state(noise() * np.float32(999)), 999.0))
    shares = torch.zeros(2, 2, 32, 32)
    shares[0, 0], shares[0, 1] = torch.from_numpy(water()[0]), 1
    added = strength * shore(bound.given, shares, model.settings.factor)
    assert float(added[0].abs().max()) > 0.1
    shares[:, 0] *= strength
    features = torch.cat([with_shore(bound.given, added).features, shares], 1)
    gsd, aspect = torch.tensor([464.0, 464.0]), torch.tensor([2.0, 1.0])
    with torch.no_grad():
        answer = model.network(torch.from_numpy(noise()), features, bound.given.stray, gsd, aspect)
    np.testing.assert_allclose(detail, (answer + added).numpy(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("told", [{"water": water()}, {"aspect": np.array([2.0])}])
def test_what_one_tile_is_told_changes_that_tile_alone(folder: Path, told: dict) -> None:
    silent, heard = drawn(folder), drawn(folder, **told)
    assert np.abs(heard[0] - silent[0]).max() > 1e-4
    np.testing.assert_array_equal(heard[1], silent[1])


def test_unknown_water_is_neither_water_nor_land(folder: Path) -> None:
    half = np.zeros((1, 32, 32), np.float32)
    assert np.abs(drawn(folder, water=half) - drawn(folder)).max() > 1e-4


def test_an_aspect_that_is_not_known_is_that_of_squares_and_large_ones_are_limited(folder: Path) -> None:
    np.testing.assert_array_equal(drawn(folder, aspect=np.array([np.nan])), drawn(folder))
    limit = drawn(folder, aspect=np.array([LARGEST_ASPECT]))
    np.testing.assert_array_equal(drawn(folder, aspect=np.array([50.0])), limit)


def test_the_ground_sample_distance_matters(folder: Path) -> None:
    assert np.abs(drawn(folder, 464.0) - drawn(folder, 29.0)).max() > 1e-5


def test_reduced_precision_draws_nearly_the_same(folder: Path) -> None:
    exact, reduced = drawn(folder), drawn(folder, dtype="bfloat16")
    assert 0 < np.abs(reduced - exact).max() < 0.1


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        (SIDECAR, "unshuffle", 4, r"geoinfinite.json: unshuffle=4 does not fit fold=2 in config.json"),
        (SIDECAR, "multiple", 10, r"geoinfinite.json: multiple=10 does not fit fold=2 in config.json"),
        (CONFIG, "channels", [16], r"config.json: channels=\[16\] must be a list of 2 to 2 values"),
        (CONFIG, "inputs", 10, r"config.json: inputs=10 must be 13"),
        (CONFIG, "contrast", 5, r"config.json: contrast=5 must be 3"),
        (CONFIG, "_class_name", "UNet2DModel", r"_class_name='UNet2DModel' must be 'DetailNetwork'"),
    ],
)
def test_files_that_do_not_fit_each_other(
    folder: Path, name: str, key: str, value: object, message: str
) -> None:
    found = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(found | {key: value}))
    with pytest.raises(ModelError, match=message):
        from_pretrained(folder)


def test_a_network_of_an_older_unit_is_refused(folder: Path) -> None:
    found = json.loads((folder / CONFIG).read_text())
    del found["contrast"]
    (folder / CONFIG).write_text(json.dumps(found))
    with pytest.raises(ModelError, match=r"config.json: contrast is missing, .* python -m training --start"):
        from_pretrained(folder)


def test_weights_of_another_shape(folder: Path) -> None:
    found = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(found | {"channels": [16, 32]}))
    with pytest.raises(ModelError, match=r"does not fit .*config.json .*; copy the whole checkpoint again"):
        ModelReference(str(folder)).load("cpu")


def test_the_digest_is_of_all_three_files(folder: Path, tmp_path: Path) -> None:
    before = ModelReference(str(folder)).digest()
    for name in (SIDECAR, CONFIG, WEIGHTS):
        other = Path(shutil.copytree(folder, tmp_path / name))
        with (other / name).open("ab") as file:
            file.write(b" ")
        assert ModelReference(str(other)).digest() != before


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
