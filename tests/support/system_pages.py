"""What the pages of published systems take for granted: checkpoints as published, bases, data about a place.

Files have the names that the commands and world files of a page give them.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adapters
import diffusers
import grounds
import ldsr_checkpoints
import numpy as np
import published_worlds as worlds
from affine import Affine
from published import FIXTURES, given
from published_worlds import Ground
from pyproj import Transformer
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from geoinfinite.plane.grid import Grid

TOKENIZER = FIXTURES / "mapsat" / "checkpoint" / "tokenizer"


def ground_of(world: str) -> Ground:
    """The place of a page: about the middle of the grid of a world file, with sources in degrees.

    Their pixels are larger than in a world at 1 m, so that they reach as far as a published tile does.
    """
    table: dict[str, Any] = tomllib.loads(world)["grid"]
    left, top = table["origin"]
    rows, columns = table["shape"]
    x, y = left + columns / 2 * table["resolution"], top - rows / 2 * table["resolution"]
    lonlat = Transformer.from_crs(table["crs"], "EPSG:4326", always_xy=True).transform(x, y)
    grid = Grid(table["crs"], (left, top), table["resolution"], (rows, columns))
    return Ground(grid, (rows // 2, columns // 2), "EPSG:4326", lonlat, 1 / 40_000)


def words(folder: Path, channels: int) -> None:
    """Put a text encoder of random weights into a folder, and the tokenizer of map-sat's reference."""
    ends = {"bos_token_id": 532, "eos_token_id": 533, "pad_token_id": 533}
    sizes = {"hidden_size": channels, "intermediate_size": 32, "num_hidden_layers": 1}
    config = CLIPTextConfig(vocab_size=534, num_attention_heads=4, **sizes, **ends)
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    shutil.copytree(TOKENIZER, folder / "tokenizer", copy_function=shutil.copyfile)


def stable_diffusion(folder: Path, channels: int) -> Path:
    """A folder with an autoencoder, a text encoder and a tokenizer, as bases are."""
    adapters.autoencoder(folder / "vae", channels=8)
    words(folder, channels)
    return folder


def smaller(system: str, folder: Path, side: int = 16) -> None:
    """Lay a reference checkpoint of ldm into a folder; its settings say tiles of ``side`` latent pixels."""
    shutil.copytree(FIXTURES / system / "checkpoint", folder, copy_function=os.symlink, dirs_exist_ok=True)
    for path in folder.rglob("*.yaml"):
        text = re.sub(r"image_size: \d+", f"image_size: {side}", path.read_text(), count=1)
        path.unlink()
        path.write_text(text)


def zoomldm(folder: Path, ground: Ground, *_: Ground) -> None:
    """``naip``, and a field of vectors."""
    smaller("zoomldm", folder)
    worlds.field(folder, ground, 24, 64.0, "dinov2.tif")


def large_image_diffusion(folder: Path, ground: Ground, *_: Ground) -> None:
    """``naip_ssl``, and a field of vectors."""
    smaller("large_image_diffusion", folder)
    worlds.field(folder, ground, 48, 64.0, "vit.tif")


def aerogen(folder: Path, ground: Ground, *_: Ground) -> None:
    """``aerogen``, a base with the vectors of classes, and boxes."""
    smaller("aerogen", folder / "aerogen")
    found = given("aerogen")
    beside = stable_diffusion(folder / "stable-diffusion-v1-5", found["context"].shape[-1])
    np.save(beside / "category_embeddings.npy", found["class_vectors"].numpy())
    worlds.objects(folder, ground)


def geosynth(folder: Path, ground: Ground, *_: Ground) -> None:
    """``geosynth-osm-location``, a base with the encoder of places, and a map."""
    smaller("geosynth_location", folder / "geosynth-osm-location", side=8)
    beside = stable_diffusion(folder / "stable-diffusion-2-1-base", 48)
    save_file(worlds.location_encoder(), beside / "satclip.safetensors")
    worlds.raster(folder, ground, "osm.tif", 3, 1.3, 3)


def map_sat(folder: Path, ground: Ground, *_: Ground) -> None:
    """``controlearth``, the ControlNet alone; its base; and a map."""
    whole = FIXTURES / "mapsat" / "checkpoint"
    (folder / "controlearth").symlink_to(whole / "controlnet")
    base = folder / "stable-diffusion-v1-5"
    base.mkdir()
    for part in whole.iterdir():
        if part.name != "controlnet":
            (base / part.name).symlink_to(part)
    worlds.raster(folder, ground, "osm.tif", 3, 1.3, 5)


def diffusionsat(folder: Path, ground: Ground, _: Ground, of_frames: Ground) -> None:
    """The single-image model, the other two with a ControlNet beside it, and what each is told."""
    for name, system, channels in (
        ("diffusionsat-512", "diffusionsat_unet", 48),
        ("diffusionsat-sr", "diffusionsat_controlnet", 48),
        ("diffusionsat-texas", "diffusionsat_controlnet3d", 32),
    ):
        place = stable_diffusion(folder / name, channels)
        for part in (FIXTURES / system / "checkpoint").iterdir():
            (place / part.name).symlink_to(part)
    shutil.move(adapters.small_satunet(folder), folder / "diffusionsat-texas" / "unet")
    worlds.sentinel(folder, ground)
    for name, seed in (("2016", 7), ("2017-low", 8), ("2018-low", 9)):
        worlds.raster(folder, of_frames, f"{name}.tif", 3, 1.7, seed)


def text2earth(folder: Path, ground: Ground, *_: Ground) -> None:
    """``text2earth``, and a base whose scheduler is read as another class."""
    (folder / "text2earth").symlink_to(FIXTURES / "text2earth" / "checkpoint")
    beside = stable_diffusion(folder / "stable-diffusion-2-1-base", 24)
    diffusers.DDIMScheduler(**adapters.STABLE_DIFFUSION).save_pretrained(beside / "scheduler")


def ldsr_s2(folder: Path, ground: Ground, *_: Ground) -> None:
    """``opensr-ldsrs2``, and reflectances of four bands on the pixels of the coarse level."""
    ldsr_checkpoints.write(folder / "opensr-ldsrs2")
    grid = ground.grid
    transform = Affine(grid.resolution, 0, grid.origin[0], 0, -grid.resolution, grid.origin[1])
    values = np.random.default_rng(3).integers(300, 4000, (4, *grid.shape)).astype(np.uint16)
    grounds.write(folder / "sentinel2-rgbn.tif", values, grid.crs, transform)


SUPPLIES: dict[str, Callable[..., None]] = {
    "aerogen": aerogen,
    "diffusionsat": diffusionsat,
    "geosynth": geosynth,
    "large-image-diffusion": large_image_diffusion,
    "ldsr-s2": ldsr_s2,
    "map-sat": map_sat,
    "text2earth": text2earth,
    "zoomldm": zoomldm,
}
"""What pages take for granted, by their names, made in a folder about the places of their worlds.

Other pages take what the package holds.
"""
