"""Published layouts that are hostile, damaged or of something else: one line each, and nothing is written."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from mutations import mutated
from published import FIXTURES
from published_layouts import (
    WHOLE,
    base,
    change_settings,
    change_tensors,
    convert,
    copied,
    digests,
    run,
    source,
)
from safetensors.torch import load_file, save_file

from geoinfinite.errors import GeoInfiniteError
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")
WEIGHTS = "diffusion_pytorch_model.safetensors"
EPS = "model.diffusion_model."
Settings = dict[str, Any]
State = dict[str, torch.Tensor]


class Refused:
    """Runs a conversion that must fail with one line, and leave nothing behind."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, says: str, place: Path, *options: object, code: int = 1) -> str:
        before = sorted(self.folder.rglob("*"))
        self.capsys.readouterr()
        assert convert(place, self.folder / "out", *options) == code
        out, err = self.capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert re.search(says, err), err
        assert sorted(self.folder.rglob("*")) == before
        return err


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> Refused:
    return Refused(tmp_path, capsys)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base(tmp_path_factory.mktemp("base") / "base")


def options(layout: str, beside: Path) -> list[object]:
    return [] if layout in WHOLE else ["--base", beside]


def drop(*parts: str) -> Callable[[State], object]:
    """Take out the tensors in whose names a text occurs."""
    return lambda state: [state.pop(name) for name in list(state) if any(part in name for part in parts)]


def unet(**said: Any) -> Callable[[Settings], object]:
    return lambda params: params["unet_config"]["params"].update(said)


def cond(**said: Any) -> Callable[[Settings], object]:
    return lambda params: params["cond_stage_config"]["params"].update(said)


@pytest.mark.parametrize(
    ("layout", "change", "says"),
    [
        (
            "zoomldm",
            unet(context_dim=33),
            r"weights\.ckpt: '.*attn2\.to_k\.weight' has shape \[64, 32\], .*33\]",
        ),
        (
            "zoomldm",
            unet(num_heads=3),
            r"config\.yaml: model\.params\.unet_config\.params: num_heads=3 must div",
        ),
        ("zoomldm", unet(num_res_blocks=2), r"'model\.diffusion_model\.input_blocks\.2\.0\..*' is missing"),
        (
            "zoomldm",
            unet(model_channels=64),
            r"'model\.diffusion_model\.input_blocks\.0\.0\.weight' has shape",
        ),
        (
            "zoomldm",
            unet(use_linear_in_transformer=2),
            r"use_linear_in_transformer=2 must be one of false, true",
        ),
        ("zoomldm", cond(mag_levels=7), r"mag_levels=7, and .*weights\.ckpt has 4; use the configuration"),
        ("zoomldm", cond(input_channels=7), r"input_channels=7, and .*weights\.ckpt has 24"),
        ("zoomldm", lambda p: p.pop("first_stage_config"), r"first_stage_config=None must be a table"),
        ("zoomldm", lambda p: p.update(linear_end=0.02), r"'betas' is 0\.0005 from that of linear_start"),
        ("zoomldm", lambda p: p.update(image_size="big"), r"image_size='big' must be a whole number"),
        (
            "zoomldm",
            lambda p: p["cond_stage_config"].update(target="os.system"),
            r"is of no system that is known \(aerogen, .*zoomldm\); use the yaml that was published",
        ),
        ("zoomldm", lambda p: p.pop("cond_stage_config"), r"is of no system that is known"),
        (
            "large-image-diffusion",
            cond(normalize_ssl="yes"),
            r"normalize_ssl='yes' must be one of false, true",
        ),
        (
            "large-image-diffusion",
            lambda p: p.update(timesteps=500),
            r"'betas' has shape \[1000\], and times",
        ),
        ("aerogen", lambda p: p["unet_config"]["params"].pop("num_heads"), r"num_heads=None or num_head_cha"),
        (
            "geosynth",
            lambda p: p["control_stage_config"]["params"].update(hint_channels=4),
            r"'control_model\.input_hint_block\.0\.weight' has shape \[16, 3, 3, 3\], .*\[16, 4, 3, 3\]",
        ),
        (
            "geosynth",
            lambda p: p.update(parameterization="noise"),
            r"parameterization='noise' must be one of",
        ),
    ],
)
def test_a_yaml_of_another_checkpoint(
    refused: Refused,
    tmp_path: Path,
    beside: Path,
    layout: str,
    change: Callable[[Settings], object],
    says: str,
) -> None:
    place = copied(layout, tmp_path / "src")
    change_settings(place, change)
    refused(says, place, *options(layout, beside))


