"""Files of weights: torch's formats, of which nothing is run, and what is found in their place."""

from __future__ import annotations

import os
import pickle
import re
import struct
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.pickles import read_files, read_tensors

WEIGHT = torch.arange(12.0).reshape(3, 4) - 5
AGAIN = "copy or download the checkpoint again"


class Code:
    """Runs a command when it is unpickled without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def saved(path: Path, value: Any, **settings: Any) -> Path:
    torch.save(value, path, **settings)
    return path


def refused(path: Path, says: str) -> None:
    with pytest.raises(ModelError, match=re.escape(str(path)) + says) as raised:
        read_tensors(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("table", [None, "state_dict", "model", "ema"])
def test_a_table_of_tensors_in_every_form(tmp_path: Path, newer: bool, table: str | None) -> None:
    tensors = {"a.weight": WEIGHT, "b": WEIGHT[1].half(), "steps": torch.tensor(7)}
    value = tensors if table is None else {table: tensors, "epoch": 3, "name": "x"}
    found = read_tensors(saved(tmp_path / "last.ckpt", value, _use_new_zipfile_serialization=newer))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    save_file({"a": WEIGHT}, tmp_path / "a.safetensors")
    assert torch.equal(read_tensors(tmp_path / "a.safetensors")["a"], WEIGHT)


def test_averaged_weights_come_before_those_that_they_average(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"model": {"a": WEIGHT}, "ema": {"a": WEIGHT + 1}, "opt": {"lr": 1.0}})
    assert torch.equal(read_tensors(path)["a"], WEIGHT + 1)


def test_narrow_types_become_float32_exactly(tmp_path: Path) -> None:
    narrow = torch.tensor([0.4375, -448.0, 2.0**-9]).to(torch.float8_e4m3fn)
    found = read_tensors(saved(tmp_path / "a.pt", {"a": narrow}))["a"]
    assert found.dtype is torch.float32
    assert found.tolist() == [0.4375, -448.0, 2.0**-9]


def test_parameters_and_parts_of_tensors_are_values_alone(tmp_path: Path) -> None:
    value = {"a": torch.nn.Parameter(WEIGHT), "b": WEIGHT.T[1:, ::2]}
    found = read_tensors(saved(tmp_path / "a.pt", value))
    assert not found["a"].requires_grad
    assert torch.equal(found["b"], WEIGHT.T[1:, ::2])


def test_objects_that_trainings_leave_have_no_effect(tmp_path: Path) -> None:
    value = {"state_dict": {"a": WEIGHT}, "hyper_parameters": Namespace(lr=1e-4, callbacks=[1])}
    assert read_tensors(saved(tmp_path / "a.ckpt", value)).keys() == {"a"}


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("beside", [True, False])
def test_code_is_not_run(tmp_path: Path, newer: bool, beside: bool) -> None:
    code = Code(tmp_path / "ran")
    value = {"state_dict": {"a": WEIGHT}, "callback": code} if beside else code
    path = saved(tmp_path / "last.ckpt", value, _use_new_zipfile_serialization=newer)
    refused(path, r" holds more than tensors \('posix\.system'\), which could run code and was not run; take")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_a_pickle_that_torch_has_not_written_is_not_run(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(pickle.dumps(Code(tmp_path / "ran"), protocol))
    refused(path, r" holds more than tensors \('(posix\.system|Unsupported operand 149)'\), .*was not run")
    assert not (tmp_path / "ran").exists()


def test_a_known_library_is_not_imported_for_what_a_file_calls_by_its_name(tmp_path: Path) -> None:
    # A module that would be found, were it looked for.
    whole = saved(tmp_path / "good.ckpt", {"a": WEIGHT, "x": Namespace(run=1)})
    name = b"argparse\nNamespace"
    changed = tmp_path / "numpy.ckpt"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(changed, "w") as other:
        for entry in archive.infolist():
            data = archive.read(entry)
            other.writestr(entry.filename, data.replace(name, b"numpy.testing\nrundocs"))
    assert read_tensors(changed).keys() == {"a"}


@pytest.mark.parametrize("newer", [True, False])
def test_a_file_that_is_cut_off_anywhere(tmp_path: Path, newer: bool) -> None:
    whole = saved(tmp_path / "whole.ckpt", {"a": WEIGHT}, _use_new_zipfile_serialization=newer).read_bytes()
    path = tmp_path / "cut.ckpt"
    for length in (0, 8, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, rf" is truncated or damaged \(.+\); {AGAIN}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:1",
            " is a pointer of Git LFS.*git lfs pull",
        ),
        ("<!DOCTYPE html>\n<html><head><title>Sign in</title>", r" is truncated .*begins with '<!DOCTYPE"),
    ],
)
@pytest.mark.parametrize("name", ["last.ckpt", "a.safetensors"])
def test_what_is_often_saved_in_place_of_weights(tmp_path: Path, text: str, says: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    refused(tmp_path / name, says)


@pytest.mark.parametrize("entry", ["data.pkl", "data/0"])
def test_an_archive_that_grows_when_it_is_read(tmp_path: Path, entry: str) -> None:
    whole, path = saved(tmp_path / "whole.ckpt", {"a": WEIGHT}), tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for info in archive.infolist():
            grown = bytes(2**24) if info.filename.endswith(entry) else b""
            bomb.writestr(info.filename, archive.read(info) + grown)
    assert path.stat().st_size < 2**18
    refused(path, " is truncated or damaged .*its entries are compressed, which torch never does")


def test_an_archive_whose_entries_share_their_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "whole.ckpt", {"a": torch.ones(2000), "b": torch.ones(2)})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start, count = archive.start_dir, len(archive.infolist())
    for _ in range(count):
        # The sizes of an entry in the directory at the end of the archive.
        held = struct.unpack("<II", data[start + 20 : start + 28])
        if held == (8, 8):
            data[start + 20 : start + 28] = struct.pack("<II", 2**30, 2**30)
        start += 46 + sum(struct.unpack("<HHH", data[start + 28 : start + 34]))
    path.write_bytes(data)
    refused(path, " is truncated or damaged .*promise more than the file holds")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": 3}, " holds no tensors; name the file of the weights"),
        ({"state_dict": {}}, " holds no tensors"),
        ([WEIGHT], " .*it holds list, and no table of tensors"),
        (WEIGHT, " .*it holds Tensor, and no table of tensors"),
        ({3: WEIGHT}, " .*a tensor is called 3"),
        ({"a\x1b[2J": WEIGHT}, r" .*a tensor is called 'a\\x1b\[2J'"),
        ({"a": WEIGHT.to_sparse()}, " .*'a' is no plain tensor of real numbers"),
        ({"a": WEIGHT + 1j}, " .*'a' is no plain tensor of real numbers"),
        ({"a": torch.zeros(1).expand(10**10)}, " .*'a' promises more values than there are"),
        ({"a": WEIGHT, "b": WEIGHT.log()}, ": 'b' holds values that are not finite; download"),
        ({"b": torch.tensor([1.0, torch.inf]).half()}, ": 'b' holds values that are not finite"),
    ],
)
def test_values_that_are_no_weights(tmp_path: Path, value: Any, says: str) -> None:
    refused(saved(tmp_path / "last.ckpt", value), says)


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    refused(tmp_path, " is a folder; name the file of the weights, as it was published")
    refused(tmp_path / "none.ckpt", " does not exist; name the file of the weights, as it was published")


def test_a_pickle_that_is_called_safetensors(tmp_path: Path) -> None:
    refused(saved(tmp_path / "a.safetensors", {"a": WEIGHT}), f" is truncated or damaged .*{AGAIN}")


def test_a_tensor_that_two_files_hold(tmp_path: Path) -> None:
    one, other = (saved(tmp_path / f"{i}.bin", {f"a{i}": WEIGHT, "both": WEIGHT}) for i in range(2))
    with pytest.raises(ModelError, match=r"1\.bin: 'both' is in another file too; copy the whole checkpoint"):
        read_files([one, other])
    assert read_files([one]).keys() == {"a0", "both"}
