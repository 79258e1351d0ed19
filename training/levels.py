"""Figures by resolution: drawn beside real, on held-out crops of every source that has the resolution.

`python -m training.levels --network DIR` prints, per group of layers: the sliced Wasserstein distance
of drawn crops and of other real crops as shares of the bicubic enlargement's, the power by octave over
the real one's, and detail and spectral slope of both. Parents are real, so this measures one level at a time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from geoinfinite import evaluation
from geoinfinite.models.earth.network import EarthNetwork, condition, load
from geoinfinite.plane.resample import project_mean
from training import imagery
from training.crops import Batch, Crops
from training.imagery import Layer
from training.sampling import centre, draw, times

GROUPS = {
    "7.4 km Blue Marble": ("blue-marble", 7000, 8000),
    "1.9 km Blue Marble": ("blue-marble-fine", 1500, 2600),
    "0.5 km Blue Marble": ("blue-marble-fine", 400, 700),
    "120 m Landsat": ("landsat", 100, 250),
    "30 m Landsat": ("landsat", 25, 40),
    "5-10 m NAIP, Sentinel-2": ("fields", 4, 11),
    "0.1-0.4 m NEON": ("neon", 0.05, 0.5),
}
SIDE, CROPS = 128, 12


def crops(layers: list[Layer], marble: Layer, network: EarthNetwork, seed: int) -> Batch:
    """Return clean crops with the labels of their own resolution."""
    plain = [Layer(x.source, x.pixels, x.usable, x.land, x.gsd_m, (0.0, 0.0), x.weight) for x in layers]
    source = Crops(plain, network.settings, Generator().manual_seed(seed), marble, plain=True)
    return source.batch(CROPS, SIDE, clean=True)


def drawn(network: EarthNetwork, batch: Batch, grid: list[float], seed: int) -> NDArray[np.float64]:
    """Return drawn crops, of 255, with their parents' means, as the library makes them."""
    noise = torch.randn(batch.child.shape, generator=Generator().manual_seed(seed))
    image = torch.cat(
        [
            draw(network, batch.parent[i : i + 1], batch.gsd_m[i : i + 1], grid, noise[i : i + 1])
            for i in range(len(noise))
        ]
    )
    inner = centre(batch.parent, SIDE // network.settings.factor)
    return counts(torch.from_numpy(project_mean(image.numpy(), inner.numpy(), network.settings.factor)))


def counts(images: Tensor) -> NDArray[np.float64]:
    """Return images in [-1, 1] as counts of 255, rounded."""
    return np.asarray(((images + 1) * 127.5).round().clamp(0, 255).double().numpy())


def figures(
    network: EarthNetwork, layers: list[Layer], marble: Layer, grid: list[float]
) -> dict[str, object]:
    """Return the figures of one group of layers."""
    batch = crops(layers, marble, network, 1)
    real, other = counts(batch.child), counts(crops(layers, marble, network, 2).child)
    smooth = counts(condition(batch.parent, network.settings).base)
    ours = drawn(network, batch, grid, 3)
    bicubic = np.mean(evaluation.sliced_wasserstein(smooth, real))
    return {
        "swd": _share(ours, real, bicubic),
        "floor": _share(other, real, bicubic),
        "octaves": [round(x, 2) for x in evaluation.octave_ratios(ours, real)],
        "detail": [round(evaluation.detail_spread(x), 2) for x in (ours, real)],
        "slope": [round(evaluation.spectral_slope(x), 2) for x in (ours, real)],
    }


def _share(images: NDArray[np.float64], real: NDArray[np.float64], bicubic: float) -> float:
    return round(float(np.mean(evaluation.sliced_wasserstein(images, real)) / bicubic), 3)


def main() -> None:
    """Read the command line and print a line of JSON per group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="directory of the network")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    parser.add_argument("--steps", type=int, default=4, help="steps of a solve")
    parser.add_argument("--shift", type=float, default=3.0, help="shift of the times")
    arguments = parser.parse_args()
    network, grid = load(arguments.network), times(arguments.steps, arguments.shift)
    held_out = imagery.layers(arguments.cache, held_out=True)
    for name, (source, least, most) in GROUPS.items():
        chosen = [x for x in held_out if x.source == source and least <= x.gsd_m <= most]
        if chosen:
            found = figures(network, chosen, held_out[0], grid)
            print(json.dumps({"group": name, **found}), flush=True)


if __name__ == "__main__":
    main()
