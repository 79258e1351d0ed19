"""Sheets of pictures, half of them real and half drawn, for people to sort.

`python -m training.blind --network DIR --pack HELD --out SHEETS` writes one PNG per group of held-out
places, 40 numbered pictures each, `guesses.csv` to fill in with "real" or "drawn", and `key.csv`, which is
not to be opened before. The drawn ones have the parents of other crops than the real ones. `python -m
training.blind --score SHEETS/guesses.csv SHEETS/key.csv` then prints the share of right guesses with its 95
% interval: a half means that people cannot tell.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from geoinfinite.evaluation import EvaluationError
from geoinfinite.models.earth.detail import DetailNetwork
from training import pack
from training.detail import seeded
from training.held_out import GROUPS, Group, HeldOut, counts, drawn, read_network
from training.scene import Scene

Answers: TypeAlias = dict[tuple[str, int], str]
PICTURES, COLUMNS = 40, 8
SIDES = 192, 128
"""Pixels of the side of a picture: the first for which the group's layers have room."""
GAP, LABEL = 6, 14
NORMAL_95 = 1.959964
KINDS = "real", "drawn"


def sheet(
    scenes: list[Scene], group: Group, network: DetailNetwork, seed: int
) -> tuple[NDArray[np.uint8], list[str]]:
    """Return pictures (picture, 3, y, x) in a random order, and what each is."""
    sources = [HeldOut(scenes, group, 2 * seed + part) for part in (0, 1)]
    side = fitting_side(sources[0])
    half = PICTURES // 2
    real = counts(sources[0].batch(half, side).child)
    invented = counts(drawn(network, sources[1].batch(half, side), seed))
    order = torch.randperm(PICTURES, generator=seeded(seed)).tolist()
    return np.concatenate([real, invented])[order], [KINDS[i >= half] for i in order]


def fitting_side(source: HeldOut) -> int:
    """Return the largest of `SIDES` for which every layer has room, and else the last."""
    least = min(min(layer.pixels.shape[1:]) for layer in source.crops.layers)
    margins = 2 * source.crops.settings.margin * source.crops.settings.factor
    return next((side for side in SIDES if side + margins <= least), SIDES[-1])


def painted(pictures: NDArray[np.uint8]) -> Image.Image:
    """Return rows of pictures on white, each with its number, from 1, above it."""
    side = pictures.shape[-1]
    wide, high = side + GAP, side + GAP + LABEL
    rows = -(-len(pictures) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * wide + GAP, rows * high + GAP), "white")
    for index, picture in enumerate(pictures):
        left, top = GAP + index % COLUMNS * wide, GAP + index // COLUMNS * high
        ImageDraw.Draw(image).text((left, top), str(index + 1), fill="black")
        image.paste(Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))), (left, top + LABEL))
    return image


def write(folder: Path, sheets: Mapping[str, tuple[NDArray[np.uint8], list[str]]]) -> None:
    """Write a picture per sheet, the form and the key."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pictures, _) in sheets.items():
        painted(pictures).save(folder / f"{name}.png")
    rows = [(name, i + 1, kind) for name, (_, kinds) in sheets.items() for i, kind in enumerate(kinds)]
    _write_rows(folder / "guesses.csv", "guess", ((name, number, "") for name, number, _ in rows))
    _write_rows(folder / "key.csv", "answer", rows)


def read(path: Path, column: str) -> Answers:
    """Return what a form or a key says, by sheet and number; empty lines are left out."""
    found: Answers = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            said = (row.get(column) or "").strip().lower()
            if said and said not in KINDS:
                raise EvaluationError(
                    f"{path.name}, line {line}: {column}={said!r} must be real or drawn, or empty"
                )
            if said:
                found[row["sheet"], int(row["number"])] = said
    return found


def score(guesses: Answers, key: Answers) -> dict[str, tuple[int, int]]:
    """Return (right, guessed) per sheet and for "all"."""
    found: dict[str, tuple[int, int]] = {}
    for place, guess in guesses.items():
        if place not in key:
            raise EvaluationError(
                f"sheet={place[0]!r}, number={place[1]} is not in the key; take the key of the sheets"
            )
        for name in (place[0], "all"):
            right, asked = found.get(name, (0, 0))
            found[name] = right + (key[place] == guess), asked + 1
    return found


def wilson(right: int, asked: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    share, z2 = right / asked, NORMAL_95**2
    middle = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / asked + z2 / (4 * asked**2)) / (1 + z2 / asked)
    return middle - half, middle + half


def report(scores: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield a line per sheet."""
    for name, (right, asked) in scores.items():
        low, high = wilson(right, asked)
        yield f"{name}: {right} of {asked} right, {right / asked:.0%} ({low:.0%} to {high:.0%})"


def _write_rows(path: Path, column: str, rows: Iterable[tuple[str, int, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sheet", "number", column))
        writer.writerows(rows)


def main() -> None:
    """Read the command line; write sheets, or score a form."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", type=Path, help="folder of the network")
    parser.add_argument("--pack", type=Path, help="folder of held-out places")
    parser.add_argument("--out", type=Path, help="folder for the sheets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--score", type=Path, nargs=2, metavar=("GUESSES", "KEY"), help="score a form instead"
    )
    arguments = parser.parse_args()
    if arguments.score is not None:
        guesses, key = arguments.score
        print(*report(score(read(guesses, "guess"), read(key, "answer"))), sep="\n")
        return
    if None in (arguments.network, arguments.pack, arguments.out):
        parser.error("give --network, --pack and --out, or --score")
    scenes, network = pack.read(arguments.pack), read_network(arguments.network)
    there = [group for group in GROUPS if HeldOut(scenes, group, 0).crops.layers]
    write(arguments.out, {group.name: sheet(scenes, group, network, arguments.seed) for group in there})


if __name__ == "__main__":
    main()
