"""Worlds that published systems draw: their reference checkpoints converted, and data about two places.

One place is the edge of a UTM zone, the other the antimeridian; no source shares the grid's CRS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import adapters
import grounds
import numpy as np
import torch
import vector_files
from affine import Affine
from published import FIXTURES, given
from pyproj import Transformer
from safetensors.torch import save_file

from geoinfinite import World
from geoinfinite import conditions as gi_conditions
from geoinfinite.conditions import Condition
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.aerogen.classes import DESCRIPTIONS
from geoinfinite.plane.grid import Grid
from geoinfinite.told.sentinel import BANDS, MEANS

SMALL = 128
"""The largest side of a tile, in pixels."""
PIXELS_ROUND = 19 * 2**21
"""Columns of a grid once round the Earth: of 1 m at the equator."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A place, the grid that is drawn there, and the CRS of what steers it."""

    grid: Grid
    middle_pixel: tuple[int, int]
    """Row and column at which the edge or line is that the place is named for."""
    source_crs: str
    middle: tuple[float, float]
    """In the CRS of the sources."""
    metre: float
    """Units of the CRS of the sources in a metre."""


def _edge_of_a_zone() -> Ground:
    """Where UTM zone 32 ends, at 12 degrees east."""
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(12.0, 47.0)
    grid = Grid("EPSG:32632", (x - 300.5, y + 300.5), 1.0, (640, 640))
    return Ground(grid, (300, 300), "EPSG:4326", (12.0, 47.0), 1 / 90_000)


