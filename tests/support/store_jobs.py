"""Small export jobs and everything that their stores consist of."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.recipe import Recipe
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.window import Window


def crossing(ring: Recipe, shard: int | None = 72) -> Plan:
    """A window of level 2 that crosses the antimeridian and fits no lattice: 15 shards on 6."""
    return plan_window(ring, 2, Window(10, 171, -37, 280), shard=shard)


def corner(patch: Recipe, shard: int | None = 48) -> Plan:
    """A window of level 2 at the grid's edge: 4 shards on 1."""
    return plan_window(patch, 2, Window(0, 53, 385, 448), shard=shard)


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a store, by its name."""
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def records(path: Path) -> list[Path]:
    """Commit records, in order."""
    return sorted(f for f in (path / "ledger").rglob("0") if f.is_file())
