"""Print the lowest version that pyproject.toml allows of every direct dependency, as pip constraints.

    python .ci/lower_bounds.py [NAME ...]

leaves the named packages out.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

EXTRAS = "distributed", "dev"
BOUND = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


def lower_bounds(project: dict[str, object]) -> dict[str, str]:
    """Return name and lowest version of every direct dependency; raise `ValueError` for one without."""
    extras = project["optional-dependencies"]
    named = [
        *project["dependencies"],
        *(line for extra in EXTRAS if extra in extras for line in extras[extra]),
    ]
    bounds = {}
    for line in named:
        found = BOUND.match(line)
        if found is None:
            raise ValueError(f"{line!r} in pyproject.toml has no lower bound")
        bounds[found[1].lower()] = found[2]
    return bounds


if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    for name, version in sorted(lower_bounds(tomllib.loads(text)["project"]).items()):
        if name not in sys.argv[1:]:
            print(f"{name}=={version}")
