"""Stores as the command line finds them: whether there is one, and how far it is."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.cli.exits import NotAStore
from geoinfinite.errors import StoreError
from geoinfinite.stores import layout, ledger
from geoinfinite.stores.identity import Header
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.writing import local_path


def read_store(path: str | Path) -> Header:
    """Return the header of a store; raise `NotAStore` where there is none that this version reads."""
    try:
        return layout.read_header(local_path(path))
    except StoreError as error:
        raise NotAStore(str(error)) from error


def completeness(store: Path) -> tuple[int, int]:
    """Return how many shards of a store are there, and how many there should be; their bytes are not read."""
    done = shards = 0
    for name in layout.read_header(store).shards:
        rows, columns, _ = layout.open_ledger(store, int(name)).shape
        shards += rows * columns
        done += sum(
            ledger.present(store, int(name), row, column) for row in range(rows) for column in range(columns)
        )
    return done, shards


def already(plan: Plan, store: Path) -> tuple[int, int] | None:
    """Return how far a store of this plan is; ``None`` if there is none at the path yet."""
    try:
        header = layout.read_header(store)
    except StoreError:
        return None
    if (header.token, header.level, header.window) != (plan.world.token, plan.level, plan.window):
        return None
    return completeness(store)
