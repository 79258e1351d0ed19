"""Plans of layered levels of small worlds, drawn by hypothesis."""

from __future__ import annotations

import tempfile
from pathlib import Path

import small_worlds
import store_jobs
from hypothesis import strategies as st
from preset_cases import MODELS, PRESET_CASES

from geoinfinite.plane.window import Window
from geoinfinite.stores.planning import Plan, plan_window

_FOLDER = Path(tempfile.mkdtemp())
WORLDS = {"ring": small_worlds.ring_world(_FOLDER), "patch": small_worlds.patch_world(_FOLDER)}


@st.composite
def layered_plans(draw: st.DrawFn, sides: st.SearchStrategy[int]) -> Plan:
    """A window of level 2, off every lattice, in shards of one of the sides."""
    world = store_jobs.layered(
        WORLDS[draw(st.sampled_from(sorted(WORLDS)))],
        draw(st.sampled_from([n for n in PRESET_CASES if n not in ("independent", "metaearth")])),
        draw(st.sampled_from(MODELS)),
    )
    rows, columns = world.grid.shape_at(2)
    y0 = draw(st.integers(0, rows - 1))
    height, width = draw(st.integers(1, rows - y0)), draw(st.integers(1, columns))
    x0 = draw(st.integers(-columns, columns) if world.grid.periodic else st.integers(0, columns - width))
    return plan_window(world, 2, Window(y0, y0 + height, x0, x0 + width), shard=draw(sides))
