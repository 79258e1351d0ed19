"""Folders of DiffusionSat that are not as published: one line each, and nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from broken_layouts import Refused, State, attempted, drop, turned
from mutations import mutated
from published import FIXTURES
from published_layouts import (
    convert,
    copied,
    source,
)
from safetensors.torch import load_file, save_file

from geoinfinite.errors import GeoInfiniteError

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")
WEIGHTS = "diffusion_pytorch_model.safetensors"


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
