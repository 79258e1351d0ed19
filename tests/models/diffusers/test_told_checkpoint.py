"""Checkpoints that are told texts, hints and numbers: as diffusers has them, and strictly read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import latents
import numpy as np
import pytest
import told_checkpoints as told
import torch
from safetensors.torch import load_file, save_file

from geoinfinite.diffusion.model import Cond
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained

Z = latents.field(3, 4, 8, 8)
HINTS = tuple(np.abs(latents.field(3, 3, 32, 32, seed=6)) / 4)
TEXTS = "a harbour", "dunes", ""
SIGMA = 1.7


def bound(folder: Path, said: dict[str, Any], strength: dict[str, float] | None = None) -> Any:
    return from_pretrained(folder).load("cpu").bind(Cond(None, 30.0, said, strength or {}))


def denoised(tiles: Any, z: np.ndarray = Z) -> np.ndarray:
    return tiles.field(tiles.denoise(tiles.state(z), SIGMA))


def encoded(words: Any, folder: Path, texts: Any) -> torch.Tensor:
    """Tokens as transformers has them."""
    import transformers

    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = tokenizer(
        list(texts), padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt"
    )
    with torch.inference_mode():
        return words(ids.input_ids)[0]


def in_epsilon(model: Any, predicted: torch.Tensor) -> np.ndarray:
    """The estimate of clean data that a prediction of noise stands for."""
    return Z - SIGMA * predicted.numpy()


def asked(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """What the network sees at SIGMA: the scaled state, and the time by the checkpoint's own noise."""
    noise = from_pretrained(folder).training_noise()
    seen: list[Any] = []
    denoise = noise.denoiser(lambda z, t: seen.append((z, t)) or z)
    denoise(torch.from_numpy(Z), SIGMA)
    z, time = seen[0]
    return z, torch.full((len(Z),), time)


def test_the_network_answers_as_diffusers_own_with_texts_and_two_controls(tmp_path: Path) -> None:
    nets = told.unet(), told.control(), told.control(14, conditioning_channels=1)
    folder = told.write(tmp_path, *nets)
    words = told.text_encoder()
    masks = tuple(hint[:1] for hint in HINTS)
    tiles = bound(folder, {"prompt": TEXTS, "hint": HINTS, "hint_1": masks}, {"hint_1": 0.5})
    tokens, (z, t) = encoded(words, folder, TEXTS), asked(folder)
    with torch.inference_mode():
        one = nets[1](z, t, tokens, torch.from_numpy(np.stack(HINTS)), 1.0, return_dict=False)
        two = nets[2](z, t, tokens, torch.from_numpy(np.stack(masks)), 0.5, return_dict=False)
        down = [a + b for a, b in zip(one[0], two[0], strict=True)]
        wanted = nets[0](
            z,
            t,
            tokens,
            down_block_additional_residuals=down,
            mid_block_additional_residual=one[1] + two[1],
        ).sample
    np.testing.assert_allclose(denoised(tiles), in_epsilon(tiles, wanted), atol=2e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"use_linear_projection": True, "attention_head_dim": [2, 4], "upcast_attention": True},
        {"cross_attention_dim": 24, "layers_per_block": 2, "norm_num_groups": 4},
        {
            "block_out_channels": (8, 16, 24),
            "norm_num_groups": 4,
            "down_block_types": ("CrossAttnDownBlock2D",) * 2 + ("DownBlock2D",),
            "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 2,
        },
    ],
)
def test_networks_of_other_sizes(tmp_path: Path, changes: dict[str, Any]) -> None:
    network = told.unet(**changes)
    folder = told.write(tmp_path, network)
    tokens, (z, t) = encoded(told.text_encoder(), folder, TEXTS), asked(folder)
    with torch.inference_mode():
        wanted = network(z, t, tokens).sample
    found = denoised(bound(folder, {"prompt": TEXTS}))
    np.testing.assert_allclose(found, in_epsilon(network, wanted), atol=2e-5)


