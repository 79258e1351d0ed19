"""The commands ``models list`` and ``models inspect``."""

from __future__ import annotations

import argparse
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

from geoinfinite.cli.model_facts import (
    parent_lines,
    print_model,
    sampling_text,
    scale_lines,
    slot_lines,
)
from geoinfinite.cli.show import print_facts, print_json
from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.models.diffusers.slot_table import read_slots, slot_table
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.reference import ANALYTIC, ModelReference, from_pretrained
from geoinfinite.models.systems.first_use import CONVERSION_OF, is_published
from geoinfinite.models.systems.known import imported
from geoinfinite.models.systems.protocol import ConvertSettings


def list_models(options: argparse.Namespace) -> int:
    """Print the models that need no download."""
    sidecars = sorted(Path(str(files("geoinfinite") / "data")).glob(f"*/{SIDECAR}"))
    refs = [*(f"bundled:{sidecar.parent.name}" for sidecar in sidecars), *ANALYTIC]
    if options.json:
        print_json({"models": refs})
    else:
        print(*refs, sep="\n")
    return 0


def inspect_model(options: argparse.Namespace) -> int:
    """Check the files of a model and print what a world must know of it."""
    source = Path(options.ref).expanduser()
    if is_published(source):
        return _inspect_published(source, options)
    reference = from_pretrained(options.ref)
    if options.json:
        print_json(_facts_json(reference, reference.facts()))
    else:
        print_model(reference, reference.ref)
    return 0


def _inspect_published(source: Path, options: argparse.Namespace) -> int:
    """Print what a checkpoint becomes that is laid out as its authors publish it, and how."""
    system, conversion = imported(CONVERSION_OF)(source, ConvertSettings())
    slots = read_slots(conversion.sidecar["slots"])
    base = ["--base", "FOLDER"] if conversion.lacks else []
    command = shlex.join(["geoinfinite", "models", "convert", options.ref, "DST", *base])
    if options.json:
        print_json(
            {
                "system": system.name,
                "files": [str(path) for path in conversion.sources],
                "lacks": list(conversion.lacks),
                "gsds": conversion.sidecar.get("gsd"),
                "factor": conversion.sidecar.get("factor"),
                "slots": slot_table(slots),
                "sampling": dict(conversion.sidecar["sampling"]),
                "convert": command,
            }
        )
        return 0
    networks = [part.stem if part.folder == "extra" else part.folder for part in conversion.parts]
    print_facts(
        f"{options.ref}: {system.title}",
        [
            ("holds", ", ".join(networks)),
            ("lacks", ", ".join(conversion.lacks) or "nothing"),
            *parent_lines(conversion.sidecar),
            *slot_lines(slots),
            *scale_lines(conversion.sidecar.get("gsd")),
            ("sampled by", sampling_text(dict(conversion.sidecar["sampling"]))),
            ("convert it", command),
        ],
    )
    return 0


def _facts_json(reference: ModelReference, facts: ModelFacts) -> dict[str, Any]:
    directory = reference.directory
    return {
        "ref": reference.ref,
        "digest": reference.digest(),
        "bands": facts.bands,
        "needs_parent": facts.conditioned,
        "factor": facts.factor,
        "margin": facts.margin,
        "multiple": facts.multiple,
        "latent": facts.latent,
        "channels": facts.channels,
        "halo": facts.halo,
        "gsds": None if facts.gsds is None else list(facts.gsds),
        "slots": [{"required": True, **entry} for entry in slot_table(facts.slots)],
        "directory": None if directory is None else str(directory),
    }