def turned(name: str) -> Callable[[State], object]:
    return lambda state: state.update({name: state[name].T.contiguous()})


@pytest.mark.parametrize(
    ("layout", "change", "says"),
    [
        (
            "zoomldm",
            drop(f"{EPS}out.2.bias"),
            r"weights\.ckpt: 'model\.diffusion_model\.out\.2\.bias' is missing",
        ),
        (
            "zoomldm",
            drop("model_ema.diffusion_modelout2bias"),
            r"'model_ema\.diffusion_modelout2bias' is missing",
        ),
        (
            "zoomldm",
            lambda s: s.update({f"{EPS}foo": torch.ones(2)}),
            r"'model\.diffusion_model\.foo' has no pl",
        ),
        (
            "zoomldm",
            lambda s: s.update({"foo.bar": torch.ones(2)}),
            r"nothing has a use for 'foo\.bar' \(1 tens",
        ),
        (
            "zoomldm",
            turned("first_stage_model.quantize.embedding.weight"),
            r"embedding\.weight' has shape \[3, 64",
        ),
        (
            "zoomldm",
            drop("cond_stage_model.final_proj.bias"),
            r"lacks 'cond_stage_model\.final_proj\.bias'; use",
        ),
        (
            "zoomldm",
            drop("encoder_layer_1.self_attention.out_proj.bias"),
            r"lacks 'cond_stage_model\.encoder\.layers\.encoder_layer_1\.self_attention\.out_proj\.bias'",
        ),
        (
            "zoomldm",
            lambda s: s.update({"cond_stage_model.pad_token": torch.ones(1, 1, 3)}),
            r"weights\.ckpt: the summarizer has 'cond_stage_model\.pad_token' of shape \(1, 1, 32\)",
        ),
        (
            "zoomldm",
            lambda s: s.update({"cond_stage_model.extra.weight": torch.ones(3)}),
            r"the summarizer has no place for 'cond_stage_model\.extra\.weight'",
        ),
        (
            "zoomldm",
            drop("cond_stage_model."),
            r"has no tensors cond_stage_model\.\*, which are published with it",
        ),
        ("zoomldm", drop("first_stage_model."), r"has no tensors first_stage_model\.\*"),
        ("zoomldm", drop("model.diffusion_model."), r"has no tensors model\.diffusion_model\.\*"),
        (
            "zoomldm",
            lambda s: s[f"{EPS}out.2.bias"].fill_(torch.nan),
            r"out\.2\.bias' holds values that are not",
        ),
        ("zoomldm", lambda s: s["betas"].mul_(2), r"'betas' is .* from that of linear_start"),
        ("large-image-diffusion", drop("patch_fc.bias"), r"lacks 'cond_stage_model\.patch_fc\.bias'"),
        ("aerogen", drop("condition_tokenizer."), r"has no tensors condition_tokenizer\.\*"),
        ("aerogen", drop("linears.2.bias"), r"the box encoder lacks 'condition_tokenizer\.linears\.2\.bias'"),
        (
            "aerogen",
            drop(f"{EPS}maskcross"),
            r"has no tensors model\.diffusion_model\.maskcrossattention\.\*",
        ),
        (
            "aerogen",
            drop(f"{EPS}maskcrossattention.ffn.net.2.bias"),
            r"lacks 'model\.diffusion_model\.maskcrossattention\.ffn\.net\.2\.bias'",
        ),
        (
            "aerogen",
            drop(f"{EPS}middle_block.1.transformer_blocks.0.attn2.to_v_control.weight"),
            r"'model\.diffusion_model\.middle_block\.1\.transformer_blocks\.0\.attn2\.to_v_control\.weight'",
        ),
        (
            "aerogen",
            turned(f"{EPS}input_blocks.1.1.transformer_blocks.0.attn2.to_k_control.weight"),
            r"attn2\.to_k_control\.weight' has shape \[48, 32\], .* \[32, 48\]",
        ),
        ("geosynth", drop("control_model."), r"'control_model\.input_blocks\.0\.0\.weight' is missing"),
        ("geosynth", drop("loc_blocks.3.ff.weight"), r"lacks 'control_model\.loc_blocks\.3\.ff\.weight'"),
        (
            "geosynth",
            drop("loc_middle_block.norm1.bias"),
            r"lacks 'control_model\.loc_middle_block\.norm1\.bias'",
        ),
    ],
)
def test_tensors_that_are_not_as_published(
    refused: Refused, tmp_path: Path, beside: Path, layout: str, change: Callable[[State], object], says: str
) -> None:
    place = copied(layout, tmp_path / "src")
    change_tensors(place, change)
    refused(says, place, *options(layout, beside))


