"""Folders with texts and ControlNets: old, odd and damaged ones, and the contract of models."""

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

from geoinfinite.conditions.text import Text
from geoinfinite.diffusion.model import Cond
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.recipe.settings import LevelSettings, Numerics
from geoinfinite.samplers import IndependentTiles
from geoinfinite.testing.model_contract import ModelContract

WORDS = "text_encoder/model.safetensors"
Z = latents.field(1, 4, 8, 8)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told.write(tmp_path_factory.mktemp("told"), told.unet(), told.control(), vae=None)


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(pristine, tmp_path / "copy"))
    shutil.rmtree(copy / "controlnet")
    return copy


def edit(path: Path, **values: Any) -> None:
    old = json.loads(path.read_text()) if path.is_file() else {"format": 1, "kind": "diffusers"}
    path.write_text(json.dumps(old | values))


def denoised(folder: Path, text: str) -> np.ndarray:
    tiles: Any = from_pretrained(folder).load("cpu").bind(Cond(None, 30.0, {"prompt": (text,)}))
    found: np.ndarray = tiles.field(tiles.denoise(tiles.state(Z), 1.7))
    return found


def test_a_text_encoder_saved_by_an_old_transformers(folder: Path) -> None:
    wanted = denoised(folder, "a dune")
    tensors = {f"text_model.{n.removeprefix('text_model.')}": t for n, t in load_file(folder / WORDS).items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(20)[None]
    save_file(tensors, folder / WORDS)
    np.testing.assert_allclose(denoised(folder, "a dune"), wanted, atol=1e-5)
    tensors["text_model.embeddings.position_ids"] = torch.arange(20)[None] + 1
    save_file(tensors, folder / WORDS)
    with pytest.raises(
        ModelError, match=r"model.safetensors does not fit .*position_ids does not count from 0"
    ):
        from_pretrained(folder).load("cpu")


def test_a_text_that_is_too_long_is_cut_when_asked(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "eighteen letters abc prose"
    with pytest.raises(
        ModelError, match=r"has 25 tokens, and .* takes 20; shorten it, or add .truncate.: true"
    ):
        denoised(folder, text)
    edit(folder / "geoinfinite.json", truncate=True)
    # Eighteen letters fit, beside the two tokens that begin and end a text.
    np.testing.assert_array_equal(denoised(folder, text), denoised(folder, "eighteen letters abc"))
    assert not caplog.records


def whole_vocabulary(folder: Path) -> None:
    (folder / "tokenizer" / "vocab.json").write_text("{")


def longer_vocabulary(folder: Path) -> None:
    path = folder / "tokenizer" / "vocab.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"zz": 600}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (whole_vocabulary, r"tokenizer cannot be read \(.*; copy the whole tokenizer"),
        (
            longer_vocabulary,
            r"vocab_size=514, but .*tokenizer counts to 600; the two are of different models",
        ),
        (
            lambda f: edit(f / "text_encoder" / "config.json", num_attention_heads=7),
            r"text_encoder/config.json describes no text encoder \(.*; copy the whole text encoder again",
        ),
    ],
)
def test_text_encoders_that_cannot_be_loaded(folder: Path, damage: Any, message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        from_pretrained(folder).load("cpu")
    assert "\n" not in str(caught.value)


def table(**prompts: torch.Tensor) -> Any:
    return lambda folder: save_file(
        {name.replace("nothing", ""): tensor for name, tensor in prompts.items()},
        folder / "prompts.safetensors",
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda f: edit(f / "text_encoder" / "config.json", architectures=["T5EncoderModel"]),
            r"architectures=\['T5EncoderModel'\] is not \['CLIPTextModel'\]; other text encoders",
        ),
        (table(ice=torch.ones(5, 24)), r'prompts.safetensors has no tensor for "", which stands for nothing'),
        (
            table(nothing=torch.ones(5, 24), ice=torch.ones(6, 24)),
            r"'ice' has shape \[6, 24\], and all must have \(5, 24\), tokens and channels",
        ),
        (
            lambda f: told.control().save_pretrained(f / "controlnet_1"),
            "controlnet_1 is not read, as controlnet do",
        ),
        (
            lambda f: (
                latents.unet(4, 4).save_pretrained(f / "unet"),
                told.control().save_pretrained(f / "controlnet"),
            ),
            r"controlnet steers a network of UNet2DConditionModel, and .*unet is of UNet2DModel; remove it",
        ),
        (
            lambda f: (
                latents.unet(4, 4).save_pretrained(f / "unet"),
                edit(f / "geoinfinite.json", truncate=True),
            ),
            "truncate=True: truncate is of networks that are told texts, and this one is told none; "
            "remove it",
        ),
    ],
)
def test_folders_that_are_refused(folder: Path, damage: Any, message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_hints_need_the_autoencoder_that_says_how_fine_they_are(pristine: Path) -> None:
    with pytest.raises(
        ModelError, match=r"its hint has 4 pixels a side .* must divide the 1 pixels of the image"
    ):
        from_pretrained(pristine)


def test_schedulers_by_names_that_there_are_not(folder: Path) -> None:
    with pytest.raises(
        ModelError, match=r"model.scheduler='Euler' is not one of DDIMScheduler, DDPMScheduler"
    ):
        from_pretrained(folder, scheduler="Euler")
    for ref in ("analytic:gaussian", "bundled:earth-small"):
        with pytest.raises(
            ModelError, match=r"model.scheduler='DDIMScheduler' is how a scheduler's file is read"
        ):
            from_pretrained(ref, scheduler="DDIMScheduler")
    unipc = from_pretrained(folder, scheduler="UniPCMultistepScheduler")
    assert unipc.sampling() != from_pretrained(folder).sampling()
    assert unipc.digest() != from_pretrained(folder).digest()


class TestToldContract(ModelContract):
    """The contract of models; a guided world that is told a text keeps the window law."""

    folder: Path

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder

    def reference(self) -> Any:
        return from_pretrained(self.folder)

    def recipe(self, folder: Path) -> Recipe:
        return Recipe(
            Grid("EPSG:32633", (412_300.0, 5_207_700.0), 30.0, (48, 56), levels=1),
            Root("generated"),
            self.reference(),
            numerics=Numerics(micro_batch=2),
            levels=(
                LevelSettings(
                    0, IndependentTiles(steps=2, tile=32, stride=16, consistency="none", guidance=2.5)
                ),
            ),
            conditions=(Text("prompt", "a wood"),),
        )
