"""The command ``verify``: compares a store with its digests and its recipe."""

from __future__ import annotations

import argparse
from typing import Any

from geoinfinite.cli.exits import DONE, NOT_SOUND
from geoinfinite.cli.show import print_json
from geoinfinite.cli.store import open_store, read_store
from geoinfinite.stores.verification import Report, verify


def run(options: argparse.Namespace) -> int:
    """Read every object of a store; print what is wrong, and succeed if nothing is."""
    store = open_store(options, options.store)
    read_store(store)
    report = verify(store)
    if options.json:
        print_json(document(report))
    else:
        print(report)
    return DONE if report.ok else NOT_SOUND


def document(report: Report) -> dict[str, Any]:
    """Return a report as JSON."""
    return {
        "path": report.path,
        "sound": report.ok,
        "shards": report.shards,
        "missing": len(report.missing),
        "damaged": len(report.damaged),
        "foreign": len(report.foreign),
        "metadata": len(report.metadata),
        "strays": len(report.strays),
        "problems": [
            {
                "level": problem.level,
                "row": problem.row,
                "column": problem.column,
                "state": problem.state.value,
                "file": problem.file,
            }
            for problem in report.problems
        ],
        "recipe_fault": report.recipe or None,
        "note": report.note or None,
    }
