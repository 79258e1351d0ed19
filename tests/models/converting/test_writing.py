"""Converted folders: whole or not there, the same bytes each time, and nothing of the user's replaced."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.writing import write_folder

VALUES = torch.arange(24.0).reshape(4, 6) - 7
SIDECAR = {"kind": "diffusers", "gsd": [1.0, 2.0]}
SCHEDULER = {"_class_name": "DDIMScheduler", "beta_start": 0.0015}


def parts() -> tuple[Part, ...]:
    # A view, a column and a value that lies in the memory of another.
    unet = {"b": VALUES[1:], "a": VALUES.T[2], "c": VALUES[0, 0], "h": VALUES.half()}
    return (
        Part("unet", {"_class_name": "UNet", "sample_size": 8}, unet),
        Part("extra", None, {"x": VALUES + 1}, "boxes"),
        Part("extra", None, {"x": VALUES + 2}, "layout"),
    )


def write(folder: Path, **changes: Any) -> Path:
    settings = {"parts": parts(), "sidecar": SIDECAR, "scheduler": SCHEDULER} | changes
    return write_folder(folder, settings.pop("parts"), settings.pop("sidecar"), **settings)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_what_is_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "new" / "model")
    assert set(digests(folder)) == {
        *("unet/config.json", "unet/diffusion_pytorch_model.safetensors"),
        *("extra/boxes.safetensors", "extra/layout.safetensors"),
        *("scheduler/scheduler_config.json", "geoinfinite.json"),
    }
    assert json.loads((folder / "geoinfinite.json").read_text()) == SIDECAR
    found = load_file(folder / "unet/diffusion_pytorch_model.safetensors")
    for name, tensor in parts()[0].tensors.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype
    assert float(load_file(folder / "extra/layout.safetensors")["x"][0, 0]) == -5
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


def test_twice_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    turned = tuple(
        Part(p.folder, p.config, dict(reversed(list(p.tensors.items()))), p.stem) for p in reversed(parts())
    )
    second = write(tmp_path / "b", parts=iter(turned), sidecar=dict(reversed(list(SIDECAR.items()))))
    assert digests(first) == digests(second)


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling"])
def test_what_is_there_stays(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / "model", tmp_path / "other"
    (other / "mine").mkdir(parents=True)
    match kind:
        case "folder":
            (place / "mine").mkdir(parents=True)
        case "file":
            place.write_text("mine")
        case "link":
            place.symlink_to(other)
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(ModelError, match=r"model exists; name another folder, or ask for it to be replaced"):
        write(place)
    with pytest.raises(ModelError, match=r"model is no converted checkpoint \(it has no geoinfinite\.json\)"):
        write(place, replace=True)
    assert sorted(os.listdir(tmp_path)) == before
    assert kind != "folder" or (place / "mine").is_dir()


def test_a_converted_folder_is_replaced_when_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    changed = SIDECAR | {"gsd": [3.0]}
    write(folder, sidecar=changed, parts=parts()[:1], replace=True)
    assert json.loads((folder / "geoinfinite.json").read_text()) == changed
    assert not (folder / "extra").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert write(tmp_path / "other", replace=True).is_dir()


def test_a_link_to_a_converted_folder_stays_one(tmp_path: Path) -> None:
    folder, link = write(tmp_path / "model"), tmp_path / "link"
    link.symlink_to(folder)
    write(link, sidecar=SIDECAR | {"gsd": [3.0]}, replace=True)
    assert link.is_symlink()
    assert json.loads((folder / "geoinfinite.json").read_text())["gsd"] == [3.0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "model"]


def failing() -> Iterator[Part]:
    yield parts()[0]
    raise ModelError("the second part is missing")


@pytest.mark.parametrize("replace", [False, True])
def test_a_failure_leaves_what_there_was(tmp_path: Path, replace: bool) -> None:
    folder = tmp_path / "model"
    before = digests(write(folder)) if replace else {}
    with pytest.raises(ModelError, match="the second part is missing"):
        write(folder, parts=failing(), replace=replace)
    with pytest.raises(
        ModelError, match=r"extra/boxes\.safetensors is written twice; give every part its own"
    ):
        write(folder, parts=[*parts(), parts()[1]], replace=replace)
    with pytest.raises(ModelError, match=r"geoinfinite\.json would hold a number that is not finite; give a"):
        write(folder, sidecar={"gsd": float("nan")}, replace=replace)
    assert digests(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"] * replace


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file is no folder to write to; name a place in one"):
        write(tmp_path / "file" / "model")
    with pytest.raises(
        ModelError, match=r"cannot be written \(File name too long\); name a folder on a disk with room that"
    ):
        write(tmp_path / ("x" * 300))


def test_copies_of_folders_and_files(tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "vae" / "inner").mkdir(parents=True)
    (base / "vae" / "config.json").write_text("{}")
    (base / "vae" / "run.py").write_text("raise SystemExit")
    (base / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    save_file({"a": VALUES}, base / "vae" / "diffusion_pytorch_model.safetensors")
    save_file({"": VALUES}, base / "prompts.safetensors")
    copied = {"vae": base / "vae", "prompts.safetensors": base / "prompts.safetensors"}
    folder = write(tmp_path / "model", copied=copied)
    assert {name for name in digests(folder) if "vae" in name or "prompts" in name} == {
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "prompts.safetensors",
    }


def test_copies_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "vae").mkdir()
    place = tmp_path / "model"
    with pytest.raises(
        ModelError, match=r"vae holds none of \.json, \.txt, \.safetensors, which is not copied"
    ):
        write(place, copied={"vae": tmp_path / "vae"})
    (tmp_path / "vae" / "config.json").write_text("{}")
    (tmp_path / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(
        ModelError, match=r"vae holds 'diffusion_pytorch_model\.bin', which is not copied; save it"
    ):
        write(place, copied={"vae": tmp_path / "vae"})
    with pytest.raises(ModelError, match=r"unet is converted and copied; take it from one of the two"):
        write(place, copied={"unet": tmp_path / "vae"})
    with pytest.raises(ModelError, match=r"none is no folder; name a checkpoint in diffusers' layout"):
        write(place, copied={"vae": tmp_path / "none"})
    assert not place.exists()
