"""Scenes that public repositories and packages hold: Landsat, Sentinel-2, NAIP and drone photographs.

`open_scenes.csv` lists them. Their colours are made those of the Blue Marble by one map: the mean becomes the
Blue Marble's at the place, and `white` counts of the file, a reflectance of about 0.355, become `GAIN` times
255. So contrasts between fields, roofs and water are as the sensor saw them.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training import scene_files
from training.ground import darkest, map_colours
from training.layer import Bytes, Picture
from training.marble import HELD_OUT_BOXES, colour_at
from training.scene import HALF_AN_OCTAVE, Scene, all_usable
from training.sources import SourceUnavailable

TABLE, TOWNS, MOSAICS = (
    Path(__file__).with_name(f"open_{name}.csv") for name in ("scenes", "towns", "drone")
)
GAIN = 0.8
WEIGHTS = {
    "landsat": {0: 3.0, 1: 2.0, 2: 1.0},
    "sentinel": {0: 3.0, 1: 2.0, 2: 1.0},
    "naip": {0: 4.0, 1: 1.0},
    "drone": {0: 3.0, 1: 2.0, 2: 1.0},
}
NAIP_GSD, DRONE_GSD = 0.6, 0.3
DRONE_COLOUR = (72.0, 66.0, 44.0)
"""Mean colour of the drone photographs, whose places are several: Blue Marble's dry savanna."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `open_scenes.csv`."""

    name: str
    source: str
    gsd_m: float
    white: str
    """Counts of the file that a reflectance of about 0.355 has, less those of black: one number, or three."""
    lon: float
    lat: float
    origin: str
    """A name of `open_sources.csv`."""
    files: str
    """One file, or three of one band each, as `training.scene_files.expanded` reads them."""
    bands: str
    """Numbers of red, green and blue in the one file; empty for three."""
    window: str
    """The columns and rows that are used; empty for all."""
    prepare: str
    """"square": degrees, resampled; "one-per-block": enlarged already; "zero-collar": zeros are missing."""
    mean: str
    """Mean counts of red, green and blue at the place; empty for those of the picture."""

    @property
    def held_out(self) -> bool:
        """Whether the place lies in a box that training never sees."""
        return any(w < self.lon < e and s < self.lat < n for w, s, e, n in HELD_OUT_BOXES)


def rows() -> list[Row]:
    """Return the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Row(**(row | {key: float(row[key]) for key in ("gsd_m", "lon", "lat")}))
            for row in csv.DictReader(file)
        ]


def scenes(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return the scenes of the table; those of an origin that cannot be had are left out, and it is named."""
    chosen = [row for row in rows() if row.held_out == held_out]
    names: dict[str, list[str]] = {}
    for row in chosen:
        names.setdefault(row.origin, []).extend(scene_files.expanded(row.files))
    had = {origin for origin in names if _fetched(origin, names[origin], cache)}
    return [_scene(row, read(row, cache), globe) for row in chosen if row.origin in had]


def chips(cache: Path, globe: Bytes, held_out: bool) -> list[Scene]:
    """Return the NAIP chips of the towns of `open_towns.csv`, all for training."""
    if held_out:
        return []
    with TOWNS.open(encoding="utf-8", newline="") as file:
        places = {
            f"{row['town']}_2020_{chip}": colour_at(globe, float(row["lon"]), float(row["lat"]))
            for row in csv.DictReader(file)
            for chip in row["chips"].split()
        }
    paths = scene_files.origins()["urban-trees"].fetch([f"images/{name}.tif" for name in places], cache)
    found = []
    for (name, target), path in zip(places.items(), paths, strict=True):
        values, _ = scene_files.read_bands([path], [1, 2, 3])
        found.append(_photograph(name.replace("_", "-"), "naip", NAIP_GSD, values, target))
    return found


def drone(cache: Path, held_out: bool) -> list[Scene]:
    """Return the drone mosaics of `open_drone.csv`, all for training."""
    if held_out:
        return []
    with MOSAICS.open(encoding="utf-8", newline="") as file:
        mosaics = {row["name"]: _tiles(row) for row in csv.DictReader(file)}
    every = [name for tiles in mosaics.values() for row in tiles for name in row]
    paths = dict(zip(every, scene_files.origins()["fair-utilities"].fetch(every, cache), strict=True))
    found = []
    for name, tiles in mosaics.items():
        values = scene_files.mosaic([[paths[tile] for tile in row] for row in tiles])
        found.append(_photograph(name, "drone", DRONE_GSD, values, np.array(DRONE_COLOUR)))
    return found


def read(row: Row, cache: Path) -> Picture:
    """Return the counts (3, H, W) of a scene, red first."""
    paths = scene_files.origins()[row.origin].fetch(scene_files.expanded(row.files), cache)
    values, affine = scene_files.read_bands(paths, [int(band) for band in row.bands.split()])
    values = scene_files.cut(values, row.window)
    if row.prepare == "square":
        return scene_files.squared(values, affine)
    return scene_files.one_per_block(values) if row.prepare == "one-per-block" else values


def _fetched(origin: str, names: list[str], cache: Path) -> bool:
    try:
        scene_files.origins()[origin].fetch(names, cache)
    except SourceUnavailable as error:
        print(f"training images: {origin} is left out: {error}", file=sys.stderr)
        return False
    return True


def _tiles(row: dict[str, str]) -> list[list[str]]:
    """Return the names of the map tiles of a mosaic, row by row."""
    x, y, columns, rows = (int(row[key]) for key in ("x", "y", "columns", "rows"))
    name = f"ramp-data/TRAIN/HOTOSM/2/data/{row['folder']}/OAM-{{}}-{{}}-19.png"
    return [[name.format(x + i, y + j) for i in range(columns)] for j in range(rows)]


def _scene(row: Row, values: Picture, globe: Bytes) -> Scene:
    valid = np.all(values != 0, axis=0) | (row.prepare != "zero-collar")
    gain = np.full(3, GAIN * 255) / [float(counts) for counts in row.white.split()]
    inside = values[:, valid]
    mean = np.array(row.mean.split(), dtype=np.float64) if row.mean else inside.mean(1)
    # A told mean may be darker than all of a bright picture, which then has nothing to clip.
    dark = np.minimum(darkest(inside), mean - 1)
    colours = map_colours(values, mean, colour_at(globe, row.lon, row.lat), dark, gain)
    usable = torch.from_numpy(valid)
    area = values[0].size / 1e6
    weights = {power: weight * area**0.5 for power, weight in WEIGHTS[row.source].items()}
    pixels = torch.where(usable, colours, 0)
    return Scene(row.name, row.source, pixels, usable, None, row.gsd_m, HALF_AN_OCTAVE, weights)


def _photograph(name: str, source: str, gsd_m: float, values: Picture, target: Picture) -> Scene:
    valid = values.max(0) > 0
    inside = values[:, valid]
    colours = map_colours(values, inside.mean(1), target, darkest(inside), np.full(3, GAIN))
    usable = torch.from_numpy(valid) if valid.mean() < 0.999 else all_usable(colours)
    area = values[0].size / 65_536
    weights = {power: weight * area for power, weight in WEIGHTS[source].items()}
    return Scene(name, source, colours, usable, None, gsd_m, HALF_AN_OCTAVE, weights)
