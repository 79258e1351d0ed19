import json
import pickle
import shutil
import struct
from pathlib import Path

import pytest
from earth_networks import write_detail_network, write_flow_network

from geoinfinite.errors import ModelError
from geoinfinite.models.reference import (
    CONFIG,
    SIDECAR,
    WEIGHTS,
    ModelReference,
    check_safetensors,
    from_pretrained,
)


def write_safetensors(path: Path, payload: bytes, end: int | None = None) -> None:
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [len(payload) // 4], "data_offsets": [0, end or len(payload)]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + payload)


def test_a_whole_file_passes(tmp_path: Path) -> None:
    write_safetensors(tmp_path / WEIGHTS, b"\0" * 64)
    check_safetensors(tmp_path / WEIGHTS)


def truncated(path: Path) -> None:
    write_safetensors(path, b"\0" * 64)
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncated, "truncated or damaged .* bytes promised"),
        (lambda p: p.write_bytes(b""), "truncated or damaged .header is cut off"),
        (lambda p: p.write_bytes(struct.pack("<Q", 2**40) + b"{}"), "header is cut off"),
        (lambda p: p.write_bytes(struct.pack("<Q", 2) + b"{}"), "truncated or damaged"),
        (lambda p: p.write_bytes(struct.pack("<Q", 3) + b"\xff\xfe\xfd"), "truncated or damaged"),
        (lambda p: p.write_bytes(pickle.dumps({"w": 1}, protocol=2)), "is a pickle, which can run code"),
        (lambda p: p.write_bytes(pickle.dumps({"w": 1}, protocol=5)), "is a pickle, which can run code"),
        (lambda p: p.write_bytes(b"PK\x03\x04 a torch zip archive"), "is a pickle, which can run code"),
        (lambda p: None, "does not exist"),
    ],
)
def test_damaged_weights_are_refused_before_they_are_loaded(tmp_path: Path, damage, message: str) -> None:
    damage(tmp_path / WEIGHTS)
    with pytest.raises(ModelError, match=message) as caught:
        check_safetensors(tmp_path / WEIGHTS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0]}}, r"'w' has data_offsets \[0\]"),
        ({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 2.5]}}, r"'w' has data_offsets \[0, 2.5\]"),
        ({"w": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}, r"'w' has shape \[-4\]"),
        ({"w": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}}, r"'w' of shape \[5\] does not fit"),
        ({"w": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, r"'w' has shape \[True\]"),
        (
            {"w": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]}},
            r"'w' has dtype 'I64', .* as float32",
        ),
        ({"w": 7}, r"the entry of 'w' is no JSON object"),
        ({"__metadata__": {}}, r"there is no tensor in it"),
        (
            {
                "v": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
                "w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
            },
            r"'w' does not begin where the tensor before it ends",
        ),
    ],
)
def test_headers_that_describe_no_file(tmp_path: Path, entries: dict, message: str) -> None:
    header = json.dumps(entries).encode()
    (tmp_path / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)
    with pytest.raises(ModelError, match=message):
        check_safetensors(tmp_path / WEIGHTS)


def test_a_flipped_bit_in_the_weights_changes_the_digest(tmp_path: Path) -> None:
    bundled = ModelReference("bundled:earth-small").directory
    assert bundled is not None
    copy = tmp_path / "copy"
    shutil.copytree(bundled, copy)
    reference = from_pretrained(copy)
    assert reference.digest() == ModelReference("bundled:earth-small").digest()
    data = bytearray((copy / WEIGHTS).read_bytes())
    data[-50] ^= 1
    (copy / WEIGHTS).write_bytes(data)
    assert reference.digest() != ModelReference("bundled:earth-small").digest()


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ("{", "is truncated or damaged"),
        ('{"kind": "earth-residual-flow"}', "format is missing; it must be 1"),
        (
            '{"kind": "else", "bands": ["a"], "factor": 4, "margin": 6, "multiple": 16}',
            "kind='else' is not one of earth-residual-flow, earth-detail, diffusers",
        ),
    ],
)
def test_sidecars_that_cannot_be(tmp_path: Path, sidecar: str, message: str) -> None:
    (tmp_path / SIDECAR).write_text(sidecar)
    write_safetensors(tmp_path / WEIGHTS, b"\0" * 64)
    with pytest.raises(ModelError, match=message):
        from_pretrained(tmp_path)


def changed(folder: Path, name: str, changes: dict[str, object]) -> Path:
    found = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(found | changes))
    return folder


@pytest.mark.parametrize("write", [write_flow_network, write_detail_network])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 3}, r"geoinfinite.json: margin=3 must be a whole number from 4 to 1024"),
        ({"gain": float("nan")}, r"gain=nan must be a number above 0"),
        ({"bands": ["red"]}, r"bands=\['red'\] must be a list of 3 to 3 values"),
    ],
)
def test_constants_that_no_kind_can_have(tmp_path: Path, write, changes: dict, message: str) -> None:
    folder = changed(write(tmp_path / "model"), SIDECAR, changes)
    with pytest.raises(ModelError, match=message):
        from_pretrained(folder)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (SIDECAR, {"unshuffle": 2}, r"geoinfinite.json: unshuffle=2 does not fit fold=4 in config.json"),
        (SIDECAR, {"multiple": 12}, r"geoinfinite.json: multiple=12 does not fit fold=4 in config.json"),
        (CONFIG, {"fold": 2}, r"geoinfinite.json: unshuffle=4 does not fit fold=2 in config.json"),
        (CONFIG, {"blocks": 2}, r"config.json: blocks=2 must be a list of 2 to 2 values"),
        (CONFIG, {"bands": 4}, r"config.json: bands=4 must be 3"),
    ],
)
def test_constants_of_the_bundled_kind_that_cannot_be(
    tmp_path: Path, name: str, changes: dict, message: str
) -> None:
    bundled = ModelReference("bundled:earth-small").directory
    assert bundled is not None
    copy = changed(Path(shutil.copytree(bundled, tmp_path / "copy")), name, changes)
    with pytest.raises(ModelError, match=message):
        from_pretrained(copy)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (SIDECAR, {"unshuffle": 4}, r"in_channels=40 must be 160 for unshuffle=4 in geoinfinite.json"),
        # Only one of the two that it must be a multiple of does not divide it.
        (
            SIDECAR,
            {"multiple": 10, "factor": 5},
            r"multiple=10 must be a multiple of unshuffle times 2\*\*1 and of factor=5",
        ),
        (
            SIDECAR,
            {"multiple": 16, "factor": 3},
            r"multiple=16 must be a multiple of unshuffle times 2\*\*1 and of factor=3",
        ),
        (CONFIG, {"out_channels": 3}, r"config.json: out_channels=3 must be 12 for unshuffle=2"),
        (CONFIG, {"down_block_types": 2}, r"down_block_types=2 must be a list of 1 to 8 values"),
    ],
)
def test_constants_of_networks_that_a_solver_asks_which_cannot_be(
    tmp_path: Path, name: str, changes: dict, message: str
) -> None:
    folder = changed(write_flow_network(tmp_path / "model"), name, changes)
    with pytest.raises(ModelError, match=message):
        from_pretrained(folder)


def test_dtypes_that_no_network_has() -> None:
    with pytest.raises(ModelError, match=r"model.dtype='int8' is not one of float32"):
        ModelReference("analytic:gaussian", "int8")


def test_references_travel_and_say_nothing_of_weights() -> None:
    reference = ModelReference("bundled:earth-small")
    assert pickle.loads(pickle.dumps(reference)) == reference
    assert len(pickle.dumps(reference)) < 200
