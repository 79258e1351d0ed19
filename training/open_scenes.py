"""Scenes that public repositories and packages hold: Landsat, Sentinel-2, NAIP and drone photographs.

`open_scenes.csv` lists them. Their colours are made those of the Blue Marble by one map: the mean becomes the
Blue Marble's at the place, and `white` counts of the file, a reflectance of about 0.355, become `GAIN` times
255. So contrasts between fields, roofs and water are as the sensor saw them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from PIL import Image

from training.ground import darkest, map_colours
from training.layer import Bytes, Picture
from training.marble import HELD_OUT_BOXES, colour_at
from training.scene import Scene, all_usable

TABLE = Path(__file__).with_name("open_scenes.csv")
GAIN = 0.8
OCTAVES = {"landsat": (-1.3, 0.8), "sentinel": (-1.3, 0.9), "naip": (-1.4, 1.0), "drone": (-1.2, 0.6)}
WEIGHTS = {
    "landsat": {0: 3.0, 1: 2.0, 2: 1.0},
    "sentinel": {0: 3.0, 1: 2.0, 2: 1.0},
    "naip": {0: 4.0, 1: 1.0},
    "drone": {0: 3.0, 1: 2.0, 2: 1.0},
}
TOWNS = {
    "bishop": (-118.4, 37.36),
    "chico": (-121.8, 39.73),
    "claremont": (-117.7, 34.1),
    "eureka": (-124.16, 40.8),
    "long_beach": (-118.15, 33.8),
    "palm_springs": (-116.5, 33.8),
    "riverside": (-117.35, 33.95),
    "santa_monica": (-118.49, 34.02),
}
"""Longitude and latitude of the towns of the NAIP chips."""
CHIPS_PER_TOWN = 20
NAIP_GSD, DRONE_GSD = 0.6, 0.3
DRONE_COLOUR = (72.0, 66.0, 44.0)
"""Mean colour of the drone photographs, whose places are several: Blue Marble's dry savanna."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `open_scenes.csv`."""

    name: str
    path: str
    """Relative to the folder of the scenes."""
    source: str
    gsd_m: float
    white: float
    """Counts of the file that a reflectance of about 0.355 has, less those of black."""
    lon: float
    lat: float

    @property
    def held_out(self) -> bool:
        """Whether the place lies in a box that training never sees."""
        return any(w < self.lon < e and s < self.lat < n for w, s, e, n in HELD_OUT_BOXES)


def rows() -> list[Row]:
    """Return the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Row(r["name"], r["path"], r["source"], *(float(r[k]) for k in ("gsd_m", "white", "lon", "lat")))
            for r in csv.DictReader(file)
        ]


def scenes(folder: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return the scenes of the table whose files are in `folder`."""
    chosen = [row for row in rows() if row.held_out == held_out]
    return [_scene(row, folder / row.path, globe) for row in chosen if (folder / row.path).exists()]


def chips(folder: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return the first `CHIPS_PER_TOWN` NAIP chips of every town, all for training."""
    if held_out:
        return []
    found = []
    for town, place in TOWNS.items():
        for path in sorted((folder / "california-naip").glob(f"{town}_2020_*.png"))[:CHIPS_PER_TOWN]:
            found.append(_photograph(path, "naip", NAIP_GSD, colour_at(globe, *place)))
    return found


def drone(folder: Path, held_out: bool) -> list[Scene]:
    """Return the drone photographs, all for training."""
    if held_out:
        return []
    paths = sorted((folder / "oam-fair").glob("oam_*.png"))
    return [_photograph(path, "drone", DRONE_GSD, np.array(DRONE_COLOUR)) for path in paths]


def _scene(row: Row, path: Path, globe: Bytes) -> Scene:
    with rasterio.open(path) as dataset:
        values = dataset.read().astype(np.float64)
    valid = np.all(values != 0, axis=0) if row.path.startswith("syam") else np.ones(values.shape[1:], np.bool_)
    gain = np.full(3, GAIN * 255 / row.white)
    inside = values[:, valid]
    colours = map_colours(values, inside.mean(1), colour_at(globe, row.lon, row.lat), darkest(inside), gain)
    usable = torch.from_numpy(valid)
    area = values[0].size / 1e6
    weights = {power: weight * area**0.5 for power, weight in WEIGHTS[row.source].items()}
    pixels = torch.where(usable, colours, 0)
    return Scene(row.name, row.source, pixels, usable, None, row.gsd_m, OCTAVES[row.source], weights)


def _photograph(path: Path, source: str, gsd_m: float, target: Picture) -> Scene:
    values = np.moveaxis(np.asarray(Image.open(path).convert("RGB"), dtype=np.float64), 2, 0)
    valid = values.max(0) > 0
    inside = values[:, valid]
    colours = map_colours(values, inside.mean(1), target, darkest(inside), np.full(3, GAIN))
    usable = torch.from_numpy(valid) if valid.mean() < 0.999 else all_usable(colours)
    area = values[0].size / 65_536
    weights = {power: weight * area for power, weight in WEIGHTS[source].items()}
    return Scene(path.stem.replace("_", "-"), source, colours, usable, None, gsd_m, OCTAVES[source], weights)