def test_zoom_levels_are_told_as_text2earth_is(tmp_path: Path) -> None:
    network = told.unet(class_embed_type="timestep")
    folder = told.write(tmp_path, network)
    slots = {slot.name: slot for slot in from_pretrained(folder).facts().slots}
    assert slots["metadata"].bands == ("google_level",)
    levels = tuple(np.array([level]) for level in (16.0, np.nan, 12.0))
    found = denoised(bound(folder, {"prompt": TEXTS, "metadata": levels}))
    tokens, (z, t) = encoded(told.text_encoder(), folder, TEXTS), asked(folder)
    with torch.inference_mode():
        wanted = network(z, t, tokens, class_labels=torch.tensor([16, 0, 12])).sample
    np.testing.assert_allclose(found, in_epsilon(network, wanted), atol=2e-5)
    silent = denoised(bound(folder, {"prompt": TEXTS}))
    np.testing.assert_array_equal(silent[1], found[1])
    assert np.abs(silent[0] - found[0]).max() > 1e-3


def test_vectors_are_added_to_the_time(tmp_path: Path) -> None:
    network = told.unet(class_embed_type="identity")
    folder = told.write(tmp_path, network)
    vectors = tuple(latents.field(3, 64, 1, 1, seed=8))
    found = denoised(bound(folder, {"prompt": TEXTS, "vector": vectors}))
    tokens, (z, t) = encoded(told.text_encoder(), folder, TEXTS), asked(folder)
    with torch.inference_mode():
        wanted = network(z, t, tokens, class_labels=torch.from_numpy(np.stack(vectors)[..., 0, 0])).sample
    np.testing.assert_allclose(found, in_epsilon(network, wanted), atol=2e-5)


def test_tiles_told_otherwise_are_tiles_told_so_from_the_start(tmp_path: Path) -> None:
    folder = told.write(tmp_path, told.unet(), told.control())
    tiles = bound(folder, {"prompt": TEXTS, "hint": HINTS})
    other = ("ice", None, "ice")
    again = tiles.retold({"prompt": other, "hint": (None, HINTS[0], HINTS[1])})
    anew = bound(folder, {"prompt": other, "hint": (None, HINTS[0], HINTS[1])})
    np.testing.assert_array_equal(denoised(again), denoised(anew))
    np.testing.assert_array_equal(denoised(tiles), denoised(bound(folder, {"prompt": TEXTS, "hint": HINTS})))
    assert np.abs(denoised(again) - denoised(tiles)).max() > 1e-3


def test_nothing_said_is_the_empty_text_and_no_control(tmp_path: Path) -> None:
    with_control = told.write(tmp_path / "a", told.unet(), told.control())
    without = told.write(tmp_path / "b", told.unet())
    texts = ("", "", "")
    wanted = denoised(bound(without, {"prompt": texts}))
    for said, strength in (
        ({"prompt": (None,) * 3}, {}),
        ({"prompt": texts, "hint": HINTS}, {"hint": 0.0}),
        ({}, {}),
    ):
        np.testing.assert_array_equal(denoised(bound(with_control, said, strength)), wanted)


def test_a_tile_does_not_depend_on_what_its_neighbours_are_told(tmp_path: Path) -> None:
    folder = told.write(tmp_path, told.unet(), told.control())
    together = denoised(bound(folder, {"prompt": TEXTS, "hint": HINTS}))
    for n in range(3):
        alone = bound(folder, {"prompt": TEXTS[n : n + 1], "hint": HINTS[n : n + 1]})
        np.testing.assert_array_equal(denoised(alone, Z[n : n + 1])[0], together[n])


def test_shards_and_variants_are_the_whole_file(tmp_path: Path) -> None:
    whole = told.write(tmp_path / "whole", told.unet(), told.control())
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    (cut / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    told.unet().save_pretrained(cut / "unet", max_shard_size="40KB")
    assert len(list((cut / "unet").glob("*-of-*.safetensors"))) > 2
    half = cut / "controlnet" / "diffusion_pytorch_model.safetensors"
    half.rename(half.with_name("diffusion_pytorch_model.fp16.safetensors"))
    said = {"prompt": TEXTS, "hint": HINTS}
    # Tensors that lie otherwise in their file are added up in another order.
    np.testing.assert_allclose(denoised(bound(cut, said)), denoised(bound(whole, said)), atol=1e-5)


def test_prompts_may_be_encoded_beforehand(tmp_path: Path) -> None:
    whole = told.write(tmp_path / "whole")
    table = tmp_path / "table"
    shutil.copytree(whole, table)
    tokens = encoded(told.text_encoder(), whole, TEXTS)
    save_file(
        {text: row.clone() for text, row in zip(TEXTS, tokens, strict=True)}, table / "prompts.safetensors"
    )
    shutil.rmtree(table / "text_encoder")
    np.testing.assert_allclose(
        denoised(bound(table, {"prompt": TEXTS})), denoised(bound(whole, {"prompt": TEXTS})), atol=1e-5
    )
    with pytest.raises(ModelError, match=r"has no prompt 'ice'; it has '', 'a harbour', 'dunes'"):
        bound(table, {"prompt": ("ice",) * 3})


def test_a_prompt_that_is_too_long(tmp_path: Path) -> None:
    folder = told.write(tmp_path)
    with pytest.raises(ModelError, match=r"has 22 tokens, and .*text_encoder takes 20; shorten it"):
        bound(folder, {"prompt": ("more letters than there",) * 3})
    assert np.isfinite(denoised(bound(folder, {"prompt": ("twenty letters in all",) * 3}))).all()


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def without_tensor(path: Path) -> None:
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[3])
    save_file(tensors, path)


