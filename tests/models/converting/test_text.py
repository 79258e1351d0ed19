"""Text encoders: answers against transformers' own class and a network of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from converted import marked
from ldm_coders import OpenClip
from ldm_networks import rolled

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.parts import Part, Tensors
from geoinfinite.models.converting.text import clip_part, open_clip_part
from geoinfinite.models.converting.writing import write_folder

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 0]])


def answers(part: Part, folder: Path, tokens: torch.Tensor) -> torch.Tensor:
    """What transformers makes of a part, read from disk."""
    import transformers

    written = write_folder(folder / "converted", [part], {}, None) / part.folder
    model: Any = transformers.CLIPTextModel.from_pretrained(written, local_files_only=True)
    return model.eval()(tokens)[0].detach()


def clip(heads: int = 2) -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        vocab_size=11,
        hidden_size=128,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=heads,
        max_position_embeddings=8,
        hidden_act="quick_gelu",
    )
    return rolled(transformers.CLIPTextModel(config), seed=6)


def published(model: Any) -> dict[str, torch.Tensor]:
    """Tensors as Stable Diffusion 1 has them, whatever this version of transformers calls them."""
    return {
        f"text_model.{name.removeprefix('text_model.')}": tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("position_ids")
    }


def test_the_encoder_of_stable_diffusion_1(tmp_path: Path) -> None:
    model = clip()
    counted = {"text_model.embeddings.position_ids": torch.arange(8)[None]}
    part = clip_part(published(model) | counted)
    wanted = model(TOKENS)[0]
    assert float(wanted.std()) > 0.1
    assert float((answers(part, tmp_path, TOKENS) - wanted).abs().max()) < 1e-5
    assert (part.folder, part.stem) == ("text_encoder", "model")


def test_heads_are_of_64_channels_unless_said(tmp_path: Path) -> None:
    model = clip(heads=4)
    part = clip_part(published(model), heads=4)
    assert float((answers(part, tmp_path, TOKENS) - model(TOKENS)[0]).abs().max()) < 1e-5
    assert (clip_part(published(model)).config or {})["num_attention_heads"] == 2


def test_the_encoder_of_stable_diffusion_2_is_asked_for_its_last_block_but_one(tmp_path: Path) -> None:
    model = rolled(OpenClip(words=11, width=128, heads=2, blocks=4, longest=8), seed=6)
    mask = {"attn_mask": torch.full((8, 8), -1e9).triu(1)}
    part = open_clip_part(model.state_dict() | mask)
    wanted = model(TOKENS)
    assert float(wanted.std()) > 0.1
    assert float((answers(part, tmp_path, TOKENS) - wanted).abs().max()) < 1e-5
    assert (part.config or {})["num_hidden_layers"] == 3


def test_the_published_encoder_of_stable_diffusion_2() -> None:
    with torch.device("meta"):
        shapes = OpenClip(words=49_408, width=1024, heads=16, blocks=24, longest=77).state_dict()
    part = open_clip_part(marked({name: tensor.shape for name, tensor in shapes.items()}))
    # As text_encoder/config.json of the published pipeline has them.
    wanted = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16}
    wanted |= {"num_hidden_layers": 23, "max_position_embeddings": 77, "vocab_size": 49_408}
    assert wanted.items() <= (part.config or {}).items()
    assert (part.config or {})["hidden_act"] == "gelu"
    assert len(part.tensors) == 23 * 16 + 4


@pytest.mark.parametrize(
    "name", ["text_model.final_layer_norm.bias", "text_model.encoder.layers.1.self_attn.k_proj.weight"]
)
def test_a_missing_tensor_is_named(name: str) -> None:
    tensors = published(clip())
    del tensors[name]
    with pytest.raises(ModelError, match=rf"last.ckpt: 'cond.{name}' is missing"):
        clip_part(Tensors(tensors, "last.ckpt", prefix="cond."))


@pytest.mark.parametrize(
    "name", ["text_model.embeddings.token_embedding.weight", "text_model.encoder.layers.0.mlp.fc1.weight"]
)
def test_a_tensor_that_sizes_are_read_from_must_be_a_matrix(name: str) -> None:
    tensors = published(clip())
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[\d+\], and is to be a matrix"):
        clip_part(tensors | {name: tensors[name].ravel()})
    del tensors[name]
    with pytest.raises(ModelError, match=rf"'{name}' is missing"):
        clip_part(tensors)


def test_a_layer_that_is_left_out_is_named() -> None:
    tensors = {name: t for name, t in published(clip()).items() if ".layers.1." not in name}
    with pytest.raises(ModelError, match=r"'text_model.encoder.layers.1.self_attn.q_proj.weight' is missing"):
        clip_part(tensors)


def test_tensors_too_many_are_named() -> None:
    with pytest.raises(ModelError, match=r"'vision_model.a' has no place in a text encoder"):
        clip_part(published(clip()) | {"vision_model.a": torch.zeros(1)})
    with pytest.raises(ModelError, match=r"'text_model.encoder.layers.0.mlp.fc3.bias' has no place"):
        clip_part(published(clip()) | {"text_model.encoder.layers.0.mlp.fc3.bias": torch.zeros(1)})
    model = OpenClip(words=11, width=128, heads=2, blocks=2, longest=8).state_dict()
    with pytest.raises(ModelError, match=r"'visual.proj' has no place"):
        open_clip_part(model | {"visual.proj": torch.zeros(1)})


def test_a_packed_projection_of_another_shape_is_named() -> None:
    model = OpenClip(words=11, width=128, heads=2, blocks=2, longest=8).state_dict()
    name = "transformer.resblocks.0.attn.in_proj_weight"
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[383, 128\], and is no three projections"):
        open_clip_part(model | {name: model[name][1:]})
    with pytest.raises(ModelError, match=rf"'{name}' has shape \[127, 128\].* it is \[128, 128\]"):
        open_clip_part(model | {name: model[name][3:]})
    del model[name]
    with pytest.raises(ModelError, match=rf"'{name}' is missing"):
        open_clip_part(model)


def test_one_block_is_too_few_where_the_last_is_passed_over() -> None:
    model = OpenClip(words=11, width=128, heads=2, blocks=1, longest=8).state_dict()
    with pytest.raises(ModelError, match=r"'transformer.resblocks.1.ln_1.weight' is missing"):
        open_clip_part(model)


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ModelError, match=r"width 128, which is no multiple of 3"):
        clip_part(published(clip()), heads=3)
