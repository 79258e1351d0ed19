"""LDSR-S2 from its published layout: answers, sampling and worlds of small networks that nobody trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import grounds
import ldsr_checkpoints
import numpy as np
import pytest
import torch
import yaml
from adapters import off
from affine import Affine
from drawings import UNCACHED

from geoinfinite import World, cli
from geoinfinite.diffusion.model import Cond
from geoinfinite.engine import generate
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.first_use import is_published
from geoinfinite.models.systems.ldsr_s2 import ldsr_files
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.plane.resample import coarsen_mean
from geoinfinite.plane.window import Window

SAME, DECODED = 1e-5, 1e-4
NAME = "opensr-ldsrs2_v1_0_0.ckpt"


def converted(source: Path, destination: Path, **settings: Any) -> Path:
    system, conversion = conversion_of(source, ConvertSettings(**settings))
    assert system.name == "ldsr-s2"
    return conversion.written(system, destination)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return ldsr_checkpoints.write(tmp_path_factory.mktemp("ldsr") / "published")


@pytest.fixture(scope="module")
def folder(published: tuple[Path, Any]) -> Path:
    return converted(published[0], published[0].parent / "made")


@pytest.fixture(scope="module")
def drawn() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    low = torch.rand(2, 4, 16, 16, generator=generator) * 0.4
    return {"low": low, "z": torch.randn(2, 4, 16, 16, generator=generator)}


def tiles(folder: Path, low: torch.Tensor) -> Any:
    """The model told coarse reflectances, whose edge pixels go on beyond them."""
    parent = torch.nn.functional.pad(low, (1, 1, 1, 1), mode="replicate") * 2 - 1
    model = from_pretrained(folder, normalisation="tile").load("cpu")
    return model.bind(Cond(parent.numpy(), 2.5, {}))


@pytest.mark.parametrize("timestep", [1, 481, 991])
def test_the_network(
    published: tuple[Path, Any], folder: Path, drawn: dict[str, torch.Tensor], timestep: int
) -> None:
    wanted = published[1].noise(drawn["z"], timestep, drawn["low"])
    found = tiles(folder, drawn["low"])._predict(drawn["z"], float(timestep))
    assert float(wanted.std()) > 0.1
    assert off(found, wanted) < SAME
    # Without the coarse image the answer is another one.
    assert off(published[1].noise(drawn["z"], timestep, drawn["low"] * 0), wanted) > 100 * SAME


def test_the_picture_in_reflectances(
    published: tuple[Path, Any], folder: Path, drawn: dict[str, torch.Tensor]
) -> None:
    image = tiles(folder, drawn["low"]).image(drawn["z"])
    wanted = published[1].first_stage_model.decode(drawn["z"])
    assert image.shape == (2, 4, 64, 64)
    assert off((image + 1) / 2, wanted) < DECODED


def test_the_parent_beyond_a_tile_is_seen(folder: Path, drawn: dict[str, torch.Tensor]) -> None:
    low = drawn["low"]
    told = tiles(folder, low)
    parent = torch.nn.functional.pad(low, (1, 1, 1, 1), mode="reflect") * 2 - 1
    other = told.model.bind(Cond(parent.numpy(), 2.5, {}))
    assert off(other._predict(drawn["z"], 481.0), told._predict(drawn["z"], 481.0)) > 100 * SAME


def test_averaged_weights(
    published: tuple[Path, Any], folder: Path, drawn: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    averaged = converted(published[0], tmp_path / "ema", weights="ema")
    found = tiles(averaged, drawn["low"])._predict(drawn["z"], 481.0)
    assert off(found, published[1].noise(drawn["z"], 481, drawn["low"])) > 100 * SAME


def test_it_is_sampled_as_its_authors_sample_it(folder: Path) -> None:
    model = from_pretrained(folder)
    sampler, sampling = model.default_sampler(), model.sampling()
    assert sampler is not None
    assert sampling is not None
    assert (sampler.solver, sampler.eta, sampler.steps, sampler.tile) == ("ddim", 0.95, 100, 64)
    # Block means stay those of the coarse image: what histograms of single tiles are matched for.
    assert sampler.consistency == "mean"
    assert sampling.timesteps(100) == tuple(range(991, 0, -10))
    betas = torch.linspace(0.0001**0.5, 0.0155**0.5, 1000, dtype=torch.float64) ** 2
    left = torch.cumprod(1 - betas, 0)
    wanted = ((1 - left) / left).sqrt()[[991, 981, 1]]
    found = np.array(sampling.sigmas(100))[[0, 1, 99]]
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-6)
    facts = model.facts()
    assert (facts.bands, facts.factor, facts.margin, facts.latent) == (4, 4, 1, 4)


def test_twice_the_same_bytes(published: tuple[Path, Any], folder: Path, tmp_path: Path) -> None:
    again = converted(published[0] / NAME, tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 6
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_the_weights_alone_have_the_published_settings(published: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copyfile(published[0] / NAME, tmp_path / NAME)
    assert is_published(tmp_path / NAME)
    files = ldsr_files(tmp_path / NAME)
    assert files is not None
    assert files.yaml is None
    # These networks are smaller than the published ones.
    with pytest.raises(ModelError, match=r"input_blocks.10.1.qkv.weight' is missing"):
        conversion_of(tmp_path / NAME, ConvertSettings())


@pytest.mark.parametrize(
    ("section", "key", "value", "says"),
    [
        (None, "apply_normalization", True, "apply_normalization=True must be false"),
        (None, "encode_conditioning", False, "encode_conditioning=False must be true"),
        ("denoiser_settings", "parameterization", "x0", "parameterization='x0' must be 'eps'"),
        ("cond_stage_config", "use_spatial_transformer", True, "use_spatial_transformer=True must be"),
        ("cond_stage_config", "num_head_channels", 24, r"num_head_channels=24 must divide the widths \[32"),
        ("first_stage_config", "ch_mult", [1, 2, 2], "has shape"),
    ],
)
def test_settings_of_other_networks_are_refused(
    published: tuple[Path, Any], tmp_path: Path, section: str | None, key: str, value: Any, says: str
) -> None:
    shutil.copytree(published[0], tmp_path / "other")
    said = yaml.safe_load((tmp_path / "other" / "config_10m.yaml").read_text())
    (said if section is None else said[section])[key] = value
    (tmp_path / "other" / "config_10m.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(ModelError, match=says):
        conversion_of(tmp_path / "other", ConvertSettings())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model.diffusion_model.middle_block.1.qkv.weight": None}, r"middle_block.1.*is missing"),
        ({"cond_stage_model.extra": torch.zeros(1)}, "nothing has a use for 'cond_stage_model.extra'"),
        ({"model.diffusion_model.middle_block.1.qkv.bias": torch.zeros(5)}, r"middle_block.1.qkv.bias"),
    ],
)
def test_other_tensors_are_refused(
    published: tuple[Path, Any], tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    shutil.copytree(published[0], tmp_path / "other")
    held = torch.load(published[0] / NAME, weights_only=True)["state_dict"] | changes
    torch.save({name: value for name, value in held.items() if value is not None}, tmp_path / "other" / NAME)
    with pytest.raises(ModelError, match=says):
        conversion_of(tmp_path / "other", ConvertSettings())


def test_inspect_says_what_a_world_needs(
    published: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", "inspect", str(published[0])]) == 0
    said = capsys.readouterr().out
    for line in ("LDSR-S2", "lacks       nothing", "parent      needed, 4 times coarser: red", "eta 0.95"):
        assert line in said


def test_windows_of_a_world_agree_and_keep_the_means_of_their_parent(
    published: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
    numbers = np.random.default_rng(3).integers(300, 4200, (4, 90, 70)).astype(np.uint16)
    transform = Affine(10, 0, 699_960, 0, -10, 5_200_020)
    grounds.write(tmp_path / "sentinel2.tif", numbers, "EPSG:32631", transform)
    world = World.loads(
        f"""
