"""Networks of diffusers' checkpoints as denoisers, beside the network called directly."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import diffusers
import latents
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from geoinfinite.diffusion.model import Bound, Cond
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.diffusers.weights import load_tensors
from geoinfinite.models.files import read_header
from geoinfinite.models.reference import WEIGHTS
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers import IndependentTiles


def loaded(folder: Path, cond: Cond, dtype: str = "float32") -> Bound:
    return from_pretrained(folder, dtype=dtype).load("cpu").bind(cond)


def denoised(folder: Path, x: np.ndarray, sigma: float, cond: Cond, dtype: str = "float32") -> np.ndarray:
    bound = loaded(folder, cond, dtype)
    return bound.field(bound.denoise(bound.state(x), sigma))


def epsilon(network: Any, told: np.ndarray, timestep: float, label: Any = None) -> np.ndarray:
    """What diffusers returns."""
    with torch.inference_mode():
        answer = network(
            torch.from_numpy(told.astype(np.float32)), torch.tensor(timestep), class_labels=label
        )
    return answer.sample.numpy()


def level(t: int) -> float:
    """The sigma of a timestep of `latents.BETAS`; diffusers has it in single precision."""
    abar = float(np.cumprod(1 - np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2)[t])
    assert abar == pytest.approx(float(diffusers.DDIMScheduler(**latents.BETAS).alphas_cumprod[t]), rel=1e-5)
    return ((1 - abar) / abar) ** 0.5


ALONE = Cond(None, 30.0)


def test_an_unconditional_network_of_pixels(tmp_path: Path) -> None:
    network = latents.unet(2, 2)
    folder = latents.write(tmp_path, network)
    facts = from_pretrained(folder).facts()
    assert (facts.bands, facts.conditioned, facts.factor, facts.latent) == (2, False, None, 1)
    assert (facts.channels, facts.multiple, facts.margin, facts.halo) == (2, 2, 0, 0)
    x, sigma = 3 * latents.field(3, 2, 16, 24), level(500)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 500)
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=2e-5)
    image = latents.field(1, 2, 8, 8)
    bound = loaded(folder, ALONE)
    np.testing.assert_array_equal(bound.image(bound.encode(image)), image)


def test_between_timesteps_the_network_is_told_a_fraction(tmp_path: Path) -> None:
    network = latents.unet(1, 1)
    folder = latents.write(tmp_path, network)
    x, sigma = latents.field(1, 1, 8, 8), (level(500) * level(501)) ** 0.5
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 500.5)
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=2e-5)


@pytest.mark.parametrize("enlarge", ["bicubic", "bilinear", "nearest"])
def test_a_parent_is_enlarged_and_put_behind_the_state(tmp_path: Path, enlarge: str) -> None:
    network = latents.unet(4, 2)
    sidecar = {"enlarge": enlarge, "margin": 3, "bands": ["a", "b"]}
    folder = latents.write(tmp_path, network, sidecar=sidecar)
    facts = from_pretrained(folder).facts()
    assert (facts.bands, facts.conditioned, facts.factor, facts.margin) == (2, True, None, 3)
    parent = latents.field(2, 2, 11, 11, seed=6)
    x, sigma = latents.field(2, 2, 20, 20), level(200)
    corners = None if enlarge == "nearest" else False
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(parent), scale_factor=4, mode=enlarge, align_corners=corners
    )[..., 12:-12, 12:-12]
    told = np.concatenate([x / np.hypot(1, sigma), fine], axis=1)
    wanted = x - sigma * epsilon(network, told, 200)
    np.testing.assert_allclose(denoised(folder, x, sigma, Cond(parent, 30.0)), wanted, atol=2e-5)


@pytest.mark.parametrize(("factor", "margin"), [(8, 2), (4, 0), (2, 1)])
def test_a_latent_network_is_told_the_parent_on_the_grid_of_its_code(
    tmp_path: Path, factor: int, margin: int
) -> None:
    network, vae = latents.unet(7, 4), latents.kl()
    folder = latents.write(tmp_path, network, vae=vae, sidecar={"factor": factor, "margin": margin})
    facts = from_pretrained(folder).facts()
    assert (facts.bands, facts.channels, facts.latent, facts.factor) == (3, 4, 4, factor)
    assert facts.multiple == 8
    side = 64 // factor + 2 * margin
    parent = latents.field(1, 3, side, side, seed=7)
    own = parent[..., margin : side - margin, margin : side - margin]
    if factor == 8:
        own = torch.nn.functional.interpolate(torch.from_numpy(parent), scale_factor=2, mode="bicubic")
        own = own[..., 4:-4, 4:-4].numpy()
    if factor == 2:
        own = own.reshape(1, 3, 16, 2, 16, 2).mean((3, 5))
    x, sigma = latents.field(1, 4, 16, 16), level(700)
    wanted = x - sigma * epsilon(network, np.concatenate([x / np.hypot(1, sigma), own], 1), 700)
    np.testing.assert_allclose(denoised(folder, x, sigma, Cond(parent, 30.0)), wanted, atol=5e-5)


def test_a_latent_network_is_by_default_told_a_parent_of_the_size_of_its_code(tmp_path: Path) -> None:
    facts = from_pretrained(latents.write(tmp_path, latents.unet(6, 3), vae=latents.vq())).facts()
    assert (facts.bands, facts.channels, facts.latent, facts.factor, facts.margin) == (3, 3, 2, 2, 0)


@pytest.mark.parametrize("prediction", ["v_prediction", "sample"])
def test_the_scheduler_says_what_the_network_predicts(tmp_path: Path, prediction: str) -> None:
    network = latents.unet(1, 1)
    scheduler = diffusers.DDPMScheduler(**latents.BETAS, prediction_type=prediction, clip_sample=True)
    folder = latents.write(tmp_path, network, scheduler)
    x, sigma = latents.field(1, 1, 8, 8), level(300)
    state = x / np.hypot(1, sigma)
    step = scheduler.step(torch.from_numpy(epsilon(network, state, 300)), 300, torch.from_numpy(state))
    wanted = step.pred_original_sample.numpy()
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=2e-5)


def test_flow_matching(tmp_path: Path) -> None:
    network = latents.unet(1, 1)
    folder = latents.write(tmp_path, network, diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0))
    x, sigma = 4 * latents.field(1, 1, 8, 8), 3.0
    wanted = x / 4 - 0.75 * epsilon(network, x / 4, 750.0)
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=2e-5)


def test_a_learned_variance_is_left_out(tmp_path: Path) -> None:
    network = latents.unet(3, 6)
    scheduler = diffusers.DDPMScheduler(**latents.BETAS, variance_type="learned_range", clip_sample=False)
    folder = latents.write(tmp_path, network, scheduler)
    assert from_pretrained(folder).facts().bands == 3
    x, sigma = latents.field(1, 3, 8, 8), level(300)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 300)[:, :3]
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=2e-5)


def test_the_ground_sample_distance_as_a_number(tmp_path: Path) -> None:
    network = latents.unet(1, 1, class_embed_type="timestep")
    folder = latents.write(tmp_path, network, sidecar={"gsd": {"scale": 100, "offset": 400}})
    x, sigma = latents.field(2, 1, 8, 8), level(300)
    label = torch.full((2,), 100 * np.log2(8.0) + 400)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 300, label)
    np.testing.assert_allclose(denoised(folder, x, sigma, Cond(None, 8.0)), wanted, atol=2e-5)


def test_the_ground_sample_distance_as_a_class(tmp_path: Path) -> None:
    network = latents.unet(1, 1, num_class_embeds=3)
    folder = latents.write(tmp_path, network, sidecar={"gsd": [1.0, 2.0, 4.0]})
    x, sigma = latents.field(1, 1, 8, 8), level(300)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 300, torch.tensor([1]))
    np.testing.assert_allclose(denoised(folder, x, sigma, Cond(None, 2.2)), wanted, atol=2e-5)
    with pytest.raises(ModelError, match=r"none lies within a quarter of an octave of 8 m"):
        loaded(folder, Cond(None, 8.0))


def test_a_bare_network_beside_its_scheduler(tmp_path: Path) -> None:
    network = latents.unet(1, 1)
    network.save_pretrained(tmp_path)
    diffusers.DDIMScheduler(**latents.BETAS, clip_sample=False).save_pretrained(tmp_path)
    x, sigma = latents.field(1, 1, 8, 8), level(300)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 300)
    np.testing.assert_allclose(denoised(tmp_path, x, sigma, ALONE), wanted, atol=2e-5)


def test_attention_under_its_old_names(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))
    x, sigma = latents.field(1, 1, 8, 8), level(300)
    wanted = denoised(folder, x, sigma, ALONE)
    weights = folder / "unet" / WEIGHTS
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(weights)
    renamed = {}
    for name, tensor in tensors.items():
        for new, before in old.items():
            name = name.replace(f".{new}.", f".{before}.")
        renamed[name] = tensor.clone()
    assert set(renamed) != set(tensors)
    save_file(renamed, weights)
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_reduced_precision_is_near_and_returns_float32(tmp_path: Path, dtype: str) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))
    x, sigma = latents.field(1, 1, 16, 16), level(300)
    exact, reduced = (denoised(folder, x, sigma, ALONE, d) for d in ("float32", dtype))
    assert reduced.dtype == np.float32
    assert 0 < np.abs(reduced - exact).max() < 0.2


def test_a_tile_has_the_same_bits_alone_and_in_any_company(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(4, 4), vae=latents.kl())
    x = latents.field(3, 4, 8, 8)
    bound = loaded(folder, ALONE)
    x0 = bound.denoise(bound.state(x), 1.3)
    together = bound.image(x0)
    for i in range(3):
        alone = bound.denoise(bound.state(x[i : i + 1]), 1.3)
        np.testing.assert_array_equal(bound.field(alone), bound.field(x0)[i : i + 1])
        np.testing.assert_array_equal(bound.image(alone), together[i : i + 1])


def test_a_network_that_is_told_a_parent_cannot_begin_a_world(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(2, 1))
    with pytest.raises(ModelError, match="is told a parent, and a generated level 0 has none"):
        loaded(folder, ALONE)


def test_tiles_that_do_not_fit_their_parent(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(2, 1))
    with pytest.raises(ModelError, match="a state of 16 px cannot be told a parent of 6 px"):
        denoised(folder, latents.field(1, 1, 16, 16), 1.0, Cond(latents.field(1, 1, 10, 10), 30.0))


def test_weights_of_another_network(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))
    latents.unet(1, 1, block_out_channels=(32, 32)).save_pretrained(tmp_path / "other")
    (folder / "unet" / WEIGHTS).write_bytes((tmp_path / "other" / WEIGHTS).read_bytes())
    with pytest.raises(ModelError, match=r"does not fit its configuration .*copy the whole checkpoint"):
        loaded(folder, ALONE)


def changed(folder: Path, name: str, change: Any) -> Path:
    """Change one tensor of a network's weights."""
    weights = folder / "unet" / WEIGHTS
    tensors = {key: tensor.clone() for key, tensor in load_file(weights).items()}
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, weights)
    return folder


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("conv_in.weight", lambda w: w.permute(1, 0, 2, 3)),
        ("time_embedding.linear_1.weight", lambda w: w.T),
        ("down_blocks.1.resnets.0.conv_shortcut.weight", lambda w: w.reshape(32, 64, 1, 1)),
        ("conv_out.weight", lambda w: w.flatten(1)),
        ("conv_norm_out.weight", lambda w: w[:, None]),
    ],
)
def test_tensors_of_another_shape_and_the_same_size(tmp_path: Path, name: str, change: Any) -> None:
    folder = changed(latents.write(tmp_path, latents.unet(2, 2)), name, change)
    with pytest.raises(ModelError, match=rf"does not fit its configuration .*size mismatch for {name}"):
        loaded(folder, ALONE)


