"""World files as strangers may write them: seeded mutations of good ones."""

from __future__ import annotations

import datetime
import random
from copy import deepcopy
from typing import Any

import tomli_w

Tables = dict[str, Any]

BASES: list[Tables] = [
    {
        "world": {"name": "ring", "seed": 3, "dtype": "uint8"},
        "grid": {"factor": 4, "levels": 3, "periodic": True},
        "root": {"source": "ring.tif"},
        "model": {"ref": "analytic:gaussian", "dtype": "float32", "normalisation": "frozen"},
        "sampler": {"preset": "earlysync", "tile": 32, "stride": 24, "steps": 4, "shift": 3.0, "synced": 1},
        "numerics": {"micro_batch": 2, "device": "cpu"},
        "level": {"2": {"sampler": {"steps": 2}, "model": {"ref": "analytic:latent"}}},
    },
    {
        "grid": {
            "crs": "EPSG:32633",
            "origin": [412_300.0, 5_207_700.0],
            "resolution": 300.0,
            "shape": [20, 28],
            "levels": 3,
        },
        "root": {"source": "generated"},
        "model": {"ref": "analytic:gaussian"},
        "level": {"0": {"model": {"ref": "analytic:planet"}}},
        "sampler": {"preset": "charted", "tile": 32, "stride": 8, "chart": 96, "halo": 16, "solver": "ddim"},
    },
    {
        "grid": {"crs": "EPSG:4326", "origin": [-180.0, 90.0], "resolution": 15.0, "shape": [12, 24]},
        "root": {"source": "ring.tif", "scale": 1.0, "offset": 0.0},
        "sampler": {"preset": "infinitediffusion", "cuts": [1, 3], "steps": 4, "tile": 32, "stride": 24},
        "model": {"ref": "analytic:gaussian"},
    },
]

HUGE = 10**30
NUMBERS: list[Any] = [0, -1, 1, 2, 3, 12, 64, 65, 300, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, HUGE, -HUGE]
NUMBERS += [10**400, 0.0, -0.0, 0.5, 1e-300, 1e-9, 1e9, 1e15, 1e308, -1e308]
NUMBERS += [float("nan"), float("inf"), float("-inf"), True, False]
TEXTS = ["", "x", "\0", "a\0b", "a" * 5000, "é" * 300, "../" * 2000, "~nobody/x", "~", "/", ".", "/dev/zero"]
TEXTS += [
    "generated",
    "bundled:",
    "bundled:..",
    "bundled:/etc",
    "bundled:a\0b",
    "analytic:planet",
    "analytic:",
]
TEXTS += ["analytic:latent", "EPSG:4326", "EPSG:4979", "EPSG:4978", "EPSG:5773", "EPSG:3857"]
TEXTS += [
    "EPSG:",
    "EPSG:99999999999999999999",
    "+proj=pipeline",
    "+proj=utm +zone=99",
    "{" * 3000,
    '{"a":' * 3000,
]
TEXTS += ["GEOGCS[" * 3000, 'PROJCS["x"]', "checkpoint", "uint16", "float32", "spotdiffusion", "metaearth"]
TEXTS += ["dpmpp_2m", "heun", "karras", "crop", "project", "cuda", "bfloat16"]
LISTS: list[Any] = [
    [],
    [0],
    [0, 0],
    [1, 2, 3],
    [1e308, -1e308],
    [float("nan"), 1.0],
    [HUGE, 1],
    [2**40, 2**40],
]
LISTS += [
    [2**40, 2**40],
    [True, False],
    ["a", "b"],
    [[1], [2]],
    [1] * 300,
    {},
    {"a": 1},
    {"0": {"sampler": {}}},
    [{}],
]
MOMENTS = [
    datetime.date(2020, 1, 2),
    datetime.time(1, 2),
    datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
]
VALUES = [*NUMBERS, *TEXTS, *LISTS, *MOMENTS]
KEYS = [
    "source",
    "ref",
    "levels",
    "shape",
    "tile",
    "",
    "a.b",
    "é",
    "x" * 2000,
    "\0",
    "0",
    "-1",
    "01",
    "99999999999",
    "٣",
]


def _places(tables: Tables, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, value in tables.items():
        found.append((*path, key))
        if isinstance(value, dict):
            found += _places(value, (*path, key))
    return found


def _parent(tables: Tables, place: tuple[str, ...]) -> Tables:
    for key in place[:-1]:
        tables = tables[key]
    return tables


def _mutated_tables(rng: random.Random) -> Tables:
    tables = deepcopy(rng.choice(BASES))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = _places(tables)
        if not places:
            break
        place = rng.choice(places)
        table, value = _parent(tables, place), deepcopy(rng.choice(VALUES))
        match rng.randrange(8):
            case 0:
                del table[place[-1]]
            case 1:
                table[rng.choice(KEYS)] = value
            case 2:
                for _ in range(rng.choice([2, 30, 900])):
                    value = [value]
                table[place[-1]] = value
            case 3 | 4 if type(table[place[-1]]) in (int, float):
                # Near a good value most rules are met, and what comes after them is tried.
                table[place[-1]] = table[place[-1]] * rng.choice([1, 2, 4]) + rng.choice([0, 1, 4])
            case _:
                table[place[-1]] = value
    return tables


def _mutated_text(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    match rng.randrange(6):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + rng.choice(["\0", "\x1b", "[", "]", '"', "=", "\n", "'''", "é"]) + text[at:]
        case 2:
            return text + "\nx = " + rng.choice("[{") * rng.choice([10, 500, 50_000])
        case 3:
            return text + "\n[" + "a." * rng.choice([10, 500, 20_000]) + "b]\nc = 1\n"
        case 4:
            return text + "\nx = " + "9" * rng.choice([20, 5_000, 100_000]) + "\n"
        case _:
            return text + text


def world_text(seed: int) -> str:
    """Return a world file that has been tampered with, a function of ``seed``."""
    rng = random.Random(seed)
    try:
        text = tomli_w.dumps(_mutated_tables(rng))
    except (ValueError, RecursionError):
        # Not everything can be written by the writer; the reader meets it as text.
        text = tomli_w.dumps(rng.choice(BASES)) + "\nx = " + "[" * 5_000
    return _mutated_text(text, rng) if rng.random() < 0.2 else text