def with_tensor(path: Path) -> None:
    save_file({**load_file(path), "strange.weight": torch.ones(3)}, path)


def reshaped(path: Path) -> None:
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name].flatten()[:-1].clone()
    save_file(tensors, path)


UNET, CONTROL = "unet/diffusion_pytorch_model.safetensors", "controlnet/diffusion_pytorch_model.safetensors"
WORDS = "text_encoder/model.safetensors"


@pytest.mark.parametrize("damage", [without_tensor, with_tensor, reshaped])
@pytest.mark.parametrize("file", [UNET, CONTROL, WORDS])
def test_a_tensor_that_is_missing_extra_or_misshapen_is_named(tmp_path: Path, file: str, damage: Any) -> None:
    folder = told.write(tmp_path, told.unet(), told.control())
    damage(folder / file)
    with pytest.raises(ModelError, match=rf"{Path(file).parent.name}/.* does not fit its configuration"):
        from_pretrained(folder).load("cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: edit(f / "unet/config.json", _class_name="SatUNet"),
            r"has no tensors metadata_embedding\.\*, which are published with it",
        ),
        (lambda f: edit(f / "unet/config.json", encoder_hid_dim=8), "encoder_hid_dim=8 must be null"),
        (lambda f: edit(f / "unet/config.json", time_cond_proj_dim=8), "time_cond_proj_dim=8 must be null"),
        (
            lambda f: edit(f / "controlnet/config.json", global_pool_conditions=True),
            "global_pool_conditions=T",
        ),
        (
            lambda f: edit(f / "controlnet/config.json", cross_attention_dim=48),
            "cross_attention_dim=48 is not that of",
        ),
        (
            lambda f: edit(f / "controlnet/config.json", conditioning_embedding_out_channels=[8, 8, 8, 8]),
            "its hint has 8 pixels a side",
        ),
        (
            lambda f: edit(f / "text_encoder/config.json", hidden_size=32),
            "hidden_size=32 is not the",
        ),
        (
            lambda f: shutil.rmtree(f / "tokenizer"),
            "has neither text_encoder and tokenizer",
        ),
        (
            lambda f: (f / "tokenizer/merges.txt").unlink(),
            "merges.txt does not exist; copy the whole",
        ),
        (lambda f: (f / UNET).rename((f / UNET).with_suffix(".bin")), "is a pickle, which can run code"),
    ],
)
def test_checkpoints_that_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    folder = told.write(tmp_path, told.unet(), told.control())
    change(folder)
    with pytest.raises(ModelError, match=message) as caught:
        from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_shard_outside_the_folder_is_refused(tmp_path: Path) -> None:
    folder = told.write(tmp_path)
    (folder / UNET).unlink()
    index = folder / (UNET + ".index.json")
    index.write_text(json.dumps({"weight_map": {"a": "../vae/diffusion_pytorch_model.safetensors"}}))
    with pytest.raises(ModelError, match=r"weight_map names .*, which is no safetensors file of its folder"):
        from_pretrained(folder)


def test_every_file_that_decides_a_word_is_in_the_digest(tmp_path: Path) -> None:
    folder = told.write(tmp_path, told.unet(), told.control())
    digests = {from_pretrained(folder).digest()}
    for name in ("tokenizer/merges.txt", "text_encoder/config.json", "controlnet/config.json"):
        path = folder / name
        path.write_text(path.read_text() + " ")
        digests.add(from_pretrained(folder).digest())
    assert len(digests) == 4


def test_transformers_is_asked_for_by_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = told.write(tmp_path)
    # An import of what is not installed.
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ModelError, match=r"needs transformers, .*: pip install 'geoinfinite\[text\]'"):
        from_pretrained(folder).load("cpu")
