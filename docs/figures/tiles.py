"""Draws docs/figures/tiles.png: tiles, their overlap and weights. Run this file by ``python``."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import geoinfinite as gi
from geoinfinite.tiling import Lattice, axis_weights

TILE, STRIDE = 128, 96
WINDOW = gi.Window(60, 190, 110, 330)
OUTSIDE, INSIDE, EDGE = "#c9d3d8", "#2a6a8e", "#b5651d"


def main(folder: Path = Path(__file__).parent) -> None:
    """Draw the tiles that a window needs, and how their weights along a row add up to one."""
    matplotlib.use("Agg")
    figure, (plan, profile) = plt.subplots(
        2, 1, figsize=(7.2, 5.2), layout="constrained", height_ratios=(2.3, 1)
    )
    needed = dict(_tiles(WINDOW))
    for index, window in _tiles(gi.Window(0, 290, 0, 450)):
        colour = INSIDE if index in needed else OUTSIDE
        shape = (window.x0 + 1, window.y0 + 1), window.width - 2, window.height - 2
        plan.add_patch(plt.Rectangle(*shape, facecolor=colour, alpha=0.22, edgecolor=colour, linewidth=1.2))
    frame = (WINDOW.x0, WINDOW.y0), WINDOW.width, WINDOW.height
    plan.add_patch(plt.Rectangle(*frame, fill=False, edgecolor=EDGE, linewidth=2.5))
    plan.set(xlim=(-60, 480), ylim=(260, -60), ylabel="row")
    plan.set_title(f"a window (frame) and the {len(needed)} tiles that it needs", fontsize=10)
    _weights(profile)
    figure.savefig(folder / "tiles.png", dpi=100)
    plt.close(figure)


def _tiles(window: gi.Window) -> list[tuple[tuple[int, int], gi.Window]]:
    lattice = Lattice(TILE, STRIDE)
    return [(index, lattice.window(index)) for index in lattice.touching(window)]


def _weights(ax: plt.Axes) -> None:
    total = np.zeros(480)
    values = axis_weights(TILE, STRIDE, "hann")
    for start in range(-96, 480, STRIDE):
        columns = np.arange(start, start + TILE)
        ax.plot(columns, values, color=INSIDE, linewidth=1.2)
        inside = (columns >= 0) & (columns < 480)
        total[columns[inside]] += values[inside]
    ax.plot(np.arange(480), total, color=EDGE, linewidth=2)
    ax.set(xlim=(-60, 480), ylim=(0, 1.15), xlabel="column", ylabel="weight")
    ax.set_title("the weights of the tiles of one row (blue), and their sum", fontsize=10)


if __name__ == "__main__":
    main()
