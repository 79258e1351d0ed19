"""DiffusionSat's ControlNet for series of pictures: frames through one trunk, mixed along time at taps."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.loading import Renamed, loaded, misfit, numbered, renamed_by, shape_of

WHAT = "the ControlNet of frames"
NAMES = {
    "controlnet_cond_embedding.": "hint.",
    "controlnet_down_blocks.": "taps.",
    "controlnet_mid_block.": "middle.",
    "temporal_blocks.": "temporal.",
    "mixing_attns.": "gates.",
    "": "trunk.",
}
FIRST_HEADS, FIRST_WIDTH, FIRST_GROUPS = 8, 64, 32
"""Of the first tap's transformer, whatever the configuration says."""
SEQUENCES = 65_535
"""Pixels whose series a GPU's attention takes at once."""


class Control3d(nn.Module):
    """A stock ControlNet that sees every frame of a series, with convolutions and attention along time.

    Frames are folded into the batch, frame fastest. At each tap: a convolution, at some taps a transformer
    along time that a gate between 0 and 1 mixes in, and the *sum* over frames. Their order matters, as the
    hint's convolutions look at neighbours in time.

    Source: DiffusionSat (arXiv:2312.03606), section 3.4.
    """

    def __init__(
        self, config: Mapping[str, Any], bands: int, hint: Sequence[int], temporal: Sequence[int]
    ) -> None:
        super().__init__()
        self.trunk = _trunk(config)
        widths = [width for width, _ in _taps(self.trunk.config)]
        self.hint = _Hint(bands, hint, widths[0])
        self.taps = nn.ModuleList(nn.Conv3d(width, width, 1) for width in widths)
        self.middle = nn.Conv3d(widths[-1], widths[-1], 1)
        self.temporal = nn.ModuleDict({str(i): _temporal(self.trunk.config, i) for i in temporal})
        self.gates = nn.ParameterDict({str(i): nn.Parameter(torch.zeros(())) for i in temporal})

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Control3d:
        """Return the network whose tensors these are; raise `ModelError` if they make none.

        ``config`` is the published ``config.json``: heads and groups are in no tensor's shape.
        """
        first, bands, *_ = shape_of(tensors, "hint.conv_in.weight", 5, WHAT)
        stages = range(1, numbered(tensors, "hint.blocks."), 2)
        hint = [first, *(shape_of(tensors, f"hint.blocks.{i}.weight", 5, WHAT)[0] for i in stages)]
        named = (name.split(".")[1] for name in tensors if name.startswith("temporal."))
        temporal = sorted({int(number) for number in named if number.isdecimal()})
        try:
            network = loaded(lambda: cls(config, bands, hint, temporal), tensors, WHAT)
        except ModelError:
            raise
        # Whatever diffusers makes of a configuration that it cannot build.
        except (
            TypeError,
            ValueError,
            KeyError,
            IndexError,
            AttributeError,
            ArithmeticError,
            RuntimeError,
        ) as error:
            because = " ".join(str(error).split())[:160]
            raise misfit(WHAT, f"does not fit its configuration ({because})") from error
        network.trunk.to(memory_format=torch.channels_last)
        return network

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors of ``controlnet/`` but ``metadata_embedding.*`` under this module's names.

        Gates of taps without a transformer have no influence.
        """
        mixed = {name.split(".")[1] for name in tensors if name.startswith("temporal_blocks.")}
        gates = (name for name in tensors if name.startswith("mixing_attns."))
        idle = frozenset(name for name in gates if name.split(".")[1] not in mixed)
        return renamed_by({k: v for k, v in tensors.items() if k not in idle}, NAMES), idle

    def read_hint(self, frames: Tensor) -> Tensor:
        """Return what the network reads of frames ``(tile, band, frame, y, x)`` in 0..1, once for all steps.

        ``(tile, channel, frame, y, x)``, with an eighth of the rows and columns.
        """
        return cast(Tensor, self.hint(frames))

    def forward(
        self, seen: Tensor, times: Tensor, tokens: Tensor, read: Tensor, vectors: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return residuals of the network's down blocks and of its middle, ``(tile, channel, y, x)``.

        ``seen`` is the state ``(tile, channel, y, x)``, ``times`` the training timestep, one or ``(tile,)``,
        ``tokens`` the text ``(tile, token, channel)``, ``read`` what `read_hint` returned, and ``vectors``
        ``(tile, frame, out)`` what is added to the embedding of the time for every frame.
        """
        tiles, frames = vectors.shape[:2]
        down, middle = self.trunk(
            _each_frame(seen, frames),
            _each_frame(times.expand(tiles), frames),
            _each_frame(tokens, frames),
            # The trunk adds it to its first convolution's answer as it is.
            _folded(read),
            class_labels=vectors.flatten(0, 1),
            return_dict=False,
        )
        residuals = [self._mixed(i, _unfolded(tap, frames)).sum(2) for i, tap in enumerate(down)]
        return residuals, self.middle(_unfolded(middle, frames)).sum(2)

    def _mixed(self, number: int, tap: Tensor) -> Tensor:
        """Return a tap ``(tile, channel, frame, y, x)``, mixed along time where it has a transformer."""
        tap = self.taps[number](tap)
        if str(number) not in self.temporal:
            return tap
        gate = self.gates[str(number)].clamp(0, 1)
        mixed: Tensor = gate * self._along_time(self.temporal[str(number)], tap) + (1 - gate) * tap
        return mixed

    def _along_time(self, transformer: Any, tap: Tensor) -> Tensor:
        frames, pixels = tap.shape[2], tap.shape[3] * tap.shape[4]
        parts = torch.split(tap, max(1, SEQUENCES // pixels))
        mixed = [transformer(_folded(part), num_frames=frames, return_dict=False)[0] for part in parts]
        return torch.cat([_unfolded(part, frames) for part in mixed])


class _Hint(nn.Module):
    """Convolutions in space and time; every second one halves rows and columns and sees its frame alone."""

    def __init__(self, bands: int, widths: Sequence[int], out: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv3d(bands, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for narrow, wide in pairwise(widths):
            self.blocks.append(nn.Conv3d(narrow, narrow, 3, padding=1))
            self.blocks.append(nn.Conv3d(narrow, wide, (1, 3, 3), padding=(0, 1, 1), stride=(1, 2, 2)))
        self.conv_out = nn.Conv3d(widths[-1], out, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        x = F.silu(self.conv_in(frames))
        for block in self.blocks:
            x = F.silu(block(x))
        return cast(Tensor, self.conv_out(x))


def _trunk(config: Mapping[str, Any]) -> Any:
    """Return a stock ControlNet that returns what it sees at its taps, before any convolution of them."""
    known = inspect.signature(ControlNetModel.__init__).parameters
    arguments = {key: value for key, value in config.items() if key in known}
    architecture: Any = ControlNetModel
    trunk = architecture(**arguments | {"class_embed_type": "identity"})
    trunk.controlnet_cond_embedding = nn.Identity()
    trunk.controlnet_down_blocks = nn.ModuleList(nn.Identity() for _ in trunk.controlnet_down_blocks)
    trunk.controlnet_mid_block = nn.Identity()
    return trunk


def _taps(config: Any) -> list[tuple[int, int]]:
    """Return width and level of every tap: the first convolution, then every layer and every halving."""
    widths = config.block_out_channels
    last = len(widths) - 1
    counts = [config.layers_per_block + (level < last) for level in range(len(widths))]
    return [(widths[0], 0), *((widths[i], i) for i, count in enumerate(counts) for _ in range(count))]


def _temporal(config: Any, tap: int) -> Any:
    width, level = _taps(config)[tap]
    if tap == 0:
        return TransformerTemporalModel(FIRST_HEADS, FIRST_WIDTH, width, norm_num_groups=FIRST_GROUPS)
    heads = config.attention_head_dim
    heads = heads if isinstance(heads, int) else heads[level]
    # As published: the number of heads stands where their width belongs, and the other way round.
    return TransformerTemporalModel(width // heads, heads, width, norm_num_groups=config.norm_num_groups)


def _each_frame(values: Tensor, frames: int) -> Tensor:
    return values.repeat_interleave(frames, 0)


def _folded(series: Tensor) -> Tensor:
    """Return ``(tile * frame, channel, y, x)``."""
    return series.transpose(1, 2).flatten(0, 1)


def _unfolded(folded: Tensor, frames: int) -> Tensor:
    """Return ``(tile, channel, frame, y, x)``."""
    return folded.reshape(-1, frames, *folded.shape[1:]).transpose(1, 2)