def _antimeridian() -> Ground:
    """In Fiji, where zone 60 holds both sides of the line."""
    step = 360 / PIXELS_ROUND
    grid = Grid("EPSG:4326", (-180.0, 90.0), step, (PIXELS_ROUND // 2, PIXELS_ROUND), periodic=True)
    row = round((90 + 16.8) / step)
    middle = Transformer.from_crs("EPSG:4326", "EPSG:32760", always_xy=True).transform(180.0, -16.8)
    return Ground(grid, (row, 0), "EPSG:32760", middle, 1.0)


GROUNDS: dict[str, Callable[[], Ground]] = {
    "zone edge": _edge_of_a_zone,
    "antimeridian": _antimeridian,
}


def raster(folder: Path, ground: Ground, name: str, bands: int, metres: float, seed: int) -> str:
    """A raster of noise about a place, of bytes, whose pixels measure some metres."""
    side = int(900 / metres) + 1
    step = metres * ground.metre
    x, y = ground.middle
    transform = Affine(step, 0, x - side * step / 2.03, 0, -step, y + side * step / 1.97)
    return grounds.write(
        folder / name, grounds.noise((bands, side, side), seed), ground.source_crs, transform
    )


def field(folder: Path, ground: Ground, channels: int, metres: float, name: str = "features.tif") -> str:
    """A coarse field of vectors about a place."""
    side = int(900 / metres) + 2
    step = metres * ground.metre
    x, y = ground.middle
    transform = Affine(step, 0, x - side * step / 2.03, 0, -step, y + side * step / 1.97)
    values = np.random.default_rng(7).normal(size=(channels, side, side)).astype(np.float32)
    return grounds.write(folder / name, values, ground.source_crs, transform)


def sentinel(folder: Path, ground: Ground) -> str:
    """A raster of ten bands in the numbers of Sentinel-2 products."""
    side, step = 90, 10 * ground.metre
    x, y = ground.middle
    transform = Affine(step, 0, x - side * step / 2.03, 0, -step, y + side * step / 1.97)
    rng = np.random.default_rng(11)
    means = np.array([MEANS[band] for band in BANDS])[:, None, None]
    values = (means * rng.uniform(0.5, 1.5, (len(BANDS), side, side))).astype(np.uint16)
    return grounds.write(folder / "sentinel2.tif", values, ground.source_crs, transform, names=BANDS)


def objects(folder: Path, ground: Ground) -> str:
    """Boxes of two classes about a place, turned, some of them over the edges of tiles."""
    rng = np.random.default_rng(13)
    x, y = ground.middle
    spots = rng.uniform(-60, 60, (40, 2)) * ground.metre
    sizes = rng.uniform(6, 30, (40, 2)) * ground.metre
    boxes = [
        vector_files.turned_box(x + dx, y + dy, across, up, turned)
        for (dx, dy), (across, up), turned in zip(spots, sizes, rng.uniform(0, 360, 40), strict=True)
    ]
    names = [("ship", "harbor")[number % 2] for number in range(40)]
    return vector_files.write(folder / "objects.gpkg", ground.source_crs, boxes, {"class": names})


def checkpoint(system: str, folder: Path) -> Path:
    """The folder that the published layout of a system becomes; what it lacks is made small and random."""
    found = given(system)
    if system in ("zoomldm", "large_image_diffusion"):
        return adapters.converted(system, folder)
    if system == "text2earth":
        return adapters.text2earth(found, folder)
    if system == "diffusionsat_controlnet3d":
        return adapters.diffusionsat(system, found, folder, adapters.small_satunet(folder))
    if system.startswith("diffusionsat"):
        return adapters.diffusionsat(system, found, folder)
    beside = adapters.base(folder / "base", adapters.prompts_of(found["context"]))
    if system == "aerogen":
        vectors = dict(zip(DESCRIPTIONS, found["class_vectors"].contiguous(), strict=True))
        save_file(vectors, beside / "class_vectors.safetensors")
        return adapters.converted(system, folder, base=beside, most=6)
    save_file(location_encoder(), beside / "satclip.safetensors")
    return adapters.converted(system, folder, base=beside)


def location_encoder(degrees: int = 6, width: int = 32) -> dict[str, torch.Tensor]:
    """A small encoder of locations by the names that SatCLIP publishes."""
    generator = torch.Generator().manual_seed(17)

    def layer(name: str, out: int, into: int) -> dict[str, torch.Tensor]:
        weight = torch.randn(out, into, generator=generator, dtype=torch.float64) / into**0.5
        return {f"nnet.{name}.weight": weight, f"nnet.{name}.bias": torch.zeros(out, dtype=torch.float64)}

    return layer("layers.0", 16, degrees**2) | layer("last_layer", width, 16)


def _text() -> Condition:
    return gi_conditions.Text("prompt", "0")


Make = Callable[[Path, Ground], tuple[Condition, ...]]
CONDITIONS: Mapping[str, Make] = {
    "zoomldm": lambda folder, ground: (
        gi_conditions.Embedding("embedding", field(folder, ground, 24, 64.0)),
    ),
    "large_image_diffusion": lambda folder, ground: (
        gi_conditions.Embedding("embedding", field(folder, ground, 48, 64.0), interpolation="slerp"),
    ),
    "aerogen": lambda folder, ground: (
        _text(),
        gi_conditions.Boxes("boxes", objects(folder, ground), column="class"),
    ),
    "geosynth_location": lambda folder, ground: (
        _text(),
        gi_conditions.Raster("hint", raster(folder, ground, "osm.tif", 3, 1.3, 3)),
        gi_conditions.Location("location"),
    ),
    "text2earth": lambda folder, ground: (_text(), gi_conditions.Metadata("metadata")),
    "diffusionsat_unet": lambda folder, ground: (
        _text(),
        gi_conditions.Metadata("metadata", date="2019-07-14", cloud_cover=0.1),
    ),
    "diffusionsat_controlnet": lambda folder, ground: (
        _text(),
        gi_conditions.Metadata("metadata", date="2019-07-14"),
        gi_conditions.Raster("hint", sentinel(folder, ground)),
    ),
    "diffusionsat_controlnet3d": lambda folder, ground: (
        _text(),
        gi_conditions.Metadata("metadata", date="2019-07-14"),
        gi_conditions.Frames(
            "frames",
            tuple(raster(folder, ground, f"{year}.tif", 3, 1.7, year) for year in (2016, 2017, 2018)),
            dates=("2016-03-01", "2017-04-02", "2018-05-03"),
        ),
    ),
}
"""What every system is told, by the name of its reference."""


def world(system: str, model: Path, folder: Path, place: str) -> World:
    """A world of a system at a place, in two steps where tiles meet between them, else in one."""
    ground = GROUNDS[place]()
    reference = from_pretrained(model)
    x, y = ground.grid.origin
    step = ground.grid.resolution
    made = World.for_model(
        reference,
        crs=ground.grid.crs,
        bounds=(x, y - 64 * step, x + 64 * step, y),
        resolution=step,
        conditions=CONDITIONS[system](folder, ground),
    )
    # Small tiles are cheap, and halves of them divide a turn round the Earth.
    tile = min(made.sampler.tile, SMALL)
    steps = 1 if made.sampler.preset == "independent" else 2
    sampler = replace(made.sampler, steps=steps, tile=tile, stride=tile // 2)
    return made.replace(grid=ground.grid, sampler=sampler)


SYSTEMS = tuple(name for name in CONDITIONS if (FIXTURES / name).is_dir())
