"""Draws docs/figures/presets.png: one window by every preset. Run this file by ``python``.

The model is a closed form that is asked several times: the bundled network draws in one step, and leaves
nothing to fuse between steps. It is not held to the parent (``consistency = "none"``) and tiles are small, so
that what a preset makes of tiles that disagree shows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import rasterio
from PIL import Image
from rasterio.windows import Window as RasterWindow

import geoinfinite as gi

WORLD = """
[root]
source = "alps.tif"

[grid]
levels = 2
"""
MODEL = "analytic:gaussian"
SETTINGS = {"steps": 4, "tile": 64, "consistency": "none"}
OWN = {"spotdiffusion": {"stride": 64}, "charted": {"chart": 144, "halo": 32}}
ALPS = RasterWindow(2760, 620, 96, 72)
"""A part of the bundled world's level 0, whose grid would demand that strides divide the turn."""
WINDOW = gi.Window(101, 181, 138, 258)


def main(folder: Path = Path(__file__).parent) -> dict[str, tuple[int, int]]:
    """Draw the window by every preset; return the evaluations of reading it, and of a store of the level."""
    matplotlib.use("Agg")
    with tempfile.TemporaryDirectory() as place:
        _write_root(Path(place) / "alps.tif")
        return _draw(gi.World.loads(WORLD, folder=place).replace(model=MODEL), folder / "presets.png")


def _write_root(path: Path) -> None:
    with rasterio.open(gi.World.load("earth").root.path) as earth:
        profile = {"driver": "GTiff", "crs": earth.crs, "transform": earth.window_transform(ALPS)}
        with rasterio.open(path, "w", width=96, height=72, count=3, dtype="uint8", **profile) as file:
            file.write(earth.read(window=ALPS))


def _draw(world: gi.World, path: Path) -> dict[str, tuple[int, int]]:
    costs = {}
    figure, axes = plt.subplots(2, 4, figsize=(9, 3.6), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (name, preset) in zip(axes.flat, gi.samplers.PRESETS.items(), strict=False):
        sampler = preset(**({"stride": 48} | SETTINGS | OWN.get(name, {})))
        level = world.replace(sampler=sampler).array(level=1)
        window = level[:, WINDOW.y0 : WINDOW.y1, WINDOW.x0 : WINDOW.x1]
        costs[name] = gi.plan(window).cold_evaluations, gi.plan(level).evaluations
        ax.imshow(window.transpose("y", "x", "band").values)
        ax.set_title(name, fontsize=9)
    figure.savefig(path, dpi=90)
    plt.close(figure)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
    return costs


if __name__ == "__main__":
    for name, (read, stored) in main().items():
        print(f"| `{name}` | {read} | {stored} |")