[world]
dtype = "float32"
[grid]
levels = 2
[root]
source = "{tmp_path / "sentinel2.tif"}"
scale = 1e-4
offset = 0.0
[model]
ref = "{published[0]}"
normalisation = "tile"
[sampler]
steps = 2
"""
    )
    assert world.sampler.consistency == "mean"
    one, other = Window(120, 164, 96, 144), Window(140, 188, 120, 152)
    both = one.intersect(other)
    first, second = (generate(world, 1, window, resources=UNCACHED) for window in (one, other))
    np.testing.assert_array_equal(first[:, *both.slices(one)], second[:, *both.slices(other)])
    low = numbers[:, 30:41, 24:36] / np.float32(10_000)
    np.testing.assert_allclose(coarsen_mean(first, 4), low, atol=1e-6)
    assert (first - low.repeat(4, 1).repeat(4, 2)).std() > 0.005


def test_the_sidecar_says_what_the_network_is_told(folder: Path, drawn: dict[str, torch.Tensor]) -> None:
    z = drawn["z"]
    told = Cond(np.random.default_rng(2).uniform(-1, 0, (2, 4, 18, 18)).astype(np.float32), 2.5, {})
    wanted = from_pretrained(folder).load("cpu").bind(told)._predict(z, 481.0)
    said = json.loads((folder / "geoinfinite.json").read_text())
    assert (said["parent"], said["image_span"], said["enlarge"]) == ("codes", [0.0, 1.0], "bilinear")
    said["parent"] = "shapes"
    broken = folder.parent / "broken"
    shutil.copytree(folder, broken)
    (broken / "geoinfinite.json").write_text(json.dumps(said))
    with pytest.raises(ModelError, match="parent='shapes' must be one of"):
        from_pretrained(broken)
    said["parent"] = "pixels"
    (broken / "geoinfinite.json").write_text(json.dumps(said))
    assert off(from_pretrained(broken).load("cpu").bind(told)._predict(z, 481.0), wanted) > 100 * SAME
    shutil.rmtree(broken / "vae")
    with pytest.raises(ModelError, match="of an autoencoder, and the checkpoint has none"):
        from_pretrained(broken)
