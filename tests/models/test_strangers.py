"""Checkpoints from strangers: the answer is a model, or one line that says what is wrong."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

import diffusers
import latents
import mutations
import numpy as np
import pytest

from geoinfinite.diffusion.model import Cond
from geoinfinite.errors import GeoInfiniteError, ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.reference import WEIGHTS, ModelReference

# diffusers converts tensors to arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CASES = 200
"""A few minutes of `attempt` try thousands; these fit every run."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One checkpoint of every kind."""
    root = tmp_path_factory.mktemp("strangers")
    small = {"block_out_channels": (8, 16), "norm_num_groups": 4, "attention_head_dim": 4}
    pixels = latents.unet(2, 1, num_class_embeds=2, sample_size=16, **small)
    coder = {"block_out_channels": (8, 8), "down_block_types": ("DownEncoderBlock2D",) * 2}
    coder |= {"up_block_types": ("UpDecoderBlock2D", "AttnUpDecoderBlock2D")}
    flow = diffusers.FlowMatchEulerDiscreteScheduler(shift=2.0)
    euler = diffusers.EulerDiscreteScheduler(**latents.BETAS, use_karras_sigmas=True)
    latent = latents.unet(7, 4, class_embed_type="timestep", **small)
    made = {
        "pixels": latents.write(root / "pixels", pixels, euler, sidecar={"gsd": [4.0, 8.0], "factor": 2}),
        "kl": latents.write(
            root / "kl",
            latent,
            vae=latents.kl(**coder),
            sidecar={"gsd": {"scale": 1, "offset": 2}, "halo": 8},
        ),
        "vq": latents.write(root / "vq", latents.unet(3, 3, **small), flow, vae=latents.vq()),
        "tiny": latents.write(root / "tiny", latents.unet(4, 4, **small), vae=latents.tiny()),
    }
    (made["vq"] / "model_index.json").write_text('{"_class_name": "LDMPipeline", "unet": ["diffusers", "x"]}')
    bundled = ModelReference("bundled:earth-small").directory
    assert bundled is not None
    made["earth"] = Path(shutil.copytree(bundled, root / "earth"))
    return made


def attempt(folder: Path) -> str:
    """Read, load and use a checkpoint; return "" or what was said of it."""
    try:
        reference = from_pretrained(folder)
        facts, _ = reference.facts(), reference.digest()
        reference.sampling()
        sampler = reference.default_sampler()
        assert sampler is not None
        model = reference.load("cpu")
        side = min(facts.multiple, 64)
        factor = facts.factor or 2
        parent = latents.field(1, facts.bands or 1, *(2 * (side // factor + 2 * facts.margin,)))
        bound = model.bind(Cond(parent if facts.conditioned else None, 4.0))
        state = latents.field(1, facts.channels or facts.bands or 1, *(2 * (side // facts.latent,)))
        image = bound.image(bound.denoise(bound.state(state), 1.5))
        assert image.shape == (1, facts.bands, side, side)
        assert np.isfinite(image).all()
        assert model.nbytes > 1000
    except GeoInfiniteError as error:
        return str(error)
    return ""


def spoilt(folder: Path, rng: Random) -> tuple[Path, bytes]:
    """Damage a file of a folder; return it and what it was."""
    files = sorted(path for path in folder.rglob("*.json"))
    if rng.random() < 0.15:
        return _spoilt_header(sorted(folder.rglob(WEIGHTS))[0], rng)
    path = rng.choice(files)
    before = path.read_bytes()
    path.write_text(json.dumps(mutations.mutated(json.loads(before), rng)))
    return path, before


def _spoilt_header(path: Path, rng: Random) -> tuple[Path, bytes]:
    before = path.read_bytes()
    length = int.from_bytes(before[:8], "little")
    header = json.dumps(mutations.mutated(json.loads(before[8 : 8 + length]), rng)).encode()
    claimed = rng.choice((len(header), len(header), len(header), 2**62, 0, len(header) - 1))
    path.write_bytes(claimed.to_bytes(8, "little") + header + before[8 + length :])
    return path, before


def trials(folders: dict[str, Path], count: int, seed: int = 8) -> list[tuple[float, str]]:
    """Damage a checkpoint, use it, mend it, so many times; return the seconds and the answer of each."""
    rng, found = Random(seed), []
    for _ in range(count):
        # A copy of the bundled network takes longer to load than all the others.
        folder = folders[rng.choice(("pixels", "kl", "vq", "tiny") * 4 + ("earth",))]
        path, before = spoilt(folder, rng)
        begun = time.perf_counter()
        said = attempt(folder)
        found.append((time.perf_counter() - begun, f"{path.name}: {said}"))
        path.write_bytes(before)
    return found


def test_undamaged_they_all_draw(folders: dict[str, Path]) -> None:
    assert {name: attempt(folder) for name, folder in folders.items()} == dict.fromkeys(folders, "")


def test_damaged_files_end_in_a_model_or_a_reason(
    folders: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    answers = [said for _, said in trials(folders, CASES)]
    assert [said for said in answers if "\n" in said or len(said) > 700] == []
    refused = [said for said in answers if not said.endswith(": ")]
    assert CASES // 4 < len(refused) < CASES
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["unet/config.json", "scheduler/scheduler_config.json", "geoinfinite.json"])
def test_files_that_are_nested_too_deeply(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(folders["pixels"], tmp_path / "copy"))
    (folder / name).write_text(mutations.nested())
    with pytest.raises(ModelError, match=r"is truncated or damaged .*nested too deeply"):
        from_pretrained(folder)


def test_headers_that_are_nested_too_deeply(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["pixels"], tmp_path / "copy"))
    header = mutations.nested().encode()
    (folder / "unet" / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match=r"is truncated or damaged .*nested too deeply"):
        from_pretrained(folder)


@pytest.mark.parametrize("ref", ["\0", "x" * 5000, "a/" * 3000, ""])
def test_references_that_are_no_path(ref: Any) -> None:
    with pytest.raises(ModelError, match=r"^model.ref=.*name a folder that holds"):
        from_pretrained(ref)
