"""Stores as the command line finds them: whether there is one, and how far it is."""

from __future__ import annotations

import argparse

import numpy as np

from geoinfinite.cli.exits import NotAStore
from geoinfinite.errors import StoreError
from geoinfinite.stores import layout
from geoinfinite.stores.identity import Header
from geoinfinite.stores.objects import Objects, open_objects
from geoinfinite.stores.planning import Plan


def open_store(options: argparse.Namespace, path: str) -> Objects:
    """Return the objects of the store at a path or URL; nothing is read or written yet."""
    return open_objects(path, dict(options.storage_options))


def read_store(store: Objects) -> Header:
    """Return the header of a store; raise `NotAStore` where there is none that this version reads."""
    # What cannot be reached is another failure than what is no store.
    layout.is_begun(store)
    try:
        return layout.read_header(store)
    except StoreError as error:
        raise NotAStore(str(error)) from error


def completeness(store: Objects) -> tuple[int, int]:
    """Return how many shards of a store are there, and how many there should be; their bytes are not read."""
    header, names = layout.read_header(store), set(store.names())
    done = shards = 0
    for cut in header.cuts:
        shards += cut.rows * cut.columns
        done += sum(
            names.issuperset((cut.record(*place), *cut.names(*place)))
            for place in np.ndindex(cut.rows, cut.columns)
        )
    return done, shards


def already(plan: Plan, store: Objects) -> tuple[int, int] | None:
    """Return how far a store of this plan is; ``None`` if there is none at the place yet."""
    if not layout.is_begun(store):
        return None
    try:
        header = layout.read_header(store)
    except StoreError:
        return None
    asked = plan.recipe.token, plan.level, plan.window, plan.preset
    if (header.token, header.level, header.window, header.preset) != asked:
        return None
    return completeness(store)
