"""Seeded damage to JSON: keys that go, values of another type, size or sign, unknown keys, swapped values."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

DEEP = 3000
"""Levels of nesting: more than a recursive reader survives."""
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2.5,
    -0.0,
    10**30,
    -(2**63),
    1e308,
    float("nan"),
    float("inf"),
    "",
    "epsilon",
    "../../etc/passwd",
    "\0",
    "x" * 5000,
    [],
    [1],
    [[]],
    [None, "a", -1],
    {},
    {"a": {"b": []}},
    list(range(3000)),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead to it."""
    found = [at] if at else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*at, key))
    elif isinstance(value, list) and len(value) < 50:
        for index, item in enumerate(value):
            found += places(item, (*at, index))
    return found


def _owner(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        value = value[key]
    return value


def mutated(value: dict[str, Any], rng: Random) -> Any:
    """A copy of a JSON object with one to three things wrong."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        there = places(value)
        if not isinstance(value, dict) or not there:
            return value
        place = rng.choice(there)
        owner, key = _owner(value, place), place[-1]
        kind = rng.randrange(8)
        if kind == 0:
            del owner[key]
        elif kind == 1:
            owner[key] = copy.deepcopy(rng.choice(ODD))
        elif kind == 2:
            owner[key] = {"x": owner[key]} if rng.random() < 0.5 else [owner[key]]
        elif kind == 3:
            other = rng.choice(there)
            there_owner = _owner(value, other)
            owner[key], there_owner[other[-1]] = there_owner[other[-1]], owner[key]
        elif kind == 4 and isinstance(owner[key], int | float):
            owner[key] = owner[key] * rng.choice((-1, 0, 2, 1000, 1e-9, 10**12))
        elif kind == 5:
            value[rng.choice(("comment", "_name_or_path", "beta", "sample_sizes"))] = rng.choice(ODD)
        elif kind == 6 and isinstance(owner[key], list):
            owner[key] = owner[key] * rng.choice((0, 2, 40))
        else:
            owner[key] = str(owner[key])
        if kind == 3 and rng.random() < 0.2:
            return rng.choice(ODD)
    return value


def nested() -> str:
    """JSON that is nested too deeply to be read."""
    return '{"a":' * DEEP + "1" + "}" * DEEP
