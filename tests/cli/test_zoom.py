"""``geoinfinite zoom``: a raster file drawn finer in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes
import xarray as xr
from PIL import Image

import geoinfinite as gi
import rasters
from geoinfinite.cli import main

GAUSSIAN = ["--model", "analytic:gaussian"]
PART = ["--bbox", "412500", "5207400", "412650", "5207580", "--crs", scenes.UTM]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A raster in the current folder."""
    monkeypatch.chdir(tmp_path)
    return scenes.written(tmp_path / "scene.tif", scenes.pixels())


def test_one_line_writes_a_store_a_file_and_a_picture(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", "fine.zarr", "--out", "fine.tif", "--out", "fine.png"]
    assert main(["zoom", "scene.tif", "--factor", "16", "--seed", "7", *PART, *GAUSSIAN, *out]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("drawing world 'zoom' level 2: 160 x 192 px and 1 coarser level, ")
    assert said[0].endswith(" evaluations")
    fine = scenes.opened(scene).geoinfinite.zoom(16, model="analytic:gaussian", seed=7)
    expected = fine.sel(x=slice(412500, 412650), y=slice(5207580, 5207400)).values
    stored = xr.open_zarr("fine.zarr", group="2").image
    np.testing.assert_array_equal(stored, expected)
    with rasterio.open("fine.tif") as raster:
        np.testing.assert_array_equal(raster.read(), expected)
    np.testing.assert_array_equal(np.moveaxis(np.array(Image.open("fine.png")), -1, 0), expected)
    assert gi.verify("fine.zarr")


def test_without_a_box_it_draws_the_whole_raster(scene: Path) -> None:
    assert main(["zoom", str(scene), "--factor", "4", *GAUSSIAN, "--out", "fine.tif", "--quiet"]) == 0
    with rasterio.open("fine.tif") as raster:
        means = raster.read().astype(float).reshape(3, 38, 4, 61, 4).mean(axis=(2, 4))
    np.testing.assert_array_equal(means, scenes.pixels())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["scene.tif", "--factor", "8"],
            "--factor=8 is no power of 4, by which the model draws each level; take 4 or",
        ),
        (["absent.tif", "--factor", "4"], "absent.tif' does not exist"),
        (["bare.png", "--factor", "4"], "bare.png' has no "),
        (["signed.tif", "--factor", "4"], "holds int16, and worlds uint8, uint16, float32; convert it: rio"),
        (
            ["four.tif", "--factor", "4"],
            "has 4 bands, model.ref='bundled:earth-small' draws 3; choose the bands",
        ),
        (["scene.tif", "--factor", "4", "--bbox", "9", "46", "9.1", "46.1"], "reaches outside the grid"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(
    scene: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save("bare.png")
    scenes.written(Path("signed.tif"), scenes.pixels().astype("int16"))
    scenes.written(Path("four.tif"), scenes.pixels()[[0, 1, 2, 0]], photometric="MINISBLACK")
    assert main(["zoom", *words, "--out", "fine.tif"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]
    assert not Path("fine.tif").exists()


def test_the_advised_commands_mend_a_raster(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signed = scenes.written(Path("signed.tif"), scenes.pixels().astype("int16"))
    four = scenes.written(Path("four.tif"), scenes.pixels()[[0, 1, 2, 0]], photometric="MINISBLACK")
    for path in (signed, four):
        assert main(["zoom", str(path), "--factor", "4", "--out", "fine.tif"]) == 1
        mended = rasters.advised(capsys.readouterr().err.strip(), path)
        model = GAUSSIAN if path == signed else []
        out = str(path.with_suffix(".png"))
        assert main(["zoom", str(mended), "--factor", "4", *PART, *model, "--out", out]) == 0


def test_an_output_that_exists_is_kept(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("fine.tif").write_text("mine")
    assert main(["zoom", "scene.tif", "--factor", "4", *GAUSSIAN, "--out", "fine.tif"]) == 5
    assert "--out=fine.tif exists" in capsys.readouterr().err
    assert Path("fine.tif").read_text() == "mine"
