"""Distances (KID) between drawn and real held-out crops, by networks that see structure.

`python -m training.judged --network DIR --pack HELD --galileo encoder.pt` prints a line per group of
held-out places and judge. Crops A and B lie at random places of a group. Every figure is a distance to the
real crops B: of the children that are drawn from the parents of A, of those parents enlarged bicubically,
and, as the floor, of the real crops A. Another network's drawings of the same crops are compared with
`--also NAME=DIR`, a folder with one file GROUP.npy, bytes (crop, 3, y, x), per group; `--crops DIR` writes
what they are to be drawn from, as GROUP.npz.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from geoinfinite.evaluation import (
    EvaluationError,
    Judge,
    KernelDistance,
    csmask_judge,
    galileo_judge,
    geoembed_judge,
    kid,
)
from training import pack
from training.batch import Batch
from training.held_out import GROUPS, Group, HeldOut, counts, drawn, enlarged, read_network

SEED_A, SEED_B, SEED_NOISE = 1, 2, 3


def pictures(batch: Batch, network: Any, other: dict[str, Path], group: Group) -> dict[str, Any]:
    """Return what is compared with real crops, by name, as bytes (crop, 3, y, x)."""
    found = {"floor": counts(batch.child), "bicubic": counts(enlarged(batch))}
    if network is not None:
        found["drawn"] = counts(drawn(network, batch, SEED_NOISE))
    for name, folder in other.items():
        file = folder / f"{group.name}.npy"
        if file.exists():
            found[name] = np.load(file)
            if found[name].shape != batch.child.shape:
                raise EvaluationError(
                    f"--also {name}={folder}: {file.name} has shape {found[name].shape}, but the crops "
                    f"{tuple(batch.child.shape)}; draw those that --crops writes with this --count"
                )
    return found


def figures(judge: Judge, compared: dict[str, Any], real: Any) -> dict[str, list[float]]:
    """Return (distance, standard error) to the real crops, by name."""
    truth = judge.features(real)
    distances = {name: kid(judge.features(images), truth) for name, images in compared.items()}
    return {name: _rounded(distance) for name, distance in distances.items()}


def _rounded(distance: KernelDistance) -> list[float]:
    return [round(distance.value, 5), round(distance.standard_error, 5)]


def judges(galileo: Path | None) -> list[Judge]:
    """Return the judges; Galileo only where its weights are named."""
    found = [geoembed_judge(), csmask_judge()]
    return found if galileo is None else [*found, galileo_judge(galileo)]


def write_crops(folder: Path, group: Group, batch: Batch) -> None:
    """Write parents and children in [-1, 1], water, labels and aspects of a group."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("parent", "child", "water", "gsd_m", "aspect")
    np.savez_compressed(
        folder / f"{group.name}.npz", **{name: getattr(batch, name).numpy() for name in names}
    )


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the figures per group and judge."""
    scenes = pack.read(arguments.pack)
    network = None if arguments.network is None else read_network(arguments.network)
    asked = judges(arguments.galileo)
    other = {name: Path(folder) for name, _, folder in (x.partition("=") for x in arguments.also)}
    for group in GROUPS:
        known = [judge for judge in asked if arguments.everywhere or judge.knows(group.gsd_m)]
        source = HeldOut(scenes, group, SEED_A)
        if not source.crops.layers:
            continue
        batch = source.batch(arguments.count)
        if arguments.crops is not None:
            write_crops(arguments.crops, group, batch)
        if not known:
            continue
        real = counts(HeldOut(scenes, group, SEED_B).batch(arguments.count).child)
        compared = pictures(batch, network, other, group)
        for judge in known:
            about = {"group": group.name, "judge": judge.name, "at its resolution": judge.knows(group.gsd_m)}
            about |= {"crops": arguments.count, "apart": round(source.apart, 1)}
            yield about | figures(judge, compared, real)


def main() -> None:
    """Read the command line and print a line of JSON per group and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="folder of held-out places")
    parser.add_argument("--network", type=Path, help="folder of the network")
    parser.add_argument("--galileo", type=Path, help="encoder.pt of Galileo nano")
    parser.add_argument("--count", type=int, default=96, help="crops of a group")
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME=DIR", help="others' drawings")
    parser.add_argument("--crops", type=Path, help="write what the crops are drawn from")
    parser.add_argument("--everywhere", action="store_true", help="ask every judge about every group")
    for line in lines(parser.parse_args()):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
