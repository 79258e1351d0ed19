"""Figures by resolution: drawn beside real, on held-out crops of every source that has the resolution.

`python -m training.levels --network DIR --pack HELD` prints a line of JSON per group and network: the sliced
Wasserstein distance as a share of that of the bicubic enlargement, the power by octave over the real one's,
detail and spectral slope beside the real ones. `floor` is another draw of real crops. The line of the network
also says how much detail it draws, over the real, where the parent is drawn too, as in a cascade. `--also
NAME=DIR` measures another network's drawings, as in `training.judged`; `--sheet FILE` writes what was
measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from geoinfinite import evaluation
from geoinfinite.models.earth.detail import DetailNetwork
from training import pack
from training.batch import Batch, centre
from training.detail import DRAWN_BELOW, lineage, region_side, seeded, with_drawn_parents
from training.held_out import GROUPS, SIDE, Group, HeldOut, counts, drawn, read_network
from training.judged import SEED_A, SEED_B, SEED_NOISE, pictures
from training.scene import Scene

SHOWN = 6
Images = NDArray[np.uint8]


def figures(images: Images, real: Images, bicubic: Images) -> dict[str, Any]:
    """Return the figures of pictures (crop, 3, y, x) beside the real ones, from the same parents."""
    share = np.mean(evaluation.sliced_wasserstein(images, real))
    share /= np.mean(evaluation.sliced_wasserstein(bicubic, real))
    return {
        "swd": round(float(share), 3),
        "octaves": [round(x, 2) for x in evaluation.octave_ratios(images, real)],
        "detail": [round(evaluation.detail_spread(x), 2) for x in (images, real)],
        "slope": [round(evaluation.spectral_slope(x), 2) for x in (images, real)],
    }


def from_drawn_parents(network: DetailNetwork, source: HeldOut, count: int) -> float | None:
    """Return detail drawn from drawn parents over the real; ``None`` where no crop is large enough for it."""
    settings = source.crops.settings
    try:
        region = source.crops.region(count, region_side(SIDE, settings, 1), DRAWN_BELOW)
    except RuntimeError:
        return None
    both = lineage(region, SIDE, settings)
    batch = with_drawn_parents(network, both, settings, seeded(SEED_NOISE))
    ours, real = (
        evaluation.detail_spread(counts(x)) for x in (drawn(network, batch, SEED_NOISE), batch.child)
    )
    return round(ours / real, 2)


def sheet(batch: Batch, shown: list[Images]) -> Images:
    """Return rows of pictures (H, W, 3): parents, then every kind that is shown."""
    parents = F.interpolate(centre(batch.parent, SIDE // 4), size=(SIDE, SIDE), mode="nearest")
    rows = [np.concatenate(list(images[:SHOWN]), 2) for images in (counts(parents), *shown)]
    return np.concatenate(rows, 1).transpose(1, 2, 0)


def lines(
    network: DetailNetwork, scenes: list[Scene], group: Group, also: dict[str, Path], count: int
) -> Iterator[tuple[str, Any]]:
    """Yield (name, figures) of everything that is measured in a group, and last ("sheet", picture)."""
    source = HeldOut(scenes, group, SEED_A)
    if not source.crops.layers:
        return
    batch = source.batch(count)
    found, real = pictures(batch, network, also, group), counts(batch.child)
    found["floor"] = counts(HeldOut(scenes, group, SEED_B).batch(count).child)
    for name, images in found.items():
        if name != "bicubic":
            yield name, figures(images, real, found["bicubic"])
    yield "from drawn parents", from_drawn_parents(network, source, count)
    yield "sheet", sheet(batch, [*(found[n] for n in ("drawn", *also) if n in found), real])


def main() -> None:
    """Read the command line and print a line of JSON per group and kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True, help="folder of the network")
    parser.add_argument("--pack", type=Path, required=True, help="folder of held-out places")
    parser.add_argument("--count", type=int, default=48, help="crops of a group")
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME=DIR", help="others' drawings")
    parser.add_argument("--sheet", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    also = {name: Path(folder) for name, _, folder in (x.partition("=") for x in arguments.also)}
    network, scenes, sheets = read_network(arguments.network), pack.read(arguments.pack), []
    for group in GROUPS:
        for name, found in lines(network, scenes, group, also, arguments.count):
            if name == "sheet":
                sheets.append(found)
            else:
                print(json.dumps({"group": group.name, "of": name, "figures": found}), flush=True)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate(sheets)).save(arguments.sheet)


if __name__ == "__main__":
    main()
