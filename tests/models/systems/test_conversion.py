"""Whole conversions from the command line: what is written, printed and recorded, twice the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from published import FIXTURES, given
from published_layouts import PLACES, WHOLE, base, base_of_frames, convert, copied, digests, run, source
from safetensors.torch import load_file

from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the reference data are not at hand")
SYSTEMS = {layout: layout.partition("-control")[0].partition("-frames")[0] for layout in PLACES}
HOLDS = {
    "zoomldm": ("unet, vqvae, summarizer", "nothing"),
    "large-image-diffusion": ("unet, vqvae, embedder", "nothing"),
    "aerogen": (
        "unet, layout, layout_mask, boxes",
        "category_embeddings.npy, vae, text_encoder, tokenizer",
    ),
    "geosynth": ("unet, controlnet, location", "vae, text_encoder, tokenizer"),
    "diffusionsat": ("unet, metadata", "vae, text_encoder, tokenizer"),
    "diffusionsat-control": ("unet, metadata, controlnet, control_metadata", "vae, text_encoder, tokenizer"),
    "diffusionsat-frames": ("control3d, control_metadata", "unet, vae, text_encoder, tokenizer"),
}
TOLD = {
    "zoomldm": ["embedding", "24 channels", "a vector for every 64 m"],
    "large-image-diffusion": ["embedding", "48 channels"],
    "aerogen": ["boxes", "at most 15 a tile", "airplane", "windmill"],
    "geosynth": ["raster", "3 bands", "0 to 1", "told location"],
    "diffusionsat": ["lon, lat, gsd, cloud_cover, year, month, day", "guidance leaves it out"],
    "diffusionsat-control": ["B4, B3, B2, B5", "numbers of sentinel2 products", "told hint_metadata"],
    "diffusionsat-frames": ["frames, 3 of them, 3 bands, each with lon, lat", "0 to 1"],
}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Options that name what a layout lacks."""
    whole = base(tmp_path_factory.mktemp("base") / "base")
    frames = base_of_frames(tmp_path_factory.mktemp("frames") / "base")
    others = {layout: ["--base", str(whole)] for layout in PLACES if layout not in WHOLE}
    return others | {layout: [] for layout in WHOLE} | {"diffusionsat-frames": ["--base", str(frames)]}


