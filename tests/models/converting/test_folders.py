"""Folders in diffusers' layout, their weights in whatever file they were published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.folders import read_folder

VALUES = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([0.5, -3.0])}
STEM = "diffusion_pytorch_model"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text('{"_class_name": "SatUNet"}')
    return tmp_path / "unet"


def shards(folder: Path, ending: str, save: Any, names: dict[str, str] | None = None) -> None:
    files = {"a": f"{STEM}-00001-of-00002{ending}", "b": f"{STEM}-00002-of-00002{ending}"}
    for name, file in files.items():
        save({name: VALUES[name]}, folder / file)
    index = {"metadata": {"total_size": 32}, "weight_map": files if names is None else names}
    (folder / f"{STEM}{ending}.index.json").write_text(json.dumps(index))


def check(folder: Path) -> None:
    config, found = read_folder(folder)
    assert config == {"_class_name": "SatUNet"}
    assert found.keys() == VALUES.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in VALUES.items())


def test_every_form_of_weights(folder: Path) -> None:
    save_file(VALUES, folder / f"{STEM}.safetensors")
    check(folder)
    (folder / f"{STEM}.safetensors").rename(folder / f"{STEM}.fp16.safetensors")
    check(folder)
    (folder / f"{STEM}.fp16.safetensors").unlink()
    torch.save(VALUES, folder / f"{STEM}.bin")
    check(folder)


@pytest.mark.parametrize(("ending", "save"), [(".safetensors", save_file), (".bin", torch.save)])
def test_shards(folder: Path, ending: str, save: Any) -> None:
    shards(folder, ending, save)
    check(folder)


def test_safetensors_come_before_a_pickle(folder: Path) -> None:
    (folder / f"{STEM}.bin").write_bytes(b"damaged")
    save_file(VALUES, folder / f"{STEM}.safetensors")
    check(folder)


def test_a_text_encoder_has_other_names(folder: Path) -> None:
    torch.save(VALUES, folder / "pytorch_model.bin")
    assert read_folder(folder, "model")[1].keys() == VALUES.keys()


def test_narrow_types_become_float32(folder: Path) -> None:
    narrow = {name: tensor.to(torch.float8_e4m3fn) for name, tensor in VALUES.items()}
    save_file(narrow, folder / f"{STEM}.safetensors")
    check(folder)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"a": "../../a.bin"}, r"weight_map names '\.\./\.\./a\.bin', which is no \.bin file of its folder"),
        ({"a": "/etc/passwd"}, r"weight_map names '/etc/passwd', which is no \.bin file of its folder"),
        ({"a": "a.ckpt"}, r"weight_map names 'a\.ckpt', which is no \.bin file"),
        ({"a": 3}, r"weight_map names no files; copy the checkpoint again"),
        ({}, r"weight_map names no files"),
        ({"a": "none.bin"}, r"none\.bin does not exist; name the file of the weights"),
    ],
)
def test_an_index_of_other_files(folder: Path, names: dict[str, Any], says: str) -> None:
    shards(folder, ".bin", torch.save, names)
    with pytest.raises(ModelError, match=says):
        read_folder(folder)


def test_what_is_not_there(folder: Path) -> None:
    with pytest.raises(
        ModelError, match=r"diffusion_pytorch_model\.safetensors does not exist; a checkpoint"
    ):
        read_folder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"unet/config\.json cannot be read \(No such file or directory\)"):
        read_folder(folder)
