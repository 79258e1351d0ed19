"""Checkpoints that hold their autoencoder, as GeoSynth's and AeroGen's do: it is taken from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published_layouts as layouts
import pytest
import torch
from adapters import bound, off, prompts_of
from ldm_coders import Autoencoder
from ldm_networks import rolled
from published import given, needs
from safetensors.torch import save_file

from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings

FIRST_STAGE = {
    "embed_dim": 4,
    "ddconfig": {
        "double_z": True,
        "z_channels": 4,
        "resolution": 64,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 32,
        "ch_mult": [1, 1, 2, 2],
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
}
SCALE = 0.18215


@pytest.mark.parametrize(
    ("layout", "system"),
    [
        pytest.param("geosynth", "geosynth_location", marks=needs("geosynth_location")),
        pytest.param("aerogen", "aerogen", marks=needs("aerogen")),
    ],
)
def test_the_autoencoder_of_the_file_is_used(layout: str, system: str, tmp_path: Path) -> None:
    source, coder = layouts.copied(layout, tmp_path / "published"), rolled(Autoencoder(FIRST_STAGE), seed=29)
    stage = {"target": "ldm.models.autoencoder.AutoencoderKL", "params": FIRST_STAGE}
    layouts.change_settings(
        source, lambda params: params.update(first_stage_config=stage, scale_factor=SCALE)
    )
    held = {f"first_stage_model.{name}": tensor for name, tensor in coder.state_dict().items()}
    layouts.change_tensors(source, lambda tensors: tensors.update(held))
    found, conversion = conversion_of(source, ConvertSettings(words(tmp_path / "base", system)))
    tiles = bound(conversion.written(found, tmp_path / "converted"), {})
    codes = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(31))
    assert off(tiles.image(codes), coder.decode(codes / SCALE).detach()) < 1e-4


def words(folder: Path, system: str) -> Path:
    """A base that holds prompts, and what AeroGen's classes are called, and no autoencoder."""
    folder.mkdir()
    told = given(system)
    save_file(prompts_of(told["context"]), folder / "prompts.safetensors")
    if "class_vectors" in told:
        np.save(folder / "category_embeddings.npy", told["class_vectors"].numpy())
    return folder
