"""Draws docs/figures/cascade.png: a level and its parent. Run this file by ``python``."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import geoinfinite as gi

BOUNDS = 6.4, 45.8, 8.0, 46.8


def main(folder: Path = Path(__file__).parent, world: str = "earth") -> None:
    """Draw level 0 of a place, level 1, level 1 averaged over blocks, and the difference to level 0."""
    matplotlib.use("Agg")
    drawn = gi.World.load(world)
    parent = drawn.array(level=0, bounds=BOUNDS).compute()
    child = drawn.array(level=1, bounds=BOUNDS).compute()
    mean = child.coarsen(y=4, x=4).mean()
    panels = {
        "level 0: the input": parent,
        "level 1: drawn": child,
        "level 1, mean of 4 x 4": mean.round(),
        f"difference: {int(abs(mean - parent).max())}": abs(mean - parent),
    }
    figure, axes = plt.subplots(1, 4, figsize=(9, 1.75), layout="constrained")
    for ax, (title, pixels) in zip(axes, panels.items(), strict=True):
        ax.imshow(pixels.transpose("y", "x", "band").values.astype(np.uint8), interpolation="nearest")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    figure.savefig(folder / "cascade.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