@pytest.fixture(scope="module", params=PLACES)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(layout: str, bases: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp(layout) / "converted"
    assert convert(source(layout), found, *bases[layout]) == 0
    return found


def test_twice_the_same_bytes(layout: str, folder: Path, bases: dict[str, list[str]], tmp_path: Path) -> None:
    # From another place, under another name.
    moved = copied(layout, tmp_path / "moved")
    assert convert(moved, tmp_path / "again", *bases[layout]) == 0
    assert digests(tmp_path / "again") == digests(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "moved"]


def test_the_sidecar_records_the_source(layout: str, folder: Path) -> None:
    sidecar = json.loads((folder / "geoinfinite.json").read_text())
    assert (sidecar["kind"], sidecar["system"]) == ("diffusers", SYSTEMS[layout])
    files = {path.name: path for path in source(layout).rglob("*") if path.is_file()}
    assert sidecar["source"].keys() <= files.keys()
    assert len(sidecar["source"]) >= 2
    for name, digest in sidecar["source"].items():
        assert digest in {
            f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in source(layout).rglob(name)
        }


def test_nothing_but_data_is_written(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".txt"}
    assert not any(
        "/work/" in path.read_text() or "/tmp/" in path.read_text() for path in folder.rglob("*.json")
    )


def test_what_is_printed_of_the_source(layout: str, capsys: pytest.CaptureFixture) -> None:
    assert run("models", "inspect", source(layout)) == 0
    lines = capsys.readouterr().out.splitlines()
    holds, lacks = HOLDS[layout]
    facts = {line[2:].split("  ")[0]: line.rpartition("  ")[2] for line in lines[1:]}
    assert (facts["holds"], facts["lacks"]) == (holds, lacks)
    command = f"geoinfinite models convert {source(layout)} DST"
    assert facts["convert it"] == (command if layout in WHOLE else f"{command} --base FOLDER")
    printed = "\n".join(lines)
    assert all(told in printed for told in TOLD[layout])
    assert run("models", "inspect", source(layout), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["system"] == SYSTEMS[layout]
    assert [slot["name"] for slot in found["slots"]] == [
        name.removeprefix("told ") for name in facts if name.startswith("told ")
    ]


def test_what_is_printed_of_the_result(layout: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("models", "inspect", folder) == 0
    printed = capsys.readouterr().out
    assert all(told in printed for told in TOLD[layout])
    facts = from_pretrained(folder).facts()
    assert f"latents of {facts.channels} channels, {facts.latent} px a side" in printed
    assert str(from_pretrained(folder).digest()) in printed


def test_the_command_prints_the_same_as_inspection(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "converted"
    assert convert(source("zoomldm"), folder) == 0
    before = digests(folder)
    capsys.readouterr()
    assert convert(source("zoomldm"), folder, "--overwrite") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"wrote {folder}"
    assert run("models", "inspect", folder) == 0
    assert capsys.readouterr().out.splitlines()[1:] == told[1:]
    assert digests(folder) == before


def test_the_file_itself_and_its_folder_become_the_same(tmp_path: Path) -> None:
    for number, path in enumerate((source("zoomldm"), source("zoomldm") / "weights.ckpt")):
        assert convert(path, tmp_path / str(number)) == 0
    assert digests(tmp_path / "0") == digests(tmp_path / "1")


def test_settings_of_the_command_are_recorded(bases: dict[str, list[str]], tmp_path: Path) -> None:
    assert convert(source("zoomldm"), tmp_path / "a", "--gsd", "0.5") == 0
    assert from_pretrained(tmp_path / "a").facts().gsds == (0.5, 1.0, 2.0, 4.0)
    assert from_pretrained(tmp_path / "a").facts().slots[0].cell_m == 32.0
    assert convert(source("aerogen"), tmp_path / "b", *bases["aerogen"], "--boxes", "7") == 0
    assert from_pretrained(tmp_path / "b").facts().slots[1].most == 7


def test_raw_and_averaged_weights_differ_where_both_are_published(tmp_path: Path) -> None:
    for weights in ("published", "raw", "ema"):
        assert convert(source("zoomldm"), tmp_path / weights, "--weights", weights) == 0
    found = {weights: digests(tmp_path / weights) for weights in ("published", "raw", "ema")}
    unet = "unet/diffusion_pytorch_model.safetensors"
    assert found["published"] == found["ema"]
    assert found["raw"][unet] != found["ema"][unet]
    assert {k: v for k, v in found["raw"].items() if k != unet} == {
        k: v for k, v in found["ema"].items() if k != unet
    }


def test_two_tokens_reach_what_a_single_one_hides(tmp_path: Path) -> None:
    # Attention to one token is 1, whatever queries, keys and their norm are.
    told = given("large_image_diffusion")
    assert convert(source("large-image-diffusion"), tmp_path / "a") == 0
    model = from_pretrained(tmp_path / "a", normalisation="tile").load("cpu")
    with torch.inference_mode():
        found = model.network(told["sample"], told["timestep"], told["context_two_tokens"]).sample
        code = told["latent_prequant"]
        decoded = model.autoencoder.module.decode(code, force_not_quantize=True).sample
    assert float((found - told["eps_two_tokens"]).abs().max()) < 1e-5
    assert float((decoded - told["decoded_without_quantization"]).abs().max()) < 5e-5
    # As published, codes are moved to the nearest one of the codebook before they are decoded.
    assert float((decoded - told["decoded"]).abs().max()) > 1e-2


def test_vectors_of_classes_of_ones_own(bases: dict[str, list[str]], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    own = shutil.copytree(bases["aerogen"][1], tmp_path / "base")
    vectors = given("aerogen")["class_vectors"]
    save_file({"well": vectors[3].clone(), "barn": vectors[5].clone()}, own / "class_vectors.safetensors")
    assert convert(source("aerogen"), tmp_path / "a", "--base", own) == 0
    slot = from_pretrained(tmp_path / "a").facts().slots[1]
    held = load_file(tmp_path / "a" / "extra" / "classes.safetensors")["vectors"]
    for name, row in (("well", 3), ("barn", 5)):
        assert torch.equal(held[slot.classes.index(name)], vectors[row])


class TestFirstUse:
    def test_a_published_layout_is_converted_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
        moved = copied("zoomldm", tmp_path / "moved")
        digest = from_pretrained(moved).digest()
        (made,) = (tmp_path / "cache" / "models").iterdir()
        stamp = (made / "geoinfinite.json").stat().st_mtime_ns
        assert from_pretrained(moved / "weights.ckpt").digest() == from_pretrained(made).digest() == digest
        assert from_pretrained(moved).directory == made
        assert (made / "geoinfinite.json").stat().st_mtime_ns == stamp
        assert convert(moved, tmp_path / "a") == 0
        assert digests(tmp_path / "a") == digests(made)

    def test_a_changed_yaml_is_another_checkpoint(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
        moved = copied("large-image-diffusion", tmp_path / "moved")
        weights = moved / "checkpoints" / "last.ckpt"
        first = from_pretrained(weights).digest()
        (yaml,) = moved.rglob("*.yaml")
        yaml.write_text(yaml.read_text().replace("normalize_ssl: true", "normalize_ssl: false"))
        assert from_pretrained(weights).digest() != first
        yaml.rename(tmp_path / "away.yaml")
        with pytest.raises(
            ModelError, match=r"last\.ckpt has no yaml beside it or in configs, .*copy the one"
        ):
            from_pretrained(moved)
        # The remedy, in the same process.
        (tmp_path / "away.yaml").rename(yaml)
        assert from_pretrained(moved).digest() != first

    def test_what_is_lacking_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bases: dict[str, list[str]]
    ) -> None:
        monkeypatch.setenv("GEOINFINITE_CACHE", str(tmp_path / "cache"))
        place = source("geosynth")
        says = (
            rf"geosynth.* published without vae, text_encoder, tokenizer; .*convert {place} DST --base FOLDER"
        )
        with pytest.raises(ModelError, match=says) as raised:
            from_pretrained(place)
        assert not (tmp_path / "cache").exists()
        words = str(raised.value).partition("geoinfinite models convert ")[2].split()
        words[words.index("DST")], words[words.index("FOLDER")] = str(tmp_path / "a"), bases["geosynth"][1]
        assert convert(*words) == 0
        assert from_pretrained(tmp_path / "a").facts().bands == 3
