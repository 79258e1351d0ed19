"""A ControlNet that is published alone, put beside its base: the same numbers as the whole pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from adapters import answer, bound
from published import FIXTURES, needs

from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings

pytestmark = needs("mapsat")
WHOLE = FIXTURES / "mapsat" / "checkpoint"
PROMPT = "convert this openstreetmap into its satellite view"


def alone(folder: Path, within: str = "") -> Path:
    """The ControlNet of map-sat as its authors publish it: one configuration and one file of weights."""
    shutil.copytree(WHOLE / "controlnet", folder / "controlearth" / within)
    return folder / "controlearth"


def written(source: Path, out: Path) -> Path:
    system, conversion = conversion_of(source, ConvertSettings(WHOLE))
    assert system.name == "controlnet"
    return conversion.written(system, out)


@pytest.mark.parametrize("within", ["", "controlnet"])
def test_it_answers_as_the_whole_pipeline(tmp_path: Path, within: str) -> None:
    made = written(alone(tmp_path, within), tmp_path / "made")
    generator = torch.Generator().manual_seed(23)
    state = torch.randn(1, 4, 8, 8, generator=generator)
    told = {"prompt": (PROMPT,), "hint": (torch.rand(3, 64, 64, generator=generator),)}
    one, other = (answer(bound(folder, told), state, 481) for folder in (made, WHOLE))
    assert one.equal(other)
    slots = from_pretrained(made).facts().slots
    assert slots == from_pretrained(WHOLE).facts().slots


def test_what_it_lacks_is_said_and_the_remedy_works(tmp_path: Path) -> None:
    source = alone(tmp_path)
    with pytest.raises(
        ModelError, match=r"without unet, vae, text_encoder, tokenizer, scheduler; convert it"
    ):
        written_without_base(source, tmp_path / "made")
    assert written(source, tmp_path / "made").is_dir()


def written_without_base(source: Path, out: Path) -> Path:
    system, conversion = conversion_of(source, ConvertSettings())
    return conversion.written(system, out)


def test_a_base_of_another_width_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(WHOLE, base)
    config = base / "unet" / "config.json"
    config.write_text(config.read_text().replace('"cross_attention_dim": ', '"cross_attention_dim": 1'))
    system, conversion = conversion_of(alone(tmp_path), ConvertSettings(base))
    with pytest.raises(ModelError, match=r"cross_attention_dim=\d+ is not that of"):
        conversion.written(system, tmp_path / "made")
    assert not (tmp_path / "made").exists()
