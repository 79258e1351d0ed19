"""What the ``config.json`` of networks that are told texts, hints and vectors may say."""

from __future__ import annotations

from geoinfinite.models.schema import (
    FLAG,
    NULL,
    Anything,
    Either,
    ListOf,
    Number,
    OneOf,
    Rule,
    Whole,
    optional,
)

BLOCKS = 8
_CHANNELS, _BANDS = Whole(1, 16_384), Whole(1, 4096)
_SIZE = Whole(1, 65_536)
_OFF = OneOf((False, None))


def _each(rule: Rule) -> Rule:
    """Return the rule of one value for all resolutions, or of one for each."""
    return Either(rule, ListOf(rule, 1, BLOCKS))


_SHARED: dict[str, Rule] = {
    "in_channels": _BANDS,
    "flip_sin_to_cos": FLAG,
    "freq_shift": Number(0, 1),
    "down_block_types": ListOf(OneOf(("DownBlock2D", "CrossAttnDownBlock2D")), 1, BLOCKS),
    "mid_block_type": OneOf(("UNetMidBlock2DCrossAttn",)),
    "only_cross_attention": _OFF,
    "block_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "downsample_padding": Whole(0, 1),
    "mid_block_scale_factor": Number(0, 1e3, positive=True),
    "act_fn": OneOf(("silu", "swish", "mish", "gelu", "relu")),
    "norm_num_groups": _CHANNELS,
    "norm_eps": Number(0, 1, positive=True),
    "cross_attention_dim": _SIZE,
    "transformer_layers_per_block": _each(Whole(1, 16)),
    "encoder_hid_dim": NULL,
    "encoder_hid_dim_type": NULL,
    "attention_head_dim": _each(_CHANNELS),
    "num_attention_heads": NULL,
    "use_linear_projection": FLAG,
    "addition_embed_type": NULL,
    "addition_time_embed_dim": Anything(),
    "addition_embed_type_num_heads": Anything(),
    "upcast_attention": FLAG,
    "resnet_time_scale_shift": OneOf(("default", "scale_shift")),
    "projection_class_embeddings_input_dim": NULL,
}
UNET_CONDITION: dict[str, Rule] = _SHARED | {
    "sample_size": optional(Either(_SIZE, ListOf(_SIZE, 2, 2))),
    "out_channels": _BANDS,
    "center_input_sample": FLAG,
    "up_block_types": ListOf(OneOf(("UpBlock2D", "CrossAttnUpBlock2D")), 1, BLOCKS),
    "layers_per_block": Whole(1, 16),
    "dropout": Number(0, 1),
    "reverse_transformer_layers_per_block": NULL,
    "dual_cross_attention": _OFF,
    "class_embed_type": OneOf((None, "timestep", "identity")),
    "num_class_embeds": optional(Whole(1, 4096)),
    "resnet_skip_time_act": _OFF,
    "resnet_out_scale_factor": Number(0, 1e3, positive=True),
    "time_embedding_type": OneOf(("positional",)),
    "time_embedding_dim": optional(_SIZE),
    "time_embedding_act_fn": NULL,
    "timestep_post_act": NULL,
    "time_cond_proj_dim": NULL,
    "conv_in_kernel": OneOf((3,)),
    "conv_out_kernel": OneOf((3,)),
    "attention_type": OneOf(("default",)),
    "class_embeddings_concat": _OFF,
    "mid_block_only_cross_attention": _OFF,
    "cross_attention_norm": NULL,
}
CONTROL: dict[str, Rule] = _SHARED | {
    "conditioning_channels": _BANDS,
    "conditioning_scale": OneOf((1, 2, 4, 8)),
    "layers_per_block": Whole(1, 16),
    "class_embed_type": OneOf((None, "identity")),
    "num_class_embeds": NULL,
    "controlnet_conditioning_channel_order": OneOf(("rgb",)),
    "conditioning_embedding_out_channels": ListOf(_CHANNELS, 1, BLOCKS),
    "global_pool_conditions": _OFF,
}
TEXT: dict[str, Rule] = {
    "hidden_size": _CHANNELS,
    "intermediate_size": _SIZE,
    "num_hidden_layers": Whole(1, 64),
    "num_attention_heads": Whole(1, 256),
    "max_position_embeddings": Whole(1, 4096),
    "hidden_act": OneOf(("quick_gelu", "gelu")),
    "layer_norm_eps": Number(0, 1, positive=True),
    "vocab_size": Whole(2, 2**20),
    "projection_dim": Whole(1, 16_384),
    "bos_token_id": optional(Whole(0, 2**20)),
    "eos_token_id": optional(Whole(0, 2**20)),
    "pad_token_id": optional(Whole(0, 2**20)),
}
"""A `CLIPTextModel` of transformers."""
