"""Published layouts whose yaml or tensors are not theirs: one line each, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
import yaml
from broken_layouts import Refused, Settings, State, attempted, cond, drop, options, turned, unet
from mutations import mutated
from published import FIXTURES
from published_layouts import (
    change_settings,
    change_tensors,
    copied,
)

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")
EPS = "model.diffusion_model."


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


@pytest.mark.parametrize("layout", ["zoomldm", "large-image-diffusion", "aerogen", "geosynth"])
def test_whatever_a_yaml_says(tmp_path: Path, beside: Path, layout: str) -> None:
    place = copied(layout, tmp_path / "src")
    (path,) = place.rglob("*.yaml")
    said = yaml.safe_load(path.read_text())
    for seed in range(6):
        path.write_text(yaml.safe_dump(mutated(said, Random(seed))))
        attempted(place, tmp_path / "out", beside)


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
    refused: Refused,
    tmp_path: Path,
    beside: Path,
    layout: str,
    change: Callable[[State], object],
    says: str,
) -> None:
    place = copied(layout, tmp_path / "src")
    change_tensors(place, change)
    refused(says, place, *options(layout, beside))
