"""The command ``models convert``: a published checkpoint as a folder of safetensors."""

from __future__ import annotations

import argparse
from pathlib import Path

from geoinfinite.cli.exits import OutputExists
from geoinfinite.cli.model_facts import print_model
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.first_use import CONVERSION_OF
from geoinfinite.models.systems.known import imported
from geoinfinite.models.systems.protocol import ConvertSettings


def run(options: argparse.Namespace) -> int:
    """Write the folder, and print what a world must know of it."""
    source, out = (Path(path).expanduser() for path in (options.source, options.destination))
    if out.exists() and not options.overwrite:
        raise OutputExists(f"DST={options.destination} exists; name another folder, or add --overwrite")
    base = None if options.base is None else Path(options.base).expanduser()
    settings = ConvertSettings(base, options.weights, options.gsd, options.boxes)
    system, conversion = imported(CONVERSION_OF)(source, settings)
    conversion.written(system, out, overwrite=options.overwrite)
    print_model(from_pretrained(out), f"wrote {options.destination}")
    return 0
