"""Figures by resolution: drawn beside real, on held-out crops of every source that has the resolution.

`python -m training.levels --network DIR --pack HELD_OUT` prints, per group of layers, a line of JSON: the sliced
Wasserstein distance of drawn crops and of other real crops as shares of the bicubic enlargement's, the power by
octave over the real one's, detail and spectral slope of both; and the detail over the real one's where the
parent was drawn too, as in a cascade. `--sheet FILE` writes what was measured: parent, drawn and real.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from geoinfinite import evaluation
from geoinfinite.models.earth.detail import DetailNetwork, load
from geoinfinite.models.earth.detail_files import read_shape
from geoinfinite.models.earth.network import EarthSettings, condition
from geoinfinite.models.earth.settings import read_settings
from geoinfinite.plane.resample import project_mean
from training import pack
from training.crops import Batch, Crops, centre
from training.detail import draw, seeded, with_drawn_parents
from training.scene import Scene

GROUPS = {
    "7.4 km Blue Marble": ("blue-marble", 7000, 8000),
    "1.9 km Blue Marble": ("blue-marble-fine", 1500, 2600),
    "0.5 km Blue Marble": ("blue-marble-fine", 400, 700),
    "120 m Landsat": ("landsat", 100, 250),
    "30 m Landsat": ("landsat", 25, 40),
    "10 m Sentinel-2": ("sentinel", 8, 12),
    "5 m NAIP": ("fields", 4, 6),
    "0.1-0.4 m NEON": ("neon", 0.05, 0.5),
}
SIDE, CROPS, SHOWN = 128, 12, 6


def group(scenes: list[Scene], settings: EarthSettings, name: str, seed: int) -> Crops:
    """Return plain crops of one group, each with the label of its own resolution; raise ValueError for none."""
    source, least, most = GROUPS[name]
    crops = Crops(scenes, settings, seeded(seed), plain=True)
    crops.layers = [x for x in crops.layers if x.source == source and least <= x.gsd_m <= most]
    if not crops.layers:
        raise ValueError(f"no held-out layer of {name}")
    return crops


def drawn(network: DetailNetwork, settings: EarthSettings, batch: Batch, seed: int) -> NDArray[np.float64]:
    """Return drawn crops, of 255, with their parents' means, as the library makes them."""
    noise = torch.randn(batch.child.shape, generator=seeded(seed))
    parts = (batch.part(i) for i in range(len(noise)))
    image = torch.cat([draw(network, part, settings, noise[i : i + 1]) for i, part in enumerate(parts)])
    inner = centre(batch.parent, SIDE // settings.factor)
    return counts(torch.from_numpy(project_mean(image.numpy(), inner.numpy(), settings.factor)))


def counts(images: Tensor) -> NDArray[np.float64]:
    """Return images in [-1, 1] as counts of 255, rounded."""
    return np.asarray(((images + 1) * 127.5).round().clamp(0, 255).double().numpy())


def figures(network: DetailNetwork, settings: EarthSettings, scenes: list[Scene], name: str) -> Iterator[object]:
    """Yield the figures of one group, then its sheet (H, W, 3)."""
    batch = group(scenes, settings, name, 1).batch(CROPS, SIDE)
    real, other = (counts(b.child) for b in (batch, group(scenes, settings, name, 2).batch(CROPS, SIDE)))
    smooth, ours = counts(condition(batch.parent, settings).base), drawn(network, settings, batch, 3)
    bicubic = np.mean(evaluation.sliced_wasserstein(smooth, real))
    yield {
        "swd": _share(ours, real, bicubic),
        "floor": _share(other, real, bicubic),
        "octaves": [round(x, 2) for x in evaluation.octave_ratios(ours, real)],
        "detail": [round(evaluation.detail_spread(x), 2) for x in (ours, real)],
        "slope": [round(evaluation.spectral_slope(x), 2) for x in (ours, real)],
        "detail from drawn parents": _from_drawn_parents(network, settings, scenes, name),
    }
    enlarged = F.interpolate(centre(batch.parent, SIDE // settings.factor), scale_factor=settings.factor)
    rows = [np.concatenate(list(images[:SHOWN]), 2) for images in (counts(enlarged), ours, real)]
    yield np.concatenate(rows, 1).astype(np.uint8).transpose(1, 2, 0)


def _from_drawn_parents(
    network: DetailNetwork, settings: EarthSettings, scenes: list[Scene], name: str
) -> float | None:
    """Return detail drawn from drawn parents over the real; ``None`` where crops are too small for it."""
    crops = group(scenes, settings, name, 4)
    try:
        batch = with_drawn_parents(network, crops, CROPS, SIDE, torch.device("cpu"), half=False)
    except RuntimeError:
        return None
    ours = drawn(network, settings, batch, 5)
    real = group(scenes, settings, name, 4).batch(4 * CROPS, SIDE)
    return round(evaluation.detail_spread(ours) / evaluation.detail_spread(counts(real.child)), 2)


def _share(images: NDArray[np.float64], real: NDArray[np.float64], bicubic: float) -> float:
    return round(float(np.mean(evaluation.sliced_wasserstein(images, real)) / bicubic), 3)


def main() -> None:
    """Read the command line and print a line of JSON per group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="folder of the network")
    parser.add_argument("--pack", type=Path, required=True, help="pack of held-out places")
    parser.add_argument("--sheet", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    settings = read_settings(arguments.network)
    network = load(arguments.network, read_shape(arguments.network, settings))
    scenes, sheets = pack.read(arguments.pack), []
    for name in GROUPS:
        found, sheet = figures(network, settings, scenes, name)
        print(json.dumps({"group": name, **found}), flush=True)
        sheets.append(sheet)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate(sheets)).save(arguments.sheet)


if __name__ == "__main__":
    main()