def edit(path: Path, **said: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | said))


def resave(path: Path, change: Callable[[State], object]) -> None:
    state = load_file(path)
    change(state)
    save_file(state, path)


class TestDiffusionSat:
    @pytest.mark.parametrize(
        ("part", "change", "says"),
        [
            ("unet", drop("metadata_embedding."), r"unet/.* has no tensors metadata_embedding\.\*"),
            (
                "unet",
                drop("metadata_embedding.4.linear_2.bias"),
                r"lacks 'metadata_embedding\.4\.linear_2\.bias'",
            ),
            ("unet", drop("conv_out.bias"), r"'conv_out\.bias' is missing, which the settings ask for"),
            ("unet", lambda s: s.update({"more": torch.ones(2)}), r"'more' has no place in the network"),
            (
                "unet",
                turned("time_embedding.linear_1.weight"),
                r"'time_embedding\.linear_1\.weight' has shape",
            ),
            (
                "controlnet",
                drop("metadata_embedding.0.linear_1.weight"),
                r"lacks 'metadata_embedding\.0\.linear",
            ),
            ("controlnet", drop("controlnet_mid_block.bias"), r"'controlnet_mid_block\.bias' is missing"),
        ],
    )
    def test_tensors(
        self,
        refused: Refused,
        tmp_path: Path,
        beside: Path,
        part: str,
        change: Callable[[State], object],
        says: str,
    ) -> None:
        place = copied("diffusionsat-control", tmp_path / "src")
        resave(place / part / WEIGHTS, change)
        refused(says, place, "--base", beside)

    def test_tensors_of_frames(self, refused: Refused, tmp_path: Path, beside: Path) -> None:
        place = copied("diffusionsat-frames", tmp_path / "src")
        resave(place / "controlnet" / WEIGHTS, drop("temporal_blocks.6.proj_in.bias"))
        refused(r"lacks 'temporal_blocks\.6\.proj_in\.bias'", place, "--base", beside)

    def test_its_network_is_no_plain_one(
        self, tmp_path: Path, beside: Path, capsys: pytest.CaptureFixture
    ) -> None:
        whole = tmp_path / "converted"
        assert convert(source("diffusionsat"), whole, "--base", beside) == 0
        place = copied("diffusionsat", tmp_path / "src")
        # As the generic loader takes it, which passes over 28 tensors.
        edit(place / "unet" / "config.json", _class_name="UNet2DConditionModel")
        shutil.copytree(whole / "scheduler", place / "scheduler")
        shutil.copy(beside / "prompts.safetensors", place)
        shutil.copytree(beside / "vae", place / "vae")
        from geoinfinite.models import from_pretrained

        with pytest.raises(
            GeoInfiniteError, match=r"unet/.* no place for 'metadata_embedding\.0\.linear_1\.bias"
        ):
            from_pretrained(place).load("cpu")

    @pytest.mark.parametrize("layout", ["diffusionsat-control", "diffusionsat-frames"])
    def test_whatever_its_configuration_says(self, tmp_path: Path, beside: Path, layout: str) -> None:
        place = copied(layout, tmp_path / "src")
        path = place / "controlnet" / "config.json"
        said = json.loads(path.read_text())
        for seed in range(6):
            path.write_text(json.dumps(mutated(said, Random(seed))))
            attempted(place, tmp_path / "out", beside)


