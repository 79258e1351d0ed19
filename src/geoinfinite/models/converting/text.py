"""Text encoders of Stable Diffusion, under the names of transformers' `CLIPTextModel`.

Stable Diffusion 1 holds that class as it stands. Stable Diffusion 2 holds OpenCLIP's, whose last block it
passes over (Rombach et al., ``FrozenOpenCLIPEmbedder`` with ``layer="penultimate"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from geoinfinite.models.converting.fitting import named
from geoinfinite.models.converting.parts import Part, Tensors, split

HEAD = 64
"""Width of a head of attention in every published CLIP text encoder."""
UNUSED = "text_projection", "logit_scale", "attn_mask"
"""What OpenCLIP has beside: the way to pictures, and the mask that every encoder of texts makes itself."""

_LAYER = "encoder.layers."
_BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_OUTER = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}


def clip_part(tensors: Mapping[str, Tensor], *, heads: int | None = None) -> Part:
    """Return the text encoder of Stable Diffusion 1.

    ``tensors`` are those of ``cond_stage_model.transformer.``, without it, and begin with ``text_model.``;
    ``heads`` is told where a head has other than 64 channels. Sizes come from the tensors. Raises
    `ModelError` for one that is missing, left over or of a shape that does not go with the others.
    """
    whole, _ = split(Tensors.of(tensors), "*.position_ids")
    texts = whole.cut("text_model.")
    if extra := whole.keys() - {f"text_model.{name}" for name in texts}:
        raise whole.misfit(min(extra), "has no place in a text encoder")
    layers = _count(texts, _LAYER)
    sizes = _sizes(texts, ("embeddings.token_embedding.weight", "embeddings.position_embedding.weight"))
    hidden = _sizes(texts, (f"{_LAYER}0.mlp.fc1.weight",))[0]
    config = _config(texts, sizes, hidden[0], layers, heads) | {"hidden_act": "quick_gelu"}
    return _part(config, named(_shapes(config), texts, lambda name: name))


def open_clip_part(tensors: Mapping[str, Tensor], *, heads: int | None = None, passed_over: int = 1) -> Part:
    """Return the text encoder of Stable Diffusion 2.

    ``tensors`` are those of ``cond_stage_model.model.``, without it. The last ``passed_over`` blocks are left
    out. As `clip_part`.
    """
    whole, _ = split(Tensors.of(tensors), *UNUSED)
    layers = _count(whole, "transformer.resblocks.") - passed_over
    if layers < 1:
        raise whole.misfit(f"transformer.resblocks.{passed_over}.ln_1.weight", "is missing")
    kept, _ = split(whole, *(f"transformer.resblocks.{layers + n}.*" for n in range(passed_over)))
    sizes = _sizes(kept, ("token_embedding.weight", "positional_embedding"))
    hidden = _sizes(kept, ("transformer.resblocks.0.mlp.c_fc.weight",))[0]
    config = _config(kept, sizes, hidden[0], layers, heads) | {"hidden_act": "gelu"}
    return _part(config, named(_shapes(config), _unpacked(kept, layers), _open_name))


def _part(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Part:
    return Part(
        "text_encoder", config, {f"text_model.{name}": tensor for name, tensor in tensors.items()}, "model"
    )


def _count(tensors: Tensors, prefix: str) -> int:
    """Return how many layers there are; a gap among them is found where one is missing."""
    found = {name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix)}
    return len(found)


def _sizes(tensors: Tensors, names: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the shapes of matrices."""
    for name in names:
        if name not in tensors:
            raise tensors.misfit(name, "is missing")
        if tensors[name].dim() != 2:
            raise tensors.misfit(name, f"has shape {list(tensors[name].shape)}, and is to be a matrix")
    return [(tensors[name].shape[0], tensors[name].shape[1]) for name in names]


def _config(
    tensors: Tensors, sizes: list[tuple[int, int]], inner: int, layers: int, heads: int | None
) -> dict[str, Any]:
    (words, width), (longest, _) = sizes
    if width % (heads or HEAD):
        raise tensors.misfit("", f"have width {width}, which is no multiple of {heads or HEAD}")
    return {
        "architectures": ["CLIPTextModel"],
        "model_type": "clip_text_model",
        "hidden_size": width,
        "intermediate_size": inner,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": longest,
        "num_attention_heads": heads or width // HEAD,
        "num_hidden_layers": layers,
        "projection_dim": width,
        "vocab_size": words,
    }


def _shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a `CLIPTextModel`, by names without ``text_model.``."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.token_embedding.weight": (config["vocab_size"], width),
        "embeddings.position_embedding.weight": (config["max_position_embeddings"], width),
    }
    linear = {f"self_attn.{way}_proj": (width, width) for way in ("q", "k", "v", "out")}
    linear |= {"mlp.fc1": (inner, width), "mlp.fc2": (width, inner)}
    for layer in range(config["num_hidden_layers"]):
        for name, shape in linear.items():
            shapes[f"{_LAYER}{layer}.{name}.weight"] = shape
            shapes[f"{_LAYER}{layer}.{name}.bias"] = shape[:1]
        for name in ("layer_norm1", "layer_norm2"):
            shapes |= {f"{_LAYER}{layer}.{name}.{kind}": (width,) for kind in ("weight", "bias")}
    return shapes | {f"final_layer_norm.{kind}": (width,) for kind in ("weight", "bias")}


def _unpacked(tensors: Tensors, layers: int) -> Tensors:
    """Return OpenCLIP's tensors with the projections of queries, keys and values apart."""
    held, full = dict(tensors.held), dict(tensors.full)
    for layer in range(layers):
        for kind in ("weight", "bias"):
            packed = f"transformer.resblocks.{layer}.attn.in_proj_{kind}"
            if packed not in held:
                raise tensors.misfit(packed, "is missing")
            whole = held.pop(packed)
            if whole.shape[0] % 3:
                raise tensors.misfit(packed, f"has shape {list(whole.shape)}, and is no three projections")
            for way, part in zip("qkv", torch.chunk(whole, 3), strict=True):
                name = f"transformer.resblocks.{layer}.attn.{way}_proj.{kind}"
                held[name], full[name] = part, full.get(packed, tensors.prefix + packed)
    return Tensors(held, tensors.where, full, tensors.prefix)


def _open_name(name: str) -> str:
    """Return what OpenCLIP calls a tensor, its projections taken apart.

    >>> _open_name("encoder.layers.2.mlp.fc1.bias"), _open_name("encoder.layers.2.self_attn.q_proj.bias")
    ('transformer.resblocks.2.mlp.c_fc.bias', 'transformer.resblocks.2.attn.q_proj.bias')
    """
    if name in _OUTER:
        return _OUTER[name]
    layer, _, rest = name.removeprefix(_LAYER).partition(".")
    module, _, kind = rest.rpartition(".")
    module = _BLOCK.get(module, module.replace("self_attn.", "attn."))
    return f"transformer.resblocks.{layer}.{module}.{kind}"
