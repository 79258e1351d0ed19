"""Look at a network and measure it: `python -m training.evaluate --network DIR --out DIR`.

Writes contact sheets (parent | bicubic | drawn | truth) of held-out places, cascades of chosen
places, and `figures.json`: open-ocean detail drawn and real, residual RMS, sharpness, and the
error and sharpness of step grids.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from geoinfinite.models.earth.network import EarthNetwork, condition, load, residual
from training import imagery
from training.crops import Batch, Crops
from training.imagery import Layer
from training.sampling import cascade, centre, draw, times

PLACES = {
    "alps": (7.3, 46.0),
    "amazon": (-60.0, -3.2),
    "sahara": (8.0, 24.0),
    "norway": (6.0, 61.0),
    "ganges": (89.5, 22.5),
    "greenland": (-51.0, 70.0),
    "ocean": (-150.0, -30.0),
    "queensland": (146.0, -19.0),
}
OCEAN = {"pacific": (-150.0, -30.0), "atlantic": (-30.0, 0.0), "indian": (80.0, -30.0)}
HIGH_PASS = 5


def sheet(network: EarthNetwork, batch: Batch, grid: list[float], seed: int) -> Image.Image:
    """Return rows of parent (enlarged by repetition), bicubic, drawn and true tiles."""
    generator = Generator().manual_seed(seed)
    noise = torch.randn(batch.child.shape, generator=generator)
    drawn = draw(network, batch.parent, batch.gsd_m, grid, noise)
    base = condition(batch.parent, network.settings).base
    tile = batch.child.shape[-1]
    coarse = centre(batch.parent, tile // network.settings.factor)
    repeated = F.interpolate(coarse, scale_factor=network.settings.factor, mode="nearest")
    columns = torch.cat([repeated, base, drawn, batch.child], dim=3)
    half = len(columns) // 2
    return picture(torch.cat([row(columns[:half]), row(columns[half:])], dim=2))


def row(images: Tensor) -> Tensor:
    """Stack a batch downwards: (B, 3, H, W) to (3, B H, W)."""
    return torch.cat(list(images), dim=1)


def picture(image: Tensor) -> Image.Image:
    """Turn (3, H, W) in [-1, 1] into an 8-bit picture."""
    pixels = ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))


def root_around(marble: Tensor, place: tuple[float, float], side: int) -> Tensor:
    """Cut (1, 3, side, side) of level 0, in [-1, 1], around (longitude, latitude)."""
    x, y = int((place[0] + 180) * 15), int((90 - place[1]) * 15)
    window = marble[:, y - side // 2 : y + side // 2, x - side // 2 : x + side // 2]
    return window[None].float() / 127.5 - 1


def cascades(
    network: EarthNetwork, marble: Tensor, names: Sequence[str], grid: list[float]
) -> tuple[Image.Image, dict[str, list[float]]]:
    """Return one row of pictures per place, level 0 and six drawn levels, and their detail.

    The levels run from 7.4 km to 1.8 m; the detail is the spread of `detail_spread`.
    """
    rows, spreads = [], {}
    for name in names:
        root = root_around(marble, PLACES[name], 60)
        levels = cascade(network, root, (128, 192, 192, 192, 192, 192), grid, 7)
        panels = [centre(root, 48), centre(levels[0], 96), *levels[1:]]
        wide = [F.interpolate(p, size=(192, 192), mode="nearest")[0] for p in panels]
        rows.append(torch.cat(wide, dim=2))
        spreads[name] = [detail_spread(level) for level in [root, *levels]]
    return picture(torch.cat(rows, dim=1)), spreads


def real_detail(layers: list[Layer], network: EarthNetwork) -> dict[str, float]:
    """Return the spread of detail in real held-out crops per source, for comparison."""
    return {
        source: detail_spread(held_out_batch(layers, network, source, 32).child)
        for source in imagery.present(layers)
    }


def ocean(network: EarthNetwork, marble: Tensor, grid: list[float]) -> dict[str, dict[str, float]]:
    """Return the spread of detail in open ocean, of 255, drawn at level 1 and real at level 0."""
    found = {}
    for name, place in OCEAN.items():
        root = root_around(marble, place, 60)
        level = cascade(network, root, (96,), grid, 3)[0]
        found[name] = {"drawn": detail_spread(level), "real": detail_spread(root)}
    return found


def detail_spread(images: Tensor) -> float:
    """Return the standard deviation, of 255, of an image less its 5 x 5 mean."""
    cut = HIGH_PASS // 2
    smooth = F.avg_pool2d(images, HIGH_PASS, stride=1)
    return round(float((images[..., cut:-cut, cut:-cut] - smooth).std()) * 127.5, 3)


def grids(network: EarthNetwork, batch: Batch) -> dict[str, dict[str, float]]:
    """Compare step grids: distance to 64 steps from the same noise, and spread of the residual."""
    noise = torch.randn(batch.child.shape, generator=Generator().manual_seed(5))
    given = condition(batch.parent, network.settings)

    def drawn(grid: list[float], order: int = 2) -> Tensor:
        return residual(draw(network, batch.parent, batch.gsd_m, grid, noise, order), given)

    truth, limit = residual(batch.child, given).clamp(-6, 6), drawn(times(64, 2.0))
    found = {"truth": _texture(truth, limit), "64 steps": _texture(limit, limit)}
    for order, name in ((1, "euler"), (2, "adams-bashforth")):
        for steps in (8, 6, 4):
            for shift in (1.0, 2.0, 3.0):
                key = f"{name}, {steps} steps, shift {shift}"
                found[key] = _texture(drawn(times(steps, shift), order), limit)
    return found


def _texture(r: Tensor, limit: Tensor) -> dict[str, float]:
    slope = (r[..., 1:] - r[..., :-1]).square().mean().sqrt()
    return {
        "distance": round(float((r - limit).square().mean().sqrt()), 4),
        "rms": round(float(r.square().mean().sqrt()), 4),
        "slope": round(float(slope), 4),
        "kurtosis": round(float((r**4).mean() / r.square().mean() ** 2), 2),
    }


def held_out_batch(layers: list[Layer], network: EarthNetwork, source: str, size: int) -> Batch:
    """Return clean crops of one source's held-out places, 64 px."""
    chosen = [layer for layer in layers if layer.source == source]
    crops = Crops(chosen, network.settings, Generator().manual_seed(11), layers[0])
    return crops.batch(size, 64, clean=True)


