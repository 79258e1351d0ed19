"""Networks of latent diffusion in the layout of their published files, small and written for these tests.

They follow the papers (Rombach et al. 2022, Zhang et al. 2023, Esser et al. 2021) and know nothing of
diffusers: what they return is what a converted checkpoint must return.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def per_level(value: Any, levels: int) -> list[Any]:
    return list(value) if isinstance(value, list) else [value] * levels


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, told: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(32, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(told, out))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, out), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(out, out, 3, padding=1)
        )
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(told)[..., None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, words: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k, self.to_v = nn.Linear(words, width, bias=False), nn.Linear(words, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Dropout(0.0))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        q, k, v = (
            layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, y in ((self.to_q, x), (self.to_k, words), (self.to_v, words))
        )
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.to_out((scores @ v).transpose(1, 2).flatten(2))


class Gated(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, words: int) -> None:
        super().__init__()
        self.attn1, self.attn2 = Attention(width, heads, width), Attention(width, heads, words)
        self.ff = nn.Module()
        self.ff.net = nn.Sequential(Gated(width), nn.Dropout(0.0), nn.Linear(4 * width, width))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), words)
        return x + self.ff.net(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width: int, heads: int, depth: int, said: dict[str, Any]) -> None:
        super().__init__()
        linear = said.get("use_linear_in_transformer", False)
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList(
            Block(width, heads, said["context_dim"]) for _ in range(depth)
        )
        self.proj_out = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)
        self.linear = linear

    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        y = self.norm(x)
        y = y if self.linear else self.proj_in(y)
        y = y.flatten(2).transpose(1, 2)
        y = self.proj_in(y) if self.linear else y
        for block in self.transformer_blocks:
            y = block(y, words)
        y = self.proj_out(y) if self.linear else y
        y = y.transpose(1, 2).reshape(x.shape)
        return x + (y if self.linear else self.proj_out(y))


class Down(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        return self.op(x)


class Up(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class First(nn.Conv2d):
    def forward(self, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
        return super().forward(x)


def run(modules: nn.ModuleList, x: Tensor, told: Tensor, words: Tensor) -> Tensor:
    for module in modules:
        x = module(x, told, words)
    return x


class HalfUNet(nn.Module):
    """What U-Net and ControlNet share."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said, base, mult = said, said["model_channels"], said["channel_mult"]
        self.told = 4 * base
        self.time_embed = nn.Sequential(
            nn.Linear(base, self.told), nn.SiLU(), nn.Linear(self.told, self.told)
        )
        self.widths = [base]
        self.input_blocks = nn.ModuleList([nn.ModuleList([First(said["in_channels"], base, 3, padding=1)])])
        for level, factor in enumerate(mult):
            for _ in range(said["num_res_blocks"]):
                modules = self.layers(self.widths[-1], base * factor, level)
                self.widths.append(base * factor)
                self.input_blocks.append(nn.ModuleList(modules))
            if level < len(mult) - 1:
                self.widths.append(self.widths[-1])
                self.input_blocks.append(nn.ModuleList([Down(self.widths[-1])]))
        width, last = self.widths[-1], len(mult) - 1
        self.middle_block = nn.ModuleList(
            [
                Residual(width, width, self.told),
                self.transformer(width, last),
                Residual(width, width, self.told),
            ]
        )

    def transformer(self, width: int, level: int) -> Transformer:
        said = self.said
        heads = width // said["num_head_channels"] if "num_head_channels" in said else said["num_heads"]
        depth = per_level(said.get("transformer_depth", 1), len(said["channel_mult"]))[level]
        return Transformer(width, heads, depth, said)

    def layers(self, channels: int, width: int, level: int) -> list[nn.Module]:
        found: list[nn.Module] = [Residual(channels, width, self.told)]
        if 2**level in self.said["attention_resolutions"]:
            found.append(self.transformer(width, level))
        return found

    def timed(self, t: Tensor) -> Tensor:
        half = self.said["model_channels"] // 2
        angles = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(half) / half)
        return self.time_embed(torch.cat([angles.cos(), angles.sin()], -1))


class UNet(HalfUNet):
    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(said)
        base, mult, kept = said["model_channels"], said["channel_mult"], list(self.widths)
        width = kept[-1]
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(mult))):
            for layer in range(said["num_res_blocks"] + 1):
                modules = self.layers(width + kept.pop(), base * mult[level], level)
                width = base * mult[level]
                if level and layer == said["num_res_blocks"]:
                    modules.append(Up(width))
                self.output_blocks.append(nn.ModuleList(modules))
        self.out = nn.Sequential(
            nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, said["out_channels"], 3, padding=1)
        )

    def forward(self, x: Tensor, t: Tensor, words: Tensor) -> Tensor:
        told, kept = self.timed(t), []
        for modules in self.input_blocks:
            x = run(modules, x, told, words)
            kept.append(x)
        x = run(self.middle_block, x, told, words)
        for modules in self.output_blocks:
            x = run(modules, torch.cat([x, kept.pop()], 1), told, words)
        return self.out(x)


class Control(HalfUNet):
    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(said)
        widths = [16, 16, 32, 32, 96, 96, 256]
        hint: list[nn.Module] = [nn.Conv2d(said["hint_channels"], 16, 3, padding=1), nn.SiLU()]
        for index, (channels, out) in enumerate(itertools.pairwise(widths)):
            hint += [nn.Conv2d(channels, out, 3, padding=1, stride=1 + index % 2), nn.SiLU()]
        self.input_hint_block = nn.Sequential(*hint, nn.Conv2d(256, said["model_channels"], 3, padding=1))
        self.zero_convs = nn.ModuleList(nn.Sequential(nn.Conv2d(w, w, 1)) for w in self.widths)
        self.middle_block_out = nn.Sequential(nn.Conv2d(self.widths[-1], self.widths[-1], 1))

    def forward(self, x: Tensor, hint: Tensor, t: Tensor, words: Tensor) -> list[Tensor]:
        told, taps = self.timed(t), []
        for index, (modules, tap) in enumerate(zip(self.input_blocks, self.zero_convs, strict=True)):
            x = run(modules, x, told, words)
            x = x + self.input_hint_block(hint) if index == 0 else x
            taps.append(tap(x))
        return [*taps, self.middle_block_out(run(self.middle_block, x, told, words))]


def rolled(module: nn.Module, seed: int) -> Any:
    """A module with every parameter random: those that begin at zero would hide a wrong name."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            fan = max(1, parameter[0].numel()) if parameter.dim() > 1 else 1
            shift = 1.0 if parameter.dim() == 1 else 0.0
            values = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(values * (0.3 if shift else fan**-0.5) + 0.2 * shift)
    return module.eval().requires_grad_(False)
