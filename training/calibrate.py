"""Fit a network's gains to training places: `python -m training.calibrate --network DIR --pack PACK`.

Of every layer of the pack some crops are drawn from their real parents, without augmentation. The square of a
gain is the real mean square over the drawn, of one part of detail (`models.earth.calibration.parts`), at a
resolution and a contrast of the parent. The parts are not quite apart, so they are measured again with their
gains. DIR's weights are written anew with the gains; what the network had before is multiplied.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoinfinite.models.earth.calibration import CONTRASTS, FINEST, LOWEST, PER_OCTAVE, RESOLUTIONS, parts
from geoinfinite.models.earth.detail import LOG_UNIT, DetailNetwork
from geoinfinite.models.earth.network import SIDECAR
from training import export, pack
from training.crops import Crops
from training.detail import detail_of, draw, given, seeded
from training.held_out import SIDE, SMALLEST_SIDE, read_network
from training.learner import SETTINGS
from training.places import corners
from training.scene import Scene

AT_ONCE = 4
REACH = 0.75
"""Octaves from a node of resolution beyond which a layer does not count."""
PER_HALVING = 4.0
"""How much less a layer counts for every octave to which it was averaged: pixels of a camera are softer."""
LEAST_POWER = {"brightness": 0.02, "colour": 0.01, "stray": 0.005}
"""By part, in units of detail: added to both mean squares, so that flat water counts little."""
PARTS_OF_GLOBE = 2, 3
"""From north to south, from west to east: the whole Earth is many places, and each part counts as a layer."""
LEAST_LAYERS = 2.0
"""Layers, as many as count, below which nothing is known of how far they differ."""
SEED = 21
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Powers:
    """Of a layer, by contrast of the parent (contrast,): how much of a part is real, how much drawn."""

    part: str
    """A key of `LEAST_POWER`."""
    gsd_m: float
    halvings: int
    """Octaves to which the scene's own pixels were averaged."""
    share: Numbers
    """Share of the pixels, 1 in all."""
    real: Numbers
    """Mean square in units of detail, times that share."""
    drawn: Numbers


def layer_powers(network: DetailNetwork, scenes: list[Scene], crops: int) -> Iterator[Powers]:
    """Yield the powers, part by part, of all layers of the scenes that are large enough."""
    for number, scene in enumerate(scenes):
        for place in _places(scene):
            for halvings in scene.weights:
                one = replace(place, weights={halvings: 1.0})
                source = Crops([one], SETTINGS, seeded(SEED + number), plain=True)
                for layer in source.layers:
                    if bool(corners(layer.usable, SMALLEST_SIDE).any()):
                        yield from _powers(network, source, layer.gsd_m, halvings, crops)


def _places(scene: Scene) -> Iterator[Scene]:
    """Yield a scene; the globe as many times, with one of its parts usable."""
    if not scene.plate_carree:
        yield scene
        return
    for rows, columns in itertools.product(*map(_parts, scene.usable.shape, PARTS_OF_GLOBE)):
        part = torch.zeros_like(scene.usable)
        part[rows, columns] = True
        yield replace(scene, usable=scene.usable & part)


