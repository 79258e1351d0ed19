"""A system that another package knows: recognised, converted and drawn, without a change of this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import eighth_system
import latents
import numpy as np
import pytest
import told_checkpoints
import torch
from diffusers import DDIMScheduler
from published_layouts import convert, digests, run

import geoinfinite as gi
from geoinfinite import conditions
from geoinfinite.engine import generate
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.known import known_systems
from geoinfinite.plane.window import Window


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the authors of the made-up system publish."""
    folder = tmp_path_factory.mktemp("eighth")
    parts = {"net": told_checkpoints.unet(), "coder": latents.kl(scaling_factor=0.3, shift_factor=None)}
    tensors = {f"{part}.{name}": t for part, net in parts.items() for name, t in net.state_dict().items()}
    draw = torch.Generator().manual_seed(3)
    tensors["place.weight"] = torch.empty(told_checkpoints.WORDS, 2).normal_(generator=draw)
    tensors["place.bias"] = torch.empty(told_checkpoints.WORDS).normal_(generator=draw)
    torch.save({"model": tensors}, folder / "eighth.pt")
    said = {part: json.loads(net.to_json_string()) for part, net in parts.items()}
    noise = json.loads(DDIMScheduler(**latents.BETAS, clip_sample=False).to_json_string())
    (folder / "eighth.json").write_text(json.dumps(said | {"noise": noise}))
    return folder


def install(site: Path, patch: pytest.MonkeyPatch) -> None:
    """Write what an installer writes of the package of the made-up system."""
    about = site / "eighth_system-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: eighth-system\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[geoinfinite.systems]\neighth = eighth_system:SYSTEM\n")
    patch.syspath_prepend(site)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", monkeypatch)


def test_it_is_not_known_before_its_package_is(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert "eighth" not in known_systems()
    # A process does not look for a package again because of a folder that it has looked at.
    place = shutil.copytree(published, tmp_path / "copy")
    assert run("models", "inspect", place) == 1
    assert "without which its layout is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_it_is_recognised_and_converted(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert known_systems()["eighth"] is eighth_system.SYSTEM
    assert set(known_systems()) >= {"aerogen", "diffusionsat", "geosynth", "zoomldm", "eighth"}
    assert run("models", "inspect", published) == 0
    printed = capsys.readouterr().out
    assert f"{published}: Eighth (Nobody 2026)" in printed
    assert "unet, vae, place" in printed
    for name in ("a", "b"):
        assert convert(published, tmp_path / name) == 0
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert run("models", "inspect", tmp_path / "a") == 0
    assert "told place" in capsys.readouterr().out


@pytest.mark.usefixtures("installed")
def test_it_is_drawn_from_its_published_layout(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))

    def drawn(lon: float, *windows: Window) -> list[np.ndarray]:
        world = gi.World.for_model(
            from_pretrained(published),
            crs="EPSG:4326",
            bounds=(lon, 10.0, lon + 0.01, 10.01),
            resolution=0.0001,
            conditions=[conditions.Location("place")],
        )
        return [generate(world, 0, window) for window in windows]

    one, other = drawn(12.0, Window(3, 40, 7, 61), Window(20, 70, 30, 90))
    assert one.shape == (3, 37, 54)
    assert float(one.std()) > 0.01
    np.testing.assert_array_equal(one[:, 17:, 23:], other[:, :20, :31])
    (elsewhere,) = drawn(-140.0, Window(3, 40, 7, 61))
    # The same noise, told another place.
    assert float(np.abs(one - elsewhere).max()) > 1e-3


def test_a_converted_folder_says_which_package_is_missing(published: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        install(tmp_path / "site", patch)
        assert convert(published, tmp_path / "a") == 0
    says = r"system='eighth' of a sidecar is not one of aerogen, .*; install the package that knows it"
    with pytest.raises(ModelError, match=says):
        from_pretrained(tmp_path / "a").load("cpu")
    with pytest.MonkeyPatch.context() as patch:
        install(tmp_path / "again", patch)
        assert from_pretrained(tmp_path / "a").load("cpu").nbytes > 0
