"""Text2Earth as it is published, through conversion: its network, its sampling, what it lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import adapters
import diffusers
import numpy as np
import pytest
import told_checkpoints
from published import FIXTURES, needs
from published import given as reference
from torch import Tensor

from geoinfinite import cli
from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.first_use import is_published
from geoinfinite.models.systems.protocol import ConvertSettings

pytestmark = [
    needs("text2earth"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
PUBLISHED = FIXTURES / "text2earth" / "checkpoint"
SAME, GUIDANCE = 1e-5, 4.0
NOTHING = (None,) * 4


@pytest.fixture(scope="module")
def given() -> dict[str, Tensor]:
    return reference("text2earth")


@pytest.fixture(scope="module")
def folder(given: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapters.text2earth(given, tmp_path_factory.mktemp("text2earth"))


@pytest.fixture(scope="module")
def tiles(given: dict[str, Tensor], folder: Path) -> Any:
    levels = tuple(np.array([level], np.float64) for level in given["google_level"].tolist())
    return adapters.bound(folder, {"prompt": tuple("0123"), "metadata": levels})


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "noise_pred"),
        ({"metadata": NOTHING}, "noise_pred_level_unknown"),
        ({"prompt": NOTHING, "metadata": NOTHING}, "noise_pred_uncond"),
    ],
)
def test_the_network(given: dict[str, Tensor], tiles: Any, changes: dict[str, Any], wanted: str) -> None:
    found = adapters.answer(tiles.retold(changes), given["sample"], given["timestep"])
    assert adapters.off(found, given[wanted]) < SAME


def test_guidance(given: dict[str, Tensor], tiles: Any) -> None:
    scales = {"prompt": GUIDANCE, "metadata": GUIDANCE}
    found = adapters.guided_answer(tiles, given["sample"], given["timestep"], scales)
    assert adapters.off(found, given["noise_pred_cfg4"]) < SAME * (2 * GUIDANCE - 1)


def test_it_is_sampled_as_its_authors_sample_it(folder: Path, tmp_path: Path) -> None:
    model = from_pretrained(folder)
    sampler = model.default_sampler()
    assert sampler is not None
    assert (sampler.solver, sampler.steps, sampler.guidance, sampler.tile) == ("checkpoint", 50, 4.0, 64)
    # Its authors load whatever class the file names as Euler's.
    theirs = diffusers.EulerDiscreteScheduler.from_config(
        json.loads((folder.parent / "base" / "scheduler" / "scheduler_config.json").read_text())
    )
    theirs.set_timesteps(50)
    sampling = model.sampling()
    assert sampling is not None
    assert sampling.solver == "euler"
    np.testing.assert_allclose(sampling.sigmas(50), theirs.sigmas.numpy(), rtol=1e-5)


def test_twice_the_same_bytes(given: dict[str, Tensor], folder: Path, tmp_path: Path) -> None:
    again = adapters.text2earth(given, tmp_path)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) > 5
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_inspect_says_what_a_world_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "inspect", str(PUBLISHED)]) == 0
    said = capsys.readouterr().out
    for line in (
        "lacks          vae, text_encoder, tokenizer, scheduler",
        "told prompt    text, needed, guidance leaves it out",
        "told metadata  metadata, google_level, if wanted, guidance leaves it out",
        "sampled by     steps 50, guidance 4.0",
        "--base FOLDER",
    ):
        assert line in said


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    system, conversion = conversion_of(PUBLISHED, ConvertSettings())
    with pytest.raises(
        ModelError, match=r"published without vae, text_encoder, tokenizer, scheduler; .*--base"
    ):
        conversion.written(system, tmp_path / "made")


def complete(place: Path) -> Path:
    """The published network in a folder with all that a world needs."""
    network = diffusers.UNet2DConditionModel.from_pretrained(PUBLISHED / "unet")
    return told_checkpoints.write(place, network)


def test_a_complete_folder_is_read_as_it_is(tmp_path: Path) -> None:
    found = complete(tmp_path / "pipeline")
    assert not is_published(found)
    reference = from_pretrained(found)
    assert reference.directory == found
    assert [slot.name for slot in reference.facts().slots] == ["prompt", "metadata"]


def test_what_it_holds_itself_comes_before_the_base(tmp_path: Path, folder: Path) -> None:
    found = complete(tmp_path / "pipeline")
    shutil.rmtree(found / "scheduler")
    base = ConvertSettings(folder.parent / "base")
    assert is_published(found)
    system, conversion = conversion_of(found, base)
    made = conversion.written(system, tmp_path / "made")
    for name in ("vae", "text_encoder", "tokenizer"):
        kept = sorted(path for path in (found / name).iterdir() if path.suffix != ".md")
        assert [path.read_bytes() for path in kept] == [(made / name / p.name).read_bytes() for p in kept]
    assert json.loads((made / "scheduler" / "scheduler_config.json").read_text())["beta_end"] == 0.012


def test_the_network_that_fills_holes_is_refused(tmp_path: Path) -> None:
    network = told_checkpoints.unet(in_channels=9, class_embed_type="timestep")
    network.save_pretrained(tmp_path / "inpainting" / "unet")
    with pytest.raises(ModelError, match=r"in_channels=9 is not the 4 .*Text2Earth-inpainting.*kind known"):
        conversion_of(tmp_path / "inpainting", ConvertSettings())


def test_the_scheduler_of_a_flow_is_refused(given: dict[str, Tensor], tmp_path: Path) -> None:
    beside = adapters.base(tmp_path / "base", adapters.prompts_of(given["encoder_hidden_states"]))
    diffusers.FlowMatchEulerDiscreteScheduler().save_pretrained(beside / "scheduler")
    with pytest.raises(ModelError, match=r"_class_name='FlowMatchEulerDiscreteScheduler' .* predicts noise"):
        conversion_of(PUBLISHED, ConvertSettings(beside))
