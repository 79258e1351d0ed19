"""U-Nets without words: names and answers against a network of our own, and the layout of LDSR-S2's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from converted import loaded
from ldm_networks import rolled
from ldsr_checkpoints import Network

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.plain_unet import plain_unet_part
from geoinfinite.models.systems.ldsr_s2.converting import PUBLISHED

SMALL: dict[str, Any] = {
    "in_channels": 5,
    "out_channels": 3,
    "model_channels": 32,
    "attention_resolutions": [1, 2],
    "num_res_blocks": 1,
    "channel_mult": [1, 2],
    "num_head_channels": 16,
}
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "one head": {"num_head_channels": 32, "channel_mult": [1, 1]},
    "three blocks, attention on the coarsest": {"num_res_blocks": 3, "attention_resolutions": [2]},
    "attention in the middle only": {"attention_resolutions": [64], "channel_mult": [1, 2, 1]},
    "attention between": {"attention_resolutions": [2], "channel_mult": [1, 2, 3]},
    "one level": {"channel_mult": [1], "attention_resolutions": [1]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_network_answers_as_the_published_one(kind: str, tmp_path: Path) -> None:
    said = SMALL | KINDS[kind]
    wanted = rolled(Network(said), seed=5)
    network = loaded(plain_unet_part(said, wanted.state_dict()), tmp_path)
    noise = torch.Generator().manual_seed(2)
    x, t = torch.randn(2, 5, 8, 12, generator=noise), torch.tensor([481.0, 3.0])
    found, answer = network(x, t).sample, wanted(x, t, torch.zeros(0))
    assert float(answer.std()) > 0.1
    assert float((found - answer).abs().max()) < 1e-5


def test_the_published_size_has_a_place_for_every_tensor() -> None:
    said = PUBLISHED["cond_stage_config"]
    with torch.device("meta"):
        tensors = Network(said).state_dict()
    part = plain_unet_part(said, tensors)
    # Queries, keys and values are tensors of their own: 4 more for each of 6 attentions.
    assert len(part.tensors) == len(tensors) + 4 * 6
    assert sum(t.numel() for t in part.tensors.values()) == sum(t.numel() for t in tensors.values())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_head_channels": 24}, r"num_head_channels=24 must divide the widths \[32, 64\]"),
        ({"model_channels": 40}, "model_channels=40 must make multiples of 32"),
        ({"channel_mult": [2, 4]}, r"channel_mult=\[2, 4\] must begin with 1"),
        ({"use_new_attention_order": True}, "use_new_attention_order=True must be one of"),
        ({"num_head_channels": None}, "num_head_channels=None must be"),
    ],
)
def test_settings_that_no_network_has_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        plain_unet_part(SMALL | changes, Network(SMALL).state_dict())
