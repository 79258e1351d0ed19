"""Destinations, bases and options of a conversion that do not go with what is converted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_layouts import Refused, options
from published import FIXTURES
from published_layouts import (
    convert,
    copied,
    digests,
    source,
)
from safetensors.torch import save_file

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")


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
        self,
        refused: Refused,
        tmp_path: Path,
        beside: Path,
        layout: str,
        chosen: list[str],
        says: str,
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
