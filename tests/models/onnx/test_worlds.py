"""Worlds drawn through ONNX Runtime, beside the same worlds drawn through torch."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import latents
import numpy as np
import pytest
import small_worlds
from drawings import UNCACHED

from geoinfinite import plan
from geoinfinite.cli import main
from geoinfinite.diffusion.model import Cond
from geoinfinite.engine import generate, process_resources
from geoinfinite.errors import StoreError
from geoinfinite.models import from_pretrained
from geoinfinite.models.backend import NEEDED
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.identity import numerics_profile
from geoinfinite.world import World

for needed in NEEDED:
    pytest.importorskip(needed, reason=f"{needed} is not installed")

WHOLE, PART = Window(8, 48, 8, 56), Window(13, 41, 19, 46)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UNet2DModel with attention that is told its parent."""
    place = tmp_path_factory.mktemp("model")
    return latents.write(place, latents.unet(6, 3), sidecar={"factor": 4, "margin": 2})


@pytest.fixture
def worlds(tmp_path: Path, folder: Path) -> tuple[World, World]:
    """The same world through torch, and through ONNX Runtime."""
    patch = small_worlds.patch_world(tmp_path)
    through_torch = World(**{name: getattr(patch, name) for name in Recipe.__dataclass_fields__})
    through_torch = through_torch.replace(model=from_pretrained(folder))
    return through_torch, through_torch.replace(model=from_pretrained(folder, backend="onnx"))


def test_windows_agree_with_torch_and_are_crops_of_larger_ones(
    worlds: tuple[World, World],
) -> None:
    wanted, whole = (generate(world, 1, WHOLE, resources=UNCACHED) for world in worlds)
    assert wanted.std() > 2
    assert np.abs(whole.astype(int) - wanted).max() <= 1
    assert (whole != wanted).mean() < 0.01
    y, x = PART.slices(WHOLE)
    np.testing.assert_array_equal(generate(worlds[1], 1, PART, resources=UNCACHED), whole[:, y, x])


def test_a_tile_has_the_same_bits_alone_and_in_a_batch(folder: Path) -> None:
    models = {name: ModelReference(str(folder), backend=name) for name in ("torch", "onnx")}
    parent, x = latents.field(3, 3, 12, 12, seed=6), latents.field(3, 3, 32, 32)

    def drawn(name: str, tiles: slice) -> np.ndarray:
        reference = models[name]
        with UNCACHED.models.lend((reference.digest(), "cpu"), lambda: reference.load("cpu")) as model:
            bound = model.bind(Cond(parent[tiles], 30.0))
            return bound.image(bound.denoise(bound.state(4 * x[tiles]), 4.0))

    together = drawn("onnx", slice(None))
    for tile in range(3):
        np.testing.assert_array_equal(drawn("onnx", slice(tile, tile + 1))[0], together[tile])
    wanted = drawn("torch", slice(None))
    np.testing.assert_allclose(together, wanted, atol=1e-4 * np.ptp(wanted), rtol=0)


def test_the_backend_is_part_of_token_profile_and_world_file(worlds: tuple[World, World]) -> None:
    through_torch, through_onnx = worlds
    assert through_torch.token != through_onnx.token
    profiles = numerics_profile(through_torch), numerics_profile(through_onnx)
    assert profiles[1] == profiles[0] | {"backend": "onnx", **{name: version(name) for name in NEEDED}}
    array = through_onnx.array(1, window=WHOLE)
    assert plan(array).evaluations == plan(through_torch.array(1, window=WHOLE)).evaluations


def test_a_world_file_keeps_the_backend_and_info_names_it(
    worlds: tuple[World, World], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "saved.toml"
    for world, said in zip(worlds, (", float32, on cpu", ", float32, by onnx, on cpu"), strict=True):
        world.save(path)
        assert World.load(path).token == world.token
        assert main(["info", str(path)]) == 0
        # The path of the folder may break the line.
        assert said.replace(" ", "") in "".join(capsys.readouterr().out.split())
        assert main(["info", str(path), "--json"]) == 0
        levels = json.loads(capsys.readouterr().out)["levels"]
        assert [level["backend"] for level in levels[:2]] == [None, world.model.backend]


def test_a_store_is_continued_by_its_own_backend_alone(worlds: tuple[World, World], tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    for world in worlds[::-1]:
        process_resources().tiles.clear()
        array = world.array(1, window=Window(0, 8, 4, 12))
        if world is worlds[1]:
            array.geoinfinite.to_zarr(path, progress=False)
            continue
        with pytest.raises(StoreError, match=r"another job: model\.backend='onnx' there, 'torch' here"):
            array.geoinfinite.to_zarr(path, progress=False)


def test_the_bundled_network_draws_the_same() -> None:
    earth = World.load("earth")
    window = Window(2701, 2730, 10_790, 10_820)
    through_onnx = earth.replace(model=replace(earth.model, backend="onnx"))
    wanted = generate(earth, 1, window, resources=UNCACHED)
    assert wanted.std() > 5
    drawn = generate(through_onnx, 1, window, resources=UNCACHED)
    assert np.abs(drawn.astype(int) - wanted).max() <= 1
    assert (drawn != wanted).mean() < 0.01
