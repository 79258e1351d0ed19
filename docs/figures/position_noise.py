"""Draws docs/figures/position_noise.png: noise of two windows. Run this file by ``python``."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import geoinfinite as gi

WIDE, NARROW = gi.Window(0, 24, 0, 40), gi.Window(8, 20, 15, 35)
CREAM, BLUE = "#f6f1e7", "#12405c"


def main(folder: Path = Path(__file__).parent) -> None:
    """Draw one world's noise in two windows, above what a generator with one seed gives for both."""
    matplotlib.use("Agg")
    field = gi.World.load("analytic").noise(level=1, channels=1)
    rows = {
        "a function of position": [field(window)[0] for window in (WIDE, NARROW)],
        "a generator, seed 7": [
            np.random.default_rng(7).standard_normal(window.shape)  # noqa: TID251
            for window in (WIDE, NARROW)
        ],
    }
    figure, axes = plt.subplots(2, 2, figsize=(7.2, 4.4), layout="constrained", width_ratios=(2, 1))
    for pair, (name, fields) in zip(axes, rows.items(), strict=True):
        for ax, values, window in zip(pair, fields, (WIDE, NARROW), strict=True):
            extent = (window.x0, window.x1, window.y1, window.y0)
            ax.imshow(values, cmap="cividis", vmin=-2.5, vmax=2.5, extent=extent)
            ax.set_xticks([])
            ax.set_yticks([])
        pair[0].set_ylabel(name, fontsize=9)
        corner = (NARROW.x0, NARROW.y0), NARROW.width, NARROW.height
        pair[0].add_patch(plt.Rectangle(*corner, fill=False, edgecolor="white", linewidth=2))
    axes[0, 0].set_title("a window of 24 x 40 pixels", fontsize=9)
    axes[0, 1].set_title("the part in the frame, alone", fontsize=9)
    figure.savefig(folder / "position_noise.png", dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
