"""The commands ``models list`` and ``models inspect``."""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

from geoinfinite.cli.show import print_facts, print_json
from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.models.reference import ANALYTIC, SIDECAR, from_pretrained
from geoinfinite.told import Slot


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
    reference = from_pretrained(options.ref)
    facts, directory = reference.facts(), reference.directory
    if options.json:
        print_json(
            {
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
                "slots": [
                    {"name": slot.name, "kind": slot.kind, "required": slot.required} for slot in facts.slots
                ],
                "directory": None if directory is None else str(directory),
            }
        )
        return 0
    print_facts(
        reference.ref,
        [
            ("digest", reference.digest()),
            ("bands", "any number" if facts.bands is None else str(facts.bands)),
            ("parent", "needed" if facts.conditioned else "not needed: can draw a generated root"),
            ("factor", "any" if facts.factor is None else str(facts.factor)),
            ("margin", f"{facts.margin} parent pixels"),
            ("tiles", f"multiples of {facts.multiple} px"),
            ("state", _state(facts)),
            *([("told", ", ".join(map(_slot, facts.slots)))] if facts.slots else []),
            ("files", str(directory or "none: closed form")),
        ],
    )
    return 0


def _slot(slot: Slot) -> str:
    return f"{slot.name} ({slot.kind}{'' if slot.required else ', if wanted'})"


def _state(facts: ModelFacts) -> str:
    if facts.latent == 1:
        return "pixels"
    return (
        f"latents of {facts.channels} channels, {facts.latent} px a side; decoded with a halo of "
        f"{facts.halo} px"
    )
