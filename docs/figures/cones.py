"""Draws docs/figures/cones.png: the tiles behind one window. Run this file by ``python``."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

import geoinfinite as gi
from geoinfinite.engine import resolve
from geoinfinite.tiling import cone

WORLD = """
[root]
source = "generated"

[grid]
crs = "EPSG:32632"
origin = [500_000.0, 5_200_000.0]
resolution = 30.0
shape = [2000, 2000]

[model]
ref = "analytic:planet"
"""
WINDOW = gi.Window(900, 1000, 900, 1000)
PRESETS = {
    "independent": gi.samplers.IndependentTiles(stride=96),
    "infinitediffusion": gi.samplers.InfiniteDiffusion(),
    "multidiffusion": gi.samplers.MultiDiffusion(),
}
BLUE, ORANGE = "#2a6a8e", "#b5651d"


def main(folder: Path = Path(__file__).parent) -> None:
    """Draw, for three presets, the columns of the tiles that every layer needs."""
    matplotlib.use("Agg")
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
    for ax, (name, sampler) in zip(axes, PRESETS.items(), strict=True):
        world = gi.World.loads(WORLD).replace(sampler=sampler)
        needs = cone(resolve(world, 0).source.layers, WINDOW)
        for number, need in enumerate(needs):
            for column in need.columns:
                tile = need.layer.lattice.window((need.rows.start, column))
                height = 0.34 if column % 2 else 0.0
                ax.barh(number + height, tile.width - 8, left=tile.x0 + 4, height=0.3, color=BLUE, alpha=0.75)
        top = len(needs)
        ax.barh(top, WINDOW.width, left=WINDOW.x0, height=0.3, color=ORANGE)
        tiles = sum(need.tiles for need in needs)
        ax.set_title(f"{name}: {tiles} tiles in {top} layer{'s' if top > 1 else ''}", fontsize=9)
        ax.set(xlim=(450, 1450), xlabel="column")
    axes[0].set(ylim=(-0.4, 4.6), yticks=range(4), ylabel="layer: solved, then fused")
    figure.savefig(folder / "cones.png", dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
