"""Runs the code of ``chips.md`` with the numbers of its figure, and makes the figure and the table.

``python docs/tutorials/chips.py`` from the root of the repository; about three minutes on two cores.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
FIGURE = HERE.parent / "images" / "tutorial-chips.jpg"
MANY = 48
"""Real chips of the row that says what more real ones would give."""


def run() -> dict:
    """Return the names of the page's code, run with the numbers of the figure."""
    text = (HERE / "chips.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    code = re.sub(r"= [\d, ]+# for the figure: ([\d, ]+)", r"= \1", code)
    names: dict = {}
    os.chdir(tempfile.mkdtemp())
    exec(compile(code, "chips.md", "exec"), names)
    many = names["among"](names["SEEN"], MANY, seed=1)
    pixels = [names["marble"].values[:, w.y0 : w.y1, w.x0 : w.x1] for w in many]
    found = [
        names["score"](names["trained"](np.stack(pixels), seed), names["test"])
        for seed in range(names["SEEDS"])
    ]
    names["scores"]["many real"] = found
    names["sets"]["many real"] = pixels
    return names


def row(names: dict, chips: np.ndarray) -> np.ndarray:
    """Return pictures side by side, above their labels."""
    pictures = np.hstack([np.moveaxis(chip, 0, -1) for chip in chips])
    labels = np.hstack([names["water"](chip) for chip in chips]).astype(np.uint8) * 255
    return np.vstack([pictures, np.repeat(labels[..., None], 3, -1)])


def main() -> None:
    """Write the figure, and print the table."""
    names = run()
    some = names["drawn"][::6][:8], names["test"][::6][:8]
    rows = np.vstack([row(names, chips) for chips in some])
    Image.fromarray(rows).resize((rows.shape[1] * 2, rows.shape[0] * 2), Image.Resampling.NEAREST).save(
        FIGURE, quality=88
    )
    for name, found in names["scores"].items():
        every = ", ".join(f"{value:.3f}" for value in found)
        print(f"| {name} | {len(names['sets'][name])} | {np.mean(found):.3f} | {every} |")


if __name__ == "__main__":
    main()