def attempted(place: Path, out: Path, beside: Path) -> None:
    """Convert, or be told in one line why not."""
    try:
        system, conversion = conversion_of(place, ConvertSettings(base=beside))
        if not conversion.lacks:
            conversion.written(system, out, overwrite=True)
    except GeoInfiniteError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 1500


@pytest.mark.parametrize("layout", ["zoomldm", "large-image-diffusion", "aerogen", "geosynth"])
def test_whatever_a_yaml_says(tmp_path: Path, beside: Path, layout: str) -> None:
    place = copied(layout, tmp_path / "src")
    (path,) = place.rglob("*.yaml")
    said = yaml.safe_load(path.read_text())
    for seed in range(6):
        path.write_text(yaml.safe_dump(mutated(said, Random(seed))))
        attempted(place, tmp_path / "out", beside)


class TestPlaces:
    def test_no_yaml(self, refused: Refused, tmp_path: Path) -> None:
        place = copied("zoomldm", tmp_path / "src")
        (place / "config.yaml").rename(tmp_path / "away.yaml")
        says = r"weights\.ckpt has no yaml beside it or in configs, .*; copy the one that was published"
        refused(says, place)
        refused(says, place / "weights.ckpt")
        (place / "configs").mkdir()
        (tmp_path / "away.yaml").rename(place / "configs" / "config.yaml")
        assert convert(place, tmp_path / "out") == 0

    def test_two_yamls(self, refused: Refused, tmp_path: Path) -> None:
        place = copied("zoomldm", tmp_path / "src")
        shutil.copy(place / "config.yaml", place / "other.yaml")
        refused(
            r"has several settings, config\.yaml, other\.yaml; keep the one .*, and move the others", place
        )
        (place / "old").mkdir()
        (place / "other.yaml").rename(place / "old" / "other.yaml")
        assert convert(place, tmp_path / "out") == 0

    def test_two_checkpoints(self, refused: Refused, tmp_path: Path) -> None:
        place = copied("zoomldm", tmp_path / "src")
        shutil.copy(place / "weights.ckpt", place / "other.ckpt")
        refused(
            r"src holds several checkpoints, other\.ckpt, weights\.ckpt; name the file that is meant", place
        )
        assert convert(place / "weights.ckpt", tmp_path / "out") == 0

    def test_code_is_not_run(self, refused: Refused, tmp_path: Path) -> None:
        class Code:
            def __reduce__(self) -> Any:
                return os.system, (f"touch {tmp_path / 'ran'}",)

        place = copied("large-image-diffusion", tmp_path / "src")
        path = place / "checkpoints" / "last.ckpt"
        torch.save({"callbacks": Code(), **torch.load(path, weights_only=True)}, path)
        refused(
            r"last\.ckpt holds more than tensors \('posix\.system'\), which could run code and was not", place
        )

    def test_a_truncated_download(self, refused: Refused, tmp_path: Path) -> None:
        place = copied("zoomldm", tmp_path / "src")
        os.truncate(place / "weights.ckpt", 300_000)
        refused(r"weights\.ckpt is truncated or damaged .*; copy or download the checkpoint again", place)

    def test_paths_in_a_yaml_are_not_followed(self, tmp_path: Path) -> None:
        plain, told = (copied("large-image-diffusion", tmp_path / name) for name in ("a", "b"))
        # Opened for reading, it would wait for ever.
        os.mkfifo(tmp_path / "fifo")

        def point(params: Settings) -> None:
            params["ckpt_path"] = params["first_stage_config"]["params"]["ckpt_path"] = str(tmp_path / "fifo")

        change_settings(told, point)
        for place in (plain, told):
            assert convert(place, tmp_path / f"{place.name}-out") == 0
        kept = [digests(tmp_path / f"{name}-out") for name in "ab"]
        assert {k for k in kept[0] if kept[0][k] != kept[1][k]} == {"geoinfinite.json"}

    def test_nothing_that_is_known(self, refused: Refused, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "a.txt").write_text("a")
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        refused(
            r"empty is in no layout that is known; name a checkpoint as its authors publish",
            tmp_path / "empty",
        )
        refused(r"a\.txt is in no layout that is known", tmp_path / "a.txt")
        refused(r"none does not exist; name a checkpoint", tmp_path / "none")
        refused(r"loop does not exist", tmp_path / "loop")
        refused(
            r"mapsat/checkpoint is in no layout .* use a folder in diffusers' format as it is",
            FIXTURES / "mapsat/checkpoint",
        )

    @pytest.mark.parametrize("name", ["none", "empty", "a.txt", "loop", "src", "nul\0"])
    def test_inspecting_what_is_no_model(
        self, tmp_path: Path, capsys: pytest.CaptureFixture, name: str
    ) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "a.txt").write_text("a")
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        (copied("zoomldm", tmp_path / "src") / "config.yaml").unlink()
        assert run("models", "inspect", tmp_path / name) == 1
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert "unexpected" not in err

    def test_links_that_lead_back(self, tmp_path: Path) -> None:
        place = copied("zoomldm", tmp_path / "src")
        (place / "again").symlink_to(place)
        (place / "loop").symlink_to(place / "loop")
        (place / "loop.yaml").symlink_to(place / "loop.yaml")
        (place / "loop.yaml").unlink()
        # The weights are found again and again, and are one file.
        assert convert(place / "weights.ckpt", tmp_path / "a") == 0
        assert convert(place, tmp_path / "b") == 0
        assert digests(tmp_path / "a") == digests(tmp_path / "b")

    def test_a_converted_folder(self, refused: Refused, tmp_path: Path) -> None:
        assert convert(source("zoomldm"), tmp_path / "a") == 0
        refused(r"a is converted already \(it has geoinfinite\.json\); use it as it is", tmp_path / "a")
        assert run("models", "inspect", tmp_path / "a") == 0


