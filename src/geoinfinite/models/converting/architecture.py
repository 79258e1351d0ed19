"""What the settings of an ldm network may say, and the configuration of diffusers that they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.settings import Settings, checked
from geoinfinite.models.schema import FLAG, Either, ListOf, OneOf, Rule, Whole, optional

LEVELS = 8
GROUPS = 32
"""Groups of every normalisation in ldm."""
_OFF = OneOf((False, None, 0))
_COUNT = Whole(1, 64)
_EACH = Either(_COUNT, ListOf(_COUNT, 1, LEVELS))
_RULES: dict[str, Rule] = {
    "in_channels": Whole(1, 4096),
    "out_channels": Whole(1, 4096),
    "model_channels": Whole(1, 16_384),
    "channel_mult": ListOf(_COUNT, 1, LEVELS),
    "num_res_blocks": Either(Whole(1, 16), ListOf(Whole(1, 16), 1, LEVELS)),
    "attention_resolutions": ListOf(Whole(1, 2**16), 0, 64),
    "num_heads": Whole(-1, 256),
    "num_head_channels": Whole(-1, 16_384),
    "use_spatial_transformer": OneOf((True,)),
    "use_linear_in_transformer": FLAG,
    "transformer_depth": _EACH,
    "context_dim": Either(Whole(1, 65_536), ListOf(Whole(1, 65_536), 1, 16)),
    "image_size": optional(Either(Whole(1, 65_536), ListOf(Whole(1, 65_536), 2, 2))),
    "hint_channels": Whole(1, 4096),
    # What changes a network in ways that its tensors do not always show.
    "dims": OneOf((2,)),
    "conv_resample": OneOf((True,)),
    "use_scale_shift_norm": _OFF,
    "resblock_updown": _OFF,
    "num_classes": OneOf((None,)),
    "n_embed": OneOf((None,)),
    "disable_self_attentions": OneOf((None,)),
    "num_attention_blocks": OneOf((None,)),
    "disable_middle_self_attn": _OFF,
    "adm_in_channels": OneOf((None,)),
}
_NEEDED = (
    "in_channels",
    "model_channels",
    "channel_mult",
    "num_res_blocks",
    "attention_resolutions",
    "use_spatial_transformer",
    "context_dim",
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The settings of an ``openaimodel.UNetModel``, or of a ControlNet's copy of its first half."""

    said: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, params: Mapping[str, Any], *needed: str) -> Architecture:
        """Return settings that diffusers has a network for; raise `ModelError` naming the key otherwise."""
        where = params.where if isinstance(params, Settings) else Settings.where
        made = cls(checked(params, _RULES, (*_NEEDED, *needed)), where)
        made._check()
        return made

    @property
    def levels(self) -> int:
        """Resolutions, the finest first."""
        return len(self.said["channel_mult"])

    @property
    def blocks(self) -> int:
        """Residual blocks of a resolution."""
        said = self.said["num_res_blocks"]
        return int(said if isinstance(said, int) else said[0])

    @property
    def widths(self) -> list[int]:
        """Channels, by resolution."""
        return [self.said["model_channels"] * factor for factor in self.said["channel_mult"]]

    @property
    def attended(self) -> list[bool]:
        """Whether the blocks of a resolution are followed by attention."""
        return [2**level in self.said["attention_resolutions"] for level in range(self.levels)]

    @property
    def heads(self) -> list[int]:
        """Heads of attention, by resolution."""
        width = self.said.get("num_head_channels", -1)
        return [channels // width if width > 0 else self.said["num_heads"] for channels in self.widths]

    @property
    def depth(self) -> int | list[int]:
        """Transformer blocks of an attention."""
        found: int | list[int] = self.said.get("transformer_depth", 1)
        return found

    def shared(self) -> dict[str, Any]:
        """Return what diffusers is told of either network.

        ``attention_head_dim`` is what diffusers calls the number of heads.
        """
        context = self.said["context_dim"]
        return {
            "in_channels": self.said["in_channels"],
            "block_out_channels": self.widths,
            "layers_per_block": self.blocks,
            "down_block_types": [
                "CrossAttnDownBlock2D" if attended else "DownBlock2D" for attended in self.attended
            ],
            "attention_head_dim": self.heads,
            "cross_attention_dim": context if isinstance(context, int) else context[0],
            "norm_num_groups": GROUPS,
            "transformer_layers_per_block": self.depth,
            "use_linear_projection": self.said.get("use_linear_in_transformer", False),
        }

    def _check(self) -> None:
        """Raise `ModelError` for settings of networks that diffusers cannot make."""
        mult, blocks, context = (self.said[key] for key in ("channel_mult", "num_res_blocks", "context_dim"))
        heads, width = self.said.get("num_heads", -1), self.said.get("num_head_channels", -1)
        if mult[0] != 1:
            raise self._misfit("channel_mult", "must begin with 1: the first layer has model_channels")
        if isinstance(blocks, list) and (len(blocks) != self.levels or len(set(blocks)) > 1):
            raise self._misfit("num_res_blocks", "must be one number for all resolutions")
        if isinstance(context, list) and len(set(context)) > 1:
            raise self._misfit("context_dim", "must be one number for all transformer blocks")
        if isinstance(self.depth, list) and len(self.depth) != self.levels:
            raise self._misfit("transformer_depth", f"must have {self.levels} values, as channel_mult has")
        if any(channels % GROUPS for channels in self.widths):
            raise self._misfit("model_channels", f"must make widths that are multiples of {GROUPS}")
        if heads < 1 and width < 1:
            raise self._misfit("num_heads", "or num_head_channels must be above 0")
        key, parts = ("num_head_channels", [width]) if width > 0 else ("num_heads", [heads])
        if any(channels % part for channels in self.widths for part in parts):
            raise self._misfit(key, f"must divide the widths {self.widths}")

    def _misfit(self, key: str, rule: str) -> ModelError:
        return ModelError(
            f"{self.where}: {key}={self.said.get(key)} {rule}; use the configuration published with the "
            "weights, or a checkpoint of another size"
        )
