"""The command ``plan``: what a place would cost, without drawing it."""

from __future__ import annotations

import argparse
from typing import Any

from geoinfinite.cli.place import place_of
from geoinfinite.cli.show import duration, edges, print_json
from geoinfinite.stores.planning import Plan, plan_window


def run(options: argparse.Namespace) -> int:
    """Print what a place would cost."""
    planned = plan_window(*place_of(options))
    seconds = planned.measure() if options.measure else None
    if options.json:
        print_json(document(planned, seconds))
        return 0
    print(planned)
    if seconds is not None:
        print(
            f"{seconds * 1000:.3g} ms per evaluation here, {duration(planned.estimate(seconds))} for all of "
            "them one after the other; start-up, loading the network and writing are not included"
        )
    return 0


def document(planned: Plan, seconds: float | None) -> dict[str, Any]:
    """Return a plan as JSON; ``seconds`` is what one evaluation takes, if it was measured."""
    return {
        "world": planned.recipe.name,
        "token": planned.recipe.token,
        "level": planned.level,
        "window": edges(planned.window),
        "stages": [
            {
                "level": stage.level,
                "window": edges(stage.window),
                "shard_px": stage.shard,
                "shards": stage.shards,
                "tiles": stage.tiles,
                "evaluations": stage.evaluations,
            }
            for stage in planned.stages
        ],
        "shards": planned.shards,
        "pixels": planned.pixels,
        "bytes": planned.bytes,
        "tiles": planned.tiles,
        "evaluations": planned.evaluations,
        "cold_evaluations": planned.cold_evaluations,
        "redundancy": planned.redundancy,
        "peak_memory_bytes": planned.peak_memory_bytes,
        "seconds_per_evaluation": seconds,
        "evaluation_seconds": None if seconds is None else planned.estimate(seconds),
    }