def _parts(length: int, count: int) -> list[slice]:
    bounds = [number * length // count for number in range(count + 1)]
    return [slice(*pair) for pair in itertools.pairwise(bounds)]


@torch.no_grad()
def _powers(
    network: DetailNetwork, source: Crops, gsd_m: float, halvings: int, crops: int
) -> Iterator[Powers]:
    sums = dict.fromkeys(LEAST_POWER, torch.zeros(3, CONTRASTS, dtype=torch.float64))
    for _ in range(0, crops, AT_ONCE):
        batch = source.batch(AT_ONCE, SIDE)
        seen = given(batch, SETTINGS)
        noise = torch.randn(batch.child.shape, generator=source.generator)
        children = batch.child, draw(network, seen, noise)
        details = [detail_of(child, seen, SETTINGS.factor) for child in children]
        near = _nearness(seen.features[:, LOG_UNIT])
        pairs = zip(*(parts(detail, seen.condition.stray) for detail in details), strict=True)
        for name, pair in zip(LEAST_POWER, pairs, strict=True):
            squares = [torch.ones_like(near[:, :1]), *(part.square().sum(1, True) for part in pair)]
            sums[name] = sums[name] + torch.stack([(near * square).sum((0, 2, 3)) for square in squares])
    for name, found in sums.items():
        share, real, drawn = (found / found[0].sum()).numpy()
        yield Powers(name, gsd_m, halvings, share, real, drawn)


def _nearness(log_unit: Tensor) -> Tensor:
    """Return how near values (B, 1, T, T) are to every node of contrast, (B, contrast, T, T), 1 in all."""
    nodes = torch.arange(CONTRASTS)[:, None, None]
    place = (log_unit - LOWEST).clamp(0, CONTRASTS - 1)
    return (1 - (place - nodes).abs()).clamp(min=0)


def fitted(found: list[Powers]) -> Tensor:
    """Return the gains (resolution, contrast) that layers ask for, of one part.

    Every layer near a resolution counts the same, but for its halvings. Gains are the mean of theirs, by
    factors, shrunk towards 1 by as much as may be due to chance: positive-part shrinkage, James and Stein
    1961. So a resolution that few scenes show, or scenes that disagree, stays as it was taught.
    """
    octaves = np.log2([one.gsd_m for one in found])
    native = PER_HALVING ** -np.array([float(one.halvings) for one in found])
    share, real, drawn = (
        np.stack([getattr(one, name) for one in found]) for name in ("share", "real", "drawn")
    )
    # Where a layer has no pixel it asks nothing, and its weight is 0.
    least = LEAST_POWER[found[0].part] * np.where(share > 0, share, 1)
    asked = np.log((real + least) / (drawn + least))
    gains = np.ones((RESOLUTIONS, CONTRASTS))
    for number in range(RESOLUTIONS):
        away = np.abs(octaves - FINEST - number / PER_OCTAVE)
        weights = (native * np.maximum(0, 1 - away / REACH))[:, None] * share
        gains[number] = np.exp(_shrunk_mean(asked, weights) / 2)
    return torch.from_numpy(gains).float()


def _shrunk_mean(values: Numbers, weights: Numbers) -> Numbers:
    """Return the weighted mean over layers of (layer, contrast), as far as it is no chance."""
    total, layers = weights.sum(0), _as_many(weights)
    portion = weights / np.maximum(total, 1e-12)
    mean = (portion * values).sum(0)
    error = (portion * np.square(values - mean)).sum(0) / np.maximum(layers - 1, 1e-12)
    sure = np.maximum(0, 1 - error / np.maximum(np.square(mean), 1e-12))
    shrunk: Numbers = mean * sure * (layers >= LEAST_LAYERS)
    return shrunk


def _as_many(weights: Numbers) -> Numbers:
    """Return as how many layers of one weight those of unequal weights count (Kish 1965)."""
    number: Numbers = np.square(weights.sum(0)) / np.maximum(np.square(weights).sum(0), 1e-12)
    return number


def calibrate(network: DetailNetwork, scenes: list[Scene], crops: int) -> dict[str, Tensor]:
    """Multiply a network's gains by those that scenes ask for, and return these by part."""
    found = list(layer_powers(network, scenes, crops))
    factors = {part: fitted([one for one in found if one.part == part]) for part in LEAST_POWER}
    own = network.calibration
    for gains, factor in zip((own.gains, own.colour_gains, own.stray_gains), factors.values(), strict=True):
        gains *= factor
    return factors


def main() -> None:
    """Read the command line, print the gains and write the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="folder of the network, written anew")
    parser.add_argument("--pack", type=Path, required=True, help="folder that `training.imagery` wrote")
    parser.add_argument("--crops", type=int, default=8, help="crops of a layer")
    parser.add_argument("--rounds", type=int, default=2, help="how often the parts are measured")
    arguments = parser.parse_args()
    network = read_network(arguments.network)
    scenes = pack.read(arguments.pack)
    for turn in range(1, arguments.rounds + 1):
        factors = calibrate(network, scenes, arguments.crops)
        for number in range(RESOLUTIONS):
            about = {"round": turn, "gsd_m": round(2 ** (FINEST + number / PER_OCTAVE), 2)}
            rows = {part: [round(x, 3) for x in factor[number].tolist()] for part, factor in factors.items()}
            print(json.dumps(about | rows))
    step = json.loads((arguments.network / SIDECAR).read_text(encoding="utf-8"))["step"]
    export.write(arguments.network, network, SETTINGS, step)


if __name__ == "__main__":
    main()
