"""Codes of diffusers' autoencoders, in and out of images: as diffusers has them, and in tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import latents
import numpy as np
import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from safetensors.numpy import load_file

from geoinfinite.diffusion.model import Bound, Cond, ModelFacts
from geoinfinite.models import from_pretrained
from geoinfinite.models.diffusers.autoencoder import pictures
from geoinfinite.models.diffusers.local_attention import restrict_attention

ALONE = Cond(None, 30.0)
FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures"
UP = ("UpDecoderBlock2D",) * 3
MADE: dict[str, tuple[Callable[..., Any], int]] = {
    "kl": (latents.kl, 4),
    "vq": (latents.vq, 3),
    "tiny": (latents.tiny, 4),
    "kl with attention": (partial(latents.kl, mid_block_add_attention=True), 4),
    "kl with attention below": (partial(latents.kl, up_block_types=("AttnUpDecoderBlock2D", *UP[1:])), 4),
    "kl with attention above": (partial(latents.kl, up_block_types=(*UP[1:], "AttnUpDecoderBlock2D")), 4),
    "vq with attention": (partial(latents.vq, up_block_types=("AttnUpDecoderBlock2D", UP[0])), 3),
}


def bound(folder: Path, vae: Any, channels: int, normalisation: str = "frozen") -> Bound:
    """A checkpoint of an autoencoder and any network, loaded."""
    latents.write(folder, latents.unet(channels, channels), vae=vae)
    return from_pretrained(folder, normalisation=normalisation).load("cpu").bind(ALONE)


def decoded(tiles: Bound, z: np.ndarray) -> np.ndarray:
    return tiles.image(tiles.state(np.ascontiguousarray(z)))


def raw(vae: Any, call: str, x: np.ndarray) -> Any:
    with torch.inference_mode():
        return getattr(vae, call)(torch.from_numpy(np.asarray(x, np.float32)))


def test_kl_codes_are_scaled_and_shifted(tmp_path: Path) -> None:
    vae = latents.kl()
    tiles = bound(tmp_path, vae, 4, "tile")
    z, image = latents.field(2, 4, 6, 8), np.tanh(latents.field(2, 3, 24, 32))
    np.testing.assert_allclose(
        decoded(tiles, z), raw(vae, "decode", z / 0.4 + 0.25).sample.numpy(), atol=1e-5
    )
    mean = raw(vae, "encode", image).latent_dist.mode().numpy()
    np.testing.assert_allclose(tiles.field(tiles.encode(image)), (mean - 0.25) * 0.4, atol=1e-5)


def test_kl_codes_with_statistics_per_channel(tmp_path: Path) -> None:
    mean, std = [0.1, -0.2, 0.3, 0.0], [1.5, 0.5, 2.0, 1.0]
    vae = latents.kl(latents_mean=mean, latents_std=std)
    tiles = bound(tmp_path, vae, 4, "tile")
    z = latents.field(1, 4, 6, 8)
    by_channel = [np.reshape(v, (1, 4, 1, 1)) for v in (std, mean)]
    wanted = raw(vae, "decode", z * by_channel[0] / 0.4 + by_channel[1]).sample.numpy()
    np.testing.assert_allclose(decoded(tiles, z), wanted, atol=2e-5)


def test_vq_codes_are_quantised_only_when_they_are_decoded(tmp_path: Path) -> None:
    vae = latents.vq()
    tiles = bound(tmp_path, vae, 3, "tile")
    z, image = latents.field(2, 3, 8, 6), np.tanh(latents.field(2, 3, 16, 12))
    np.testing.assert_allclose(decoded(tiles, z), raw(vae, "decode", z).sample.numpy(), atol=1e-5)
    with torch.inference_mode():
        smooth = vae.decode(torch.from_numpy(z), force_not_quantize=True).sample.numpy()
    assert np.abs(decoded(tiles, z) - smooth).mean() > 0.1
    code = tiles.field(tiles.encode(image))
    np.testing.assert_allclose(code, raw(vae, "encode", image).latents.numpy(), atol=1e-5)


def test_tiny_codes_are_as_they_come(tmp_path: Path) -> None:
    vae = latents.tiny()
    tiles = bound(tmp_path, vae, 4)
    z, image = latents.field(2, 4, 8, 6), np.tanh(latents.field(2, 3, 32, 24))
    np.testing.assert_allclose(decoded(tiles, z), raw(vae, "decode", z).sample.numpy(), atol=1e-5)
    code = tiles.field(tiles.encode(image))
    np.testing.assert_allclose(code, raw(vae, "encode", image).latents.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("index", "sidecar", "scaling"),
    [
        (None, None, 0.18215),
        ("LDMPipeline", None, 0.18215),
        ("LDMSuperResolutionPipeline", None, 1.0),
        ("LDMSuperResolutionPipeline", {"scaling_factor": 0.5}, 0.5),
    ],
)
def test_the_scaling_is_that_of_the_pipeline(
    tmp_path: Path, index: str | None, sidecar: dict[str, Any] | None, scaling: float
) -> None:
    vae = latents.vq(scaling_factor=0.18215)
    latents.write(tmp_path, latents.unet(3, 3), vae=vae, sidecar=sidecar)
    if index is not None:
        (tmp_path / "model_index.json").write_text(f'{{"_class_name": "{index}"}}')
    tiles = from_pretrained(tmp_path, normalisation="tile").load("cpu").bind(ALONE)
    z = latents.field(1, 3, 6, 6)
    np.testing.assert_allclose(decoded(tiles, z), raw(vae, "decode", z / scaling).sample.numpy(), atol=1e-5)


def tiles_and_whole(tiles: Bound, facts: ModelFacts, *code_halos: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Decode 5 x 7 codes within each of some halos, and crop the same pixels from a larger whole."""
    latent, at = facts.latent, facts.halo // facts.latent + 2
    z = latents.field(1, tiles.model.checkpoint.facts.channels, 2 * at + 5, 2 * at + 8)
    z += np.linspace(-1, 1, 2 * at + 8, dtype=np.float32)
    parts = []
    for halo in code_halos:
        part = decoded(tiles, z[..., at - halo : at + 5 + halo, at - halo : at + 7 + halo])
        inner = slice(halo * latent, -halo * latent or None)
        parts.append(part[..., inner, inner])
    return parts, decoded(tiles, z)[..., at * latent : (at + 5) * latent, at * latent : (at + 7) * latent]