def test_weights_that_the_configuration_has_no_place_for(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(2, 2))
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"add_attention": False}))
    with pytest.raises(ModelError, match=r"it has no place for 'mid_block\.attentions\.0\."):
        loaded(folder, ALONE)


def test_attention_saved_as_a_convolution(tmp_path: Path) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))
    x, sigma = latents.field(1, 1, 8, 8), level(300)
    wanted = denoised(folder, x, sigma, ALONE)
    name = "mid_block.attentions.0.to_q.weight"
    again = denoised(changed(folder, name, lambda w: w[:, :, None, None]), x, sigma, ALONE)
    np.testing.assert_allclose(again, wanted, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(tmp_path: Path, value: float) -> None:
    folder = changed(latents.write(tmp_path, latents.unet(1, 1)), "conv_in.bias", lambda b: b.fill_(value))
    with pytest.raises(ModelError, match=r"'conv_in.bias' holds values that are not finite; download"):
        loaded(folder, ALONE)


def test_blocks_with_fixed_kernels(tmp_path: Path) -> None:
    network = latents.unet(
        1,
        1,
        down_block_types=("KDownBlock2D", "KDownBlock2D"),
        up_block_types=("KUpBlock2D", "KUpBlock2D"),
        block_out_channels=(32, 32),
    )
    folder = latents.write(tmp_path, network)
    before = torch.random.get_rng_state()
    x, sigma = latents.field(1, 1, 16, 16), level(300)
    wanted = x - sigma * epsilon(network, x / np.hypot(1, sigma), 300)
    np.testing.assert_allclose(denoised(folder, x, sigma, ALONE), wanted, atol=5e-5)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_tensors_are_those_of_safetensors_at_addresses_that_the_file_decides(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    made = {f"t{n}": torch.arange(n, dtype=dtype).reshape(1, n) / 3 for n in (0, 1, 7, 300)}
    save_file(made, tmp_path / WEIGHTS)
    entries = read_header(tmp_path / WEIGHTS)
    for _ in range(3):
        found = load_tensors(tmp_path / WEIGHTS)
        for name, tensor in load_file(tmp_path / WEIGHTS).items():
            assert torch.equal(found[name], tensor)
            assert found[name].dtype is dtype
            if tensor.numel():
                assert found[name].data_ptr() % 64 == entries[name].start % 64


@pytest.mark.parametrize("damage", ["replaced", "truncated", "removed"])
def test_weights_that_change_while_a_process_draws(tmp_path: Path, damage: str) -> None:
    folder = latents.write(tmp_path, latents.unet(4, 4), vae=latents.kl())
    bound = loaded(folder, ALONE)
    x = latents.field(1, 4, 8, 8)
    wanted = bound.image(bound.denoise(bound.state(x), 1.3))
    for weights in folder.rglob(WEIGHTS):
        with weights.open("r+b") as stream:
            if damage == "replaced":
                stream.write(b"\1" * weights.stat().st_size)
            elif damage == "truncated":
                stream.truncate(100)
        if damage == "removed":
            weights.unlink()
    np.testing.assert_array_equal(bound.image(bound.denoise(bound.state(x), 1.3)), wanted)


def test_a_model_tells_the_memory_that_it_holds(tmp_path: Path) -> None:
    network, vae = latents.unet(4, 4), latents.kl()
    model = from_pretrained(latents.write(tmp_path, network, vae=vae)).load("cpu")
    assert model.nbytes == 4 * (network.num_parameters() + vae.num_parameters())


def test_a_class_that_diffusers_cannot_import_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = latents.write(tmp_path, latents.unet(1, 1))

    def broken(name: str) -> Any:
        try:
            raise ImportError("libcudart.so.12: cannot open shared object file")
        except ImportError as error:
            raise RuntimeError(f"Failed to import {name} (look up to see its traceback)") from error

    # There is no broken installation of diffusers to test with.
    monkeypatch.delattr(diffusers, "UNet2DModel", raising=False)
    monkeypatch.setattr(type(diffusers), "__getattr__", lambda self, name: broken(name))
    with pytest.raises(
        ModelError, match=r"cannot import UNet2DModel: ImportError: libcudart.so.12"
    ) as caught:
        loaded(folder, ALONE)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("keep", [False, True])
def test_a_named_solver_clips_as_the_file_says(tmp_path: Path, keep: bool) -> None:
    scheduler = diffusers.DDIMScheduler(**latents.BETAS, clip_sample=True, clip_sample_range=0.4)
    reference = from_pretrained(latents.write(tmp_path, latents.unet(1, 1), scheduler))
    name = "checkpoint" if keep else "ddim"
    solving = sampling_of(IndependentTiles(solver=name, schedule="checkpoint", steps=2), reference)
    x = 3 * latents.field(1, 1, 8, 8)
    drawn = solving.solver(lambda x, sigma: x / 2, x, (2.0, 1.0))
    wanted = (x / 2).clip(-0.4, 0.4) + (x - (x / 2 if keep else (x / 2).clip(-0.4, 0.4))) / 2
    np.testing.assert_allclose(drawn, wanted, rtol=1e-6)
    assert pickle.loads(pickle.dumps(solving.solver)) == solving.solver