def main() -> None:
    """Read the command line, write pictures and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="directory of the network")
    parser.add_argument("--out", type=Path, required=True, help="directory for the results")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="downloads")
    parser.add_argument("--steps", type=int, default=4, help="steps of the pictures")
    parser.add_argument("--shift", type=float, default=3.0, help="shift of the pictures' times")
    parser.add_argument("--places", nargs="*", choices=PLACES, default=list(PLACES))
    parser.add_argument("--grids", action="store_true", help="also compare step grids (slow)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    network, grid = load(arguments.network), times(arguments.steps, arguments.shift)
    held_out = imagery.layers(arguments.cache, held_out=True)
    marble = held_out[0].pixels
    figures: dict[str, object] = {}
    for source in imagery.present(held_out):
        batch = held_out_batch(held_out, network, source, 16)
        sheet(network, batch, grid, 1).save(arguments.out / f"sheet-{source}.png")
        given = condition(batch.parent, network.settings)
        rms = float(residual(batch.child, given).square().mean().sqrt())
        figures[source] = {"residual rms": round(rms, 4)}
        if arguments.grids:
            figures[source] = grids(network, held_out_batch(held_out, network, source, 8))
    pictures, figures["cascade detail"] = cascades(network, marble, arguments.places, grid)
    pictures.save(arguments.out / "cascades.png")
    figures["real detail"] = real_detail(held_out, network)
    figures["ocean"] = ocean(network, marble, grid)
    text = json.dumps(figures, indent=2)
    (arguments.out / "figures.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
