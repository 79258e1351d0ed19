"""Autoencoders and OpenCLIP's text encoder in the layout of their published files, written for these tests.

They follow Esser et al. 2021, Rombach et al. 2022 and Radford et al. 2021, and know nothing of diffusers or
transformers.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)


class Residual(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(channels), norm(out)
        self.conv1, self.conv2 = (nn.Conv2d(n, out, 3, padding=1) for n in (channels, out))
        if channels != out:
            self.nin_shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = norm(width)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).flatten(2) for layer in (self.q, self.k, self.v))
        weights = (q.transpose(1, 2) @ k / math.sqrt(x.shape[1])).softmax(-1)
        return x + self.proj_out((v @ weights.transpose(1, 2)).reshape(x.shape))


def middle(width: int) -> nn.Module:
    found = nn.Module()
    found.block_1, found.attn_1, found.block_2 = (
        Residual(width, width),
        Attention(width),
        Residual(width, width),
    )
    return found


def through(mid: nn.Module, x: Tensor) -> Tensor:
    return mid.block_2(mid.attn_1(mid.block_1(x)))


class Coder(nn.Module):
    """Encoder, or decoder: levels counted from the finest in both."""

    def __init__(self, said: dict[str, Any], decodes: bool) -> None:
        super().__init__()
        widths = [said["ch"] * factor for factor in said["ch_mult"]]
        self.decodes, count = decodes, len(widths)
        ends = (said["z_channels"], widths[-1]) if decodes else (said["in_channels"], said["ch"])
        self.conv_in = nn.Conv2d(*ends, 3, padding=1)
        self.mid = middle(widths[-1])
        levels: list[nn.Module] = [nn.Module() for _ in widths]
        order = list(reversed(range(count))) if decodes else list(range(count))
        width = ends[1]
        for level in order:
            blocks, attentions = [], []
            for _ in range(said["num_res_blocks"] + decodes):
                blocks.append(Residual(width, widths[level]))
                width = widths[level]
                if said["resolution"] // 2**level in said["attn_resolutions"]:
                    attentions.append(Attention(width))
            levels[level].block, levels[level].attn = nn.ModuleList(blocks), nn.ModuleList(attentions)
            if level != order[-1]:
                change = nn.Module()
                change.conv = nn.Conv2d(width, width, 3, padding=int(decodes), stride=1 if decodes else 2)
                setattr(levels[level], "upsample" if decodes else "downsample", change)
        setattr(self, "up" if decodes else "down", nn.ModuleList(levels))
        self.order = order
        self.norm_out = norm(width)
        out = said["out_ch"] if decodes else said["z_channels"] * (1 + said["double_z"])
        self.conv_out = nn.Conv2d(width, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        x = through(self.mid, x) if self.decodes else x
        for level in self.order:
            here = (self.up if self.decodes else self.down)[level]
            for index, block in enumerate(here.block):
                x = block(x)
                x = here.attn[index](x) if len(here.attn) else x
            if hasattr(here, "upsample"):
                x = here.upsample.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            elif hasattr(here, "downsample"):
                x = here.downsample.conv(F.pad(x, (0, 1, 0, 1)))
        x = x if self.decodes else through(self.mid, x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Autoencoder(nn.Module):
    """The settings ``first_stage_config.params``: with ``n_embed`` one with a codebook."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__()
        said, width = params["ddconfig"], params["embed_dim"]
        twice = 1 + said["double_z"]
        self.encoder, self.decoder = Coder(said, False), Coder(said, True)
        self.quant_conv = nn.Conv2d(said["z_channels"] * twice, width * twice, 1)
        self.post_quant_conv = nn.Conv2d(width, said["z_channels"], 1)
        if not said["double_z"]:
            self.quantize = nn.Module()
            self.quantize.embedding = nn.Embedding(params["n_embed"], width)

    def encode(self, x: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(x))

    def decode(self, z: Tensor) -> Tensor:
        if hasattr(self, "quantize"):
            codes = self.quantize.embedding.weight
            nearest = torch.cdist(z.movedim(1, -1).reshape(-1, z.shape[1]), codes).argmin(1)
            z = codes[nearest].reshape(len(z), *z.shape[2:], -1).movedim(-1, 1)
        return self.decoder(self.post_quant_conv(z))


class TextBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential()
        self.mlp.c_fc, self.mlp.gelu, self.mlp.c_proj = (
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        x = x + self.attn(y, y, y, attn_mask=later, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class OpenClip(nn.Module):
    """OpenCLIP's text encoder, asked for what its last block but one returns."""

    def __init__(self, words: int, width: int, heads: int, blocks: int, longest: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(words, width)
        self.positional_embedding = nn.Parameter(torch.empty(longest, width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(TextBlock(width, heads) for _ in range(blocks))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, width))
        self.logit_scale = nn.Parameter(torch.empty([]))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token_embedding(tokens) + self.positional_embedding
        for block in self.transformer.resblocks[:-1]:
            x = block(x)
        return self.ln_final(x)