@pytest.mark.parametrize("kind", MADE)
def test_a_tile_with_its_halo_is_the_crop_of_the_whole(tmp_path: Path, kind: str) -> None:
    make, channels = MADE[kind]
    tiles = bound(tmp_path, make(), channels)
    facts = from_pretrained(tmp_path).facts()
    wide = facts.halo // facts.latent
    # Not a latent pixel less would do, and none at all is far off; what attention sees last weighs little.
    less = 4 if kind.endswith("below") else 1
    (tile, narrower, alone), whole = tiles_and_whole(tiles, facts, wide, wide - less, 0)
    np.testing.assert_allclose(tile, whole, rtol=1e-5, atol=1e-5)
    assert np.abs(narrower - whole).max() > 1e-5
    assert np.abs(alone - whole).max() > 0.5


@pytest.mark.parametrize("kind", ["kl", "kl with attention"])
def test_statistics_of_the_tile_break_that(tmp_path: Path, kind: str) -> None:
    make, channels = MADE[kind]
    tiles = bound(tmp_path, make(), channels, "tile")
    facts = from_pretrained(tmp_path).facts()
    (tile,), whole = tiles_and_whole(tiles, facts, facts.halo // facts.latent)
    assert np.abs(tile - whole).max() > 0.05


def tone_steps(tiles: Bound, halo: int) -> float:
    """Return the mean step of tone between neighbours in a code whose tone drifts, over its contrast."""
    z = 0.5 * latents.field(1, 4, 16 + 2 * halo, 48 + 2 * halo, seed=8)
    z += np.linspace(-1.5, 1.5, z.shape[-1], dtype=np.float32)
    parts = [decoded(tiles, z[..., x : x + 16 + 2 * halo]) for x in (0, 16, 32)]
    inner = slice(4 * halo, -4 * halo)
    parts = [part[..., inner, inner] for part in parts]
    whole = decoded(tiles, z)[..., inner, inner]
    errors = [part - whole[..., 64 * i : 64 * (i + 1)] for i, part in enumerate(parts)]
    steps = [a[..., -4:].mean((-2, -1)) - b[..., :4].mean((-2, -1)) for a, b in pairwise(errors)]
    return float(np.abs(steps).mean() / whole.std())


@pytest.mark.parametrize("attention", [False, True])
def test_tone_does_not_jump_where_statistics_are_frozen(tmp_path: Path, attention: bool) -> None:
    make = partial(latents.kl, mid_block_add_attention=attention)
    code = raw(make(), "encode", pictures(3, 128)).latent_dist.mode()
    # As in a trained checkpoint, codes of pictures have the network's unit deviation.
    vae = make(scaling_factor=float(1 / code.std()), shift_factor=float(code.mean()))
    frozen, tile = (tone_steps(bound(tmp_path / n, vae, 4, n), halo=17) for n in ("frozen", "tile"))
    assert tile > 0.03
    assert frozen < 1e-5


def test_frozen_statistics_are_the_same_in_every_process_and_of_no_tile(tmp_path: Path) -> None:
    first = bound(tmp_path, latents.kl(), 4)
    z = latents.field(2, 4, 6, 6)
    wanted = decoded(first, z)
    again = from_pretrained(tmp_path).load("cpu").bind(ALONE)
    decoded(again, 9 * z)
    np.testing.assert_array_equal(decoded(again, z), wanted)


def test_attention_in_a_decoder_is_called_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiles = bound(tmp_path, latents.kl(mid_block_add_attention=True), 4)
    decoded(tiles, latents.field(1, 4, 4, 4))
    assert capfd.readouterr() == ("", "")


def test_pictures_are_fixed_coloured_and_within_the_range() -> None:
    found = pictures(3, 64)
    assert found.shape == (4, 3, 64, 64)
    assert np.abs(found).max() <= 1
    np.testing.assert_array_equal(found, pictures(3, 64))
    assert found.mean((1, 2, 3)).tolist() == pytest.approx([-0.45, -0.15, 0.15, 0.45], abs=0.05)
    assert np.corrcoef(found[0].reshape(3, -1)).min() > 0.8
    near, far = (np.abs(found[..., n:] - found[..., :-n]).mean() for n in (1, 16))
    assert near < 0.6 * far


@pytest.mark.parametrize(
    ("system", "checkpoint"),
    [
        ("zoomldm", "checkpoint/naip/weights.ckpt"),
        ("large_image_diffusion", "checkpoint/naip_ssl/checkpoints/last.ckpt"),
    ],
)
def test_a_published_vq_decoder(tmp_path: Path, system: str, checkpoint: str) -> None:
    folder = FIXTURES / system
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: reference numbers of published systems lie beside a checkout")
    native = torch.load(folder / checkpoint, weights_only=True)
    native = {name: tensor.float() for name, tensor in native.get("state_dict", native).items()}
    vae = latents.vq(block_out_channels=(32, 32, 32), layers_per_block=1, norm_num_groups=32,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        mid_block_add_attention=True)  # fmt: skip
    converted = convert_ldm_vae_checkpoint(native, {**vae.config})
    converted["quantize.embedding.weight"] = native["first_stage_model.quantize.embedding.weight"]
    vae.load_state_dict(converted, strict=True)
    tiles = bound(tmp_path, vae, 3, "tile")
    inputs, outputs = (load_file(folder / f"{name}.safetensors") for name in ("inputs", "outputs"))
    code = tiles.field(tiles.encode(inputs["image"]))
    np.testing.assert_allclose(code, outputs["latent_prequant"], atol=1e-5)
    np.testing.assert_allclose(decoded(tiles, outputs["latent_prequant"]), outputs["decoded"], atol=5e-5)
    np.testing.assert_allclose(
        decoded(tiles, inputs["latent_to_decode"]), outputs["decoded_latent_to_decode"], atol=5e-5
    )


def test_attention_restricted_to_more_than_the_tile_is_attention(tmp_path: Path) -> None:
    vae = latents.kl(mid_block_add_attention=True)
    z = latents.field(2, 4, 21, 5)
    wanted = raw(vae, "decode", z).sample.numpy()
    restrict_attention(vae, 21)
    np.testing.assert_allclose(raw(vae, "decode", z).sample.numpy(), wanted, rtol=1e-5, atol=1e-5)
    restrict_attention(vae, 3)
    assert np.abs(raw(vae, "decode", z).sample.numpy() - wanted).max() > 0.1
