"""ControlNets: answers against a network of our own, names against diffusers' converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from converted import loaded, marked, marks
from ldm_networks import Control, rolled

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.control import control_part

SMALL: dict[str, Any] = {
    "in_channels": 4,
    "model_channels": 32,
    "attention_resolutions": [2],
    "num_res_blocks": 1,
    "channel_mult": [1, 2],
    "num_head_channels": 16,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
    "transformer_depth": 1,
    "context_dim": 24,
    "hint_channels": 5,
}
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "two blocks, three levels": {"num_res_blocks": 2, "channel_mult": [1, 2, 2], "hint_channels": 1},
    "depth 2, convolutions": {"transformer_depth": 2, "use_linear_in_transformer": False},
    "attention everywhere": {"attention_resolutions": [1, 2]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_network_answers_as_the_published_one(kind: str, tmp_path: Path) -> None:
    said = SMALL | KINDS[kind]
    wanted = rolled(Control(said), seed=3)
    network = loaded(control_part(said, wanted.state_dict()), tmp_path)
    noise = torch.Generator().manual_seed(2)
    shapes = (4, 8, 12), (said["hint_channels"], 64, 96), (7, 24)
    x, hint, words = (torch.randn(2, *shape, generator=noise) for shape in shapes)
    t = torch.tensor([481.0, 3.0])
    down, middle = network(x, t, words, hint, return_dict=False)
    answers = wanted(x, hint, t, words)
    assert float(answers[0].std()) > 0.1
    assert len(answers) == len(down) + 1
    for found, answer in zip([*down, middle], answers, strict=True):
        assert float((found - answer).abs().max()) < 1e-5 * max(1.0, float(answer.abs().max()))


def test_names_are_those_of_diffusers_own_converter() -> None:
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    said = SMALL | {"num_res_blocks": 2, "channel_mult": [1, 2, 4, 4], "attention_resolutions": [4, 2, 1]}
    with torch.device("meta"):
        shapes = Control(said).state_dict()
    tensors = marked({name: tensor.shape for name, tensor in shapes.items()})
    part = control_part(said, tensors)
    theirs = convert_controlnet_checkpoint(
        {f"control_model.{name}": tensor for name, tensor in tensors.items()},
        {**(part.config or {}), "class_embed_type": None, "addition_embed_type": None},
    )
    assert marks(part.tensors) == marks(theirs)


def test_a_second_control_gets_a_folder_of_its_own() -> None:
    tensors = Control(SMALL).state_dict()
    assert control_part(SMALL, tensors, folder="controlnet_2").folder == "controlnet_2"


def test_tensors_beside_the_trunk_are_named() -> None:
    extra = {"loc_blocks.0.ff.weight": torch.zeros(2)}
    with pytest.raises(ModelError, match=r"'loc_blocks.0.ff.weight' has no place"):
        control_part(SMALL, Control(SMALL).state_dict() | extra)


def test_a_hint_of_other_channels_than_the_settings_say_is_named() -> None:
    with pytest.raises(ModelError, match=r"'input_hint_block.0.weight' has shape \[16, 5, 3, 3\]"):
        control_part(SMALL | {"hint_channels": 3}, Control(SMALL).state_dict())