class TestOptions:
    def test_a_destination_that_exists(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        out = tmp_path / "out"
        (out / "mine").mkdir(parents=True)
        assert convert(source("zoomldm"), out) == 5
        assert re.search(
            r"DST=.*out exists; name another folder, or add --overwrite", capsys.readouterr().err
        )
        assert convert(source("zoomldm"), out, "--overwrite") == 1
        assert "is no converted checkpoint (it has no geoinfinite.json)" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == ["mine"]
        # Both remedies.
        assert convert(source("zoomldm"), tmp_path / "other") == 0
        assert convert(source("zoomldm"), tmp_path / "other", "--overwrite") == 0

    def test_a_destination_in_the_way_of_what_is_read(
        self, tmp_path: Path, capsys: pytest.CaptureFixture, beside: Path
    ) -> None:
        place = copied("zoomldm", tmp_path / "src")
        before = digests(place)
        assert convert(place, place / "out") == 1
        assert re.search(
            r"src/out lies in .*src, which is read; name a folder outside it", capsys.readouterr().err
        )
        whole = tmp_path / "whole"
        assert convert(place, whole) == 0
        inner = copied("geosynth", whole / "src")
        own = Path(shutil.copytree(beside, whole / "base"))
        held = digests(whole)
        for source_, base_ in ((inner, beside), (source("geosynth"), own)):
            capsys.readouterr()
            assert convert(source_, whole, "--base", base_, "--overwrite") == 1
            assert re.search(r"whole holds .*, which is read; name another folder", capsys.readouterr().err)
        assert digests(whole) == held
        assert digests(place) == before

    def test_a_destination_that_cannot_be(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        for place, says in (
            (
                "file/out",
                "file is no folder to write to; name a place in one",
            ),
            ("x" * 300, "File name too long"),
            ("loop", "exists; name another folder"),
            ("loop/out", "cannot be written ("),
        ):
            capsys.readouterr()
            assert convert(source("zoomldm"), tmp_path / place) == 1
            assert says in capsys.readouterr().err
        assert {path.name for path in tmp_path.iterdir()} == {"file", "loop"}

    @pytest.mark.parametrize(
        ("layout", "chosen", "says"),
        [
            (
                "large-image-diffusion",
                ["--weights", "ema"],
                r"has no averaged weights, .*it with --weights raw",
            ),
            ("diffusionsat", ["--weights", "ema"], r"has no averaged weights, unet_ema; .* --weights raw"),
            (
                "zoomldm",
                ["--gsd", "0"],
                r"gsd=0\.0 must be a number above 0 to 1e\+07; correct it, or leave it",
            ),
            ("zoomldm", ["--gsd", "nan"], r"gsd=nan must be a number"),
            ("zoomldm", ["--gsd", "inf"], r"gsd=inf must be a number"),
            ("zoomldm", ["--boxes", "3"], r"boxes=3 says nothing to ZoomLDM .*; leave it out"),
            ("aerogen", ["--gsd", "3"], r"gsd=3\.0 says nothing to AeroGen"),
            ("aerogen", ["--boxes", "0"], r"boxes=0 must be a whole number from 1 to 4096"),
            ("aerogen", ["--boxes", "1000000000"], r"boxes=1000000000 must be a whole number"),
        ],
    )
    def test_options_that_say_nothing(
        self, refused: Refused, tmp_path: Path, beside: Path, layout: str, chosen: list[str], says: str
    ) -> None:
        refused(says, source(layout), *options(layout, beside), *chosen)
        # What each of them advises.
        rest = ["--weights", "raw"] if chosen[0] == "--weights" else []
        assert convert(source(layout), tmp_path / "out", *options(layout, beside), *rest) == 0

    def test_a_base_that_is_none(self, refused: Refused, tmp_path: Path, beside: Path) -> None:
        place = source("geosynth")
        refused(
            r"base='.*none' is no folder; name one that has what .*geosynth",
            place,
            "--base",
            tmp_path / "none",
        )
        refused(r"base=.* is no folder", place, "--base", beside / "prompts.safetensors")
        (tmp_path / "empty").mkdir()
        refused(
            r"published without vae, text_encoder, tokenizer; .* --base FOLDER",
            place,
            "--base",
            tmp_path / "empty",
        )

    def test_a_base_of_something_else(self, refused: Refused, tmp_path: Path, beside: Path) -> None:
        own = Path(shutil.copytree(beside, tmp_path / "base"))
        shutil.rmtree(own / "vae")
        assert convert(source("zoomldm"), tmp_path / "zoomldm") == 0
        shutil.copytree(tmp_path / "zoomldm" / "vqvae", own / "vae")
        says = r"out/vae/config\.json: codes of 3 channels, but the network's state has 4; the two are of"
        refused(says, source("geosynth"), "--base", own)

    def test_prompts_of_something_else(self, refused: Refused, tmp_path: Path, beside: Path) -> None:
        own = Path(shutil.copytree(beside, tmp_path / "base"))
        save_file({"": torch.ones(7, 47)}, own / "prompts.safetensors")
        refused(
            r"out/prompts\.safetensors: '' has shape \[7, 47\], and all must have",
            source("geosynth"),
            "--base",
            own,
        )

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            (
                np.ones((19, 48)),
                r"category_embeddings\.npy has vectors of shape \[19, 48\], .*\[20, 48\]; take",
            ),
            (
                np.array([{"a": 1}], object),
                r"category_embeddings\.npy holds no array of numbers .*download it again",
            ),
        ],
    )
    def test_vectors_of_something_else(
        self, refused: Refused, tmp_path: Path, beside: Path, values: Any, says: str
    ) -> None:
        own = Path(shutil.copytree(beside, tmp_path / "base"))
        np.save(own / "category_embeddings.npy", values, allow_pickle=True)
        refused(says, source("aerogen"), "--base", own)
