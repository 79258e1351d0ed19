"""Files and folders that hold no published layout, or a hostile one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from broken_layouts import Refused, Settings
from published import FIXTURES
from published_layouts import (
    change_settings,
    convert,
    copied,
    digests,
    run,
    source,
)

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")


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
