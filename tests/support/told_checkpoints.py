"""Tiny checkpoints that are told texts and hints, in the layout of Stable Diffusion, with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import latents
import transformers

CHANNELS = (16, 32)
WORDS = 24
"""Channels of a token."""
SPECIAL = "<|startoftext|>", "<|endoftext|>"


def _letters() -> list[str]:
    """The characters by which CLIP's tokenizer writes bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]


def write_tokenizer(folder: Path, longest: int = 20) -> None:
    """A tokenizer of single letters: a text has as many tokens as letters, and two."""
    folder.mkdir(parents=True)
    letters = _letters()
    entries = [*letters, *(f"{letter}</w>" for letter in letters), *SPECIAL]
    (folder / "vocab.json").write_text(json.dumps({entry: number for number, entry in enumerate(entries)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": longest, "unk_token": SPECIAL[1]}
    settings |= {"bos_token": SPECIAL[0], "eos_token": SPECIAL[1], "pad_token": SPECIAL[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def text_encoder(longest: int = 20, **changes: Any) -> Any:
    """A CLIPTextModel of two layers."""
    settings: dict[str, Any] = {
        "vocab_size": 2 * 256 + 2,
        "hidden_size": WORDS,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "max_position_embeddings": longest,
        "bos_token_id": 512,
        "eos_token_id": 513,
        "pad_token_id": 513,
    }
    config = transformers.CLIPTextConfig(**settings | changes)
    return latents.randomise(transformers.CLIPTextModel(config), 11)


def _blocks(**changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "in_channels": 4,
        "block_out_channels": CHANNELS,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "cross_attention_dim": WORDS,
        "attention_head_dim": 4,
    }
    return settings | changes


def unet(seed: int = 12, **changes: Any) -> Any:
    """A UNet2DConditionModel of two resolutions."""
    own = {"out_channels": 4, "sample_size": 8, "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}
    return latents.randomise(diffusers.UNet2DConditionModel(**_blocks() | own | changes), seed)


def control(seed: int = 13, **changes: Any) -> Any:
    """A ControlNet for it, whose hint has 4 pixels a side for each of the state."""
    own = {"conditioning_embedding_out_channels": (8, 12, 16)}
    return latents.randomise(diffusers.ControlNetModel(**_blocks() | own | changes), seed)


def write(folder: Path, network: Any = None, *controls: Any, **parts: Any) -> Path:
    """A pipeline: a U-Net, ControlNets, text encoder, tokenizer and autoencoder (4 px a latent px)."""
    scheduler, words = parts.pop("scheduler", None), parts.pop("words", None) or text_encoder()
    latents.write(folder, network or unet(), scheduler, **{"vae": latents.kl(), **parts})
    for number, net in enumerate(controls):
        net.save_pretrained(folder / (f"controlnet_{number}" if number else "controlnet"))
    words.save_pretrained(folder / "text_encoder")
    write_tokenizer(folder / "tokenizer", words.config.max_position_embeddings)
    return folder
