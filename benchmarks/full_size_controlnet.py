"""A pipeline of the size of Stable Diffusion 1.5 with a ControlNet, drawn by diffusers and by this library.

``python benchmarks/full_size_controlnet.py FOLDER`` writes a pipeline whose weights nobody trained into
FOLDER (2.7 GB, float16) and draws one tile of 512 px in two guided steps both ways, each in a process of its
own. It then encodes and decodes a picture, with the statistics of the tile and with frozen ones. It prints
differences, seconds and peak memory and leaves ``decoded.png``: the picture, and what is decoded either way.
It takes 10 GB of memory and, on two cores, about ten minutes.

Weights that nobody trained show that both compute the same, not how a picture looks.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TILE, LATENT, STEPS, GUIDANCE = 512, 8, 2, 7.5
CUT = 16
"""Latent columns by which a second window begins later."""
PROMPT = "convert this openstreetmap into its satellite view"
SCHEDULER = "UniPCMultistepScheduler"
NETWORK = {
    "block_out_channels": (320, 640, 1280, 1280),
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "layers_per_block": 2,
}
CODER = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": TILE,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
WORDS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "vocab_size": 49408,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
}
NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "skip_prk_steps": True,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def write(folder: Path) -> dict[str, Any]:
    """Write the pipeline by diffusers' own ``save_pretrained``, in half precision."""
    import torch
    from diffusers import (
        AutoencoderKL,
        ControlNetModel,
        PNDMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(7)
    unet = UNet2DConditionModel(sample_size=TILE // LATENT, **NETWORK).half()
    control = ControlNetModel(**NETWORK)
    # Training starts with zeros here: a hint would change nothing.
    zeros = [control.controlnet_cond_embedding.conv_out, control.controlnet_mid_block]
    for layer in [*zeros, *control.controlnet_down_blocks]:
        torch.nn.init.normal_(layer.weight, std=0.05)
    words = tokenizer()
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id}
    pipeline = StableDiffusionControlNetPipeline(
        vae=AutoencoderKL(**CODER).half(),
        text_encoder=CLIPTextModel(CLIPTextConfig(**WORDS, **ends)).half(),
        tokenizer=words,
        unet=unet,
        controlnet=control.half(),
        scheduler=PNDMScheduler(**NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return {}


def tokenizer() -> Any:
    """Return a tokenizer of bytes: the vocabulary of the published one cannot be made up."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)


def given() -> tuple[np.ndarray, np.ndarray]:
    """Return the noise ``(1, 4, y, x)`` and a hint ``(1, 3, y, x)`` of roads and fields, 0 to 1."""
    from geoinfinite.diffusion.noise import NoiseField
    from geoinfinite.plane.window import Window

    side = TILE // LATENT
    noise = NoiseField(key=5, level=0, channels=4)(Window(-3, side - 3, 11, side + 11), 0)[None]
    y, x = np.mgrid[:TILE, :TILE]
    hint = np.stack([(x // 37 + y // 53) % 5 / 5, (x - y) // 29 % 7 / 7, np.hypot(x - 90, y - 350) < 140])
    hint[:, (x + 2 * y) % 170 < 9] = 1.0
    return noise, hint[None].astype(np.float32)


def theirs(folder: Path) -> dict[str, Any]:
    """Draw the tile by diffusers' pipeline."""
    import diffusers
    import torch

    pipeline = diffusers.StableDiffusionControlNetPipeline.from_pretrained(
        folder, torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    pipeline.scheduler = getattr(diffusers, SCHEDULER).from_config(pipeline.scheduler.config)
    noise, hint = (torch.from_numpy(values) for values in given())
    start = time.perf_counter()
    latents = pipeline(
        PROMPT,
        image=hint,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise,
        output_type="latent",
    ).images
    solved = time.perf_counter()
    with torch.inference_mode():
        image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    decoded = time.perf_counter()
    np.savez(folder / "theirs.npz", latents=latents.numpy(), image=image.numpy())
    return {"solve_s": solved - start, "decode_s": decoded - solved}


def ours(folder: Path) -> dict[str, Any]:
    """Draw the tile by this library alone: its reading of the folder, its guidance, its solver."""
    from geoinfinite.models import from_pretrained

    noise, hint = given()
    start = time.perf_counter()
    reference = from_pretrained(folder, scheduler=SCHEDULER, normalisation="tile")
    tiles = bound(reference, hint)
    loaded = time.perf_counter()
    sampling = reference.sampling()
    assert sampling is not None
    x = sampling.start(STEPS) * tiles.state(noise)
    x = sampling.as_solver()(steered(tiles), x, sampling.sigmas(STEPS), eta=sampling.eta) * sampling.end(
        STEPS
    )
    solved = time.perf_counter()
    image = tiles.image(x)
    decoded = time.perf_counter()
    np.savez(folder / "ours.npz", latents=tiles.field(x), image=image)
    return {
        "load_s": loaded - start,
        "solve_s": solved - loaded,
        "decode_s": decoded - solved,
        **{f"{slot}_moves": moved(tiles, tiles.state(noise), slot) for slot in ("prompt", "hint")},
    }


def bound(reference: Any, hint: np.ndarray) -> Any:
    """Return the loaded model, told the prompt and the hint."""
    from geoinfinite.diffusion.model import Cond

    told = {"prompt": (PROMPT,), "hint": tuple(hint)}
    return reference.load("cpu").bind(Cond(None, 1.0, told))


def steered(tiles: Any) -> Any:
    """Return the guided denoiser."""
    from geoinfinite.samplers.guidance import guidance_terms, guided

    terms = guidance_terms({"prompt": GUIDANCE})
    told = [tiles.retold({slot: (None,) for slot in term.silent}) for term in terms]
    return guided([(term.weight, tile.denoise) for term, tile in zip(terms, told, strict=True)])


def moved(tiles: Any, noise: Any, slot: str) -> float:
    """Return how far silence in a slot moves the predicted noise, as a share of its deviation."""
    sigma = float(tiles.model.checkpoint.noise.trained[500])
    x = noise * (1 + sigma**2) ** 0.5
    told, silent = (t.denoise(x, sigma) for t in (tiles, tiles.retold({slot: (None,)})))
    return float((told - silent).std() / (x - told).std())


def decoded(folder: Path) -> dict[str, Any]:
    """Decode the tile, and the code of a picture, with the statistics of the tile and with frozen ones."""
    from geoinfinite.models import from_pretrained

    drawn, (_, hint) = np.load(folder / "ours.npz")["latents"], given()
    found: dict[str, Any] = {}
    for normalisation in ("tile", "frozen"):
        reference = from_pretrained(folder, normalisation=normalisation)
        start = time.perf_counter()
        tiles = bound(reference, hint)
        loaded = time.perf_counter()
        if normalisation == "tile":
            code = tiles.field(tiles.encode(landscape()))
        encoded = time.perf_counter()
        images = {
            "drawn": tiles.image(tiles.state(drawn))[0],
            "picture": tiles.image(tiles.state(code))[0],
            "part": tiles.image(tiles.state(np.ascontiguousarray(code[..., CUT:])))[0],
        }
        done = time.perf_counter()
        np.savez(folder / f"{normalisation}.npz", code=code, halo=reference.facts().halo, **images)
        found[f"{normalisation}_load_s"] = loaded - start
        found[f"{normalisation}_decode_s"] = (done - encoded) / 3
        del tiles
    return found


def landscape() -> np.ndarray:
    """Return the Mediterranean as a picture ``(1, 3, y, x)`` in [-1, 1]: nothing that statistics know."""
    import geoinfinite as gi

    earth = gi.World.loads('[root]\nsource = "bundled:blue-marble"').array(0)
    pixels = earth.sel(x=slice(5, None), y=slice(48, None)).isel(x=slice(TILE), y=slice(TILE)).values
    return (pixels[None] / 127.5 - 1).astype(np.float32)


def compared(folder: Path) -> dict[str, Any]:
    """Return the differences, and draw the picture."""
    from PIL import Image

    one, other = np.load(folder / "theirs.npz"), np.load(folder / "ours.npz")
    tile, frozen = np.load(folder / "tile.npz"), np.load(folder / "frozen.npz")
    shown = [landscape()[0], tile["picture"], frozen["picture"]]
    middle, spread = tile["picture"].mean(), 3 * tile["picture"].std()
    shown[1:] = [(image - middle) / spread for image in shown[1:]]
    pixels = np.clip((np.concatenate(shown, axis=2) + 1) * 127.5, 0, 255).astype(np.uint8)
    Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / "decoded.png")
    inner = CUT * LATENT + int(frozen["halo"])
    return {
        "latents_relative": float(
            np.abs(one["latents"] - other["latents"]).max() / np.abs(one["latents"]).max()
        ),
        "image_relative": float(np.abs(one["image"] - other["image"]).max() / np.abs(one["image"]).max()),
        "deviation_of_code": float(tile["code"].std()),
        "deviation_of_drawn": float(other["latents"].std()),
        "deviation_with_tile_statistics": float(tile["picture"].std()),
        "deviation_with_frozen": float(frozen["picture"].std()),
        "frozen_minus_tile_rms": rms(frozen["picture"] - tile["picture"]),
        "correlation": float(np.corrcoef(tile["picture"].ravel(), frozen["picture"].ravel())[0, 1]),
        **{
            f"{name}_changes_with_the_window_rms": rms(
                found["picture"][..., inner:] - found["part"][..., inner - CUT * LATENT :]
            )
            for name, found in (("tile", tile), ("frozen", frozen))
        },
    }


def rms(difference: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    part.__name__: part for part in (write, theirs, ours, decoded, compared)
}


def main() -> None:
    """Take the parts one after another, each in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    if options.part is None:
        for part in PARTS:
            subprocess.run([sys.executable, __file__, str(options.folder), "--part", part], check=True)
        return
    start = time.perf_counter()
    figures = PARTS[options.part](options.folder)
    figures |= {"total_s": time.perf_counter() - start}
    figures["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(options.part, json.dumps({name: float(f"{value:.3g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
