"""Tables that describe a model: what a world must know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from geoinfinite.cli.show import print_facts
from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.models.reference import ModelReference
from geoinfinite.told import Slot


def print_model(reference: ModelReference, title: str) -> None:
    """Print the facts of a model that can be loaded."""
    facts, directory = reference.facts(), reference.directory
    print_facts(
        title,
        [
            ("digest", reference.digest()),
            ("bands", "any number" if facts.bands is None else str(facts.bands)),
            ("parent", "needed" if facts.conditioned else "not needed: can draw a generated root"),
            ("factor", "any" if facts.factor is None else str(facts.factor)),
            ("margin", f"{facts.margin} parent pixels"),
            ("tiles", f"multiples of {facts.multiple} px"),
            ("state", _state(facts)),
            *slot_lines(facts.slots),
            *scale_lines(facts.gsds),
            *_sampling(reference),
            ("files", str(directory or "none: closed form")),
        ],
    )


def parent_lines(sidecar: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a line about the parent of a published network, if it is told one.

    >>> parent_lines({"factor": 4, "bands": ["red", "nir"]})
    [('parent', 'needed, 4 times coarser: red, nir')]
    """
    if "factor" not in sidecar:
        return []
    bands = f": {', '.join(sidecar['bands'])}" if "bands" in sidecar else ""
    return [("parent", f"needed, {sidecar['factor']} times coarser{bands}")]


def slot_lines(slots: Iterable[Slot]) -> list[tuple[str, str]]:
    """Return a line for every slot: what a condition must fill it with."""
    return [(f"told {slot.name}", _slot(slot)) for slot in slots]


def _slot(slot: Slot) -> str:
    """Return what fills a slot.

    >>> _slot(Slot("hint", "raster", channels=3, span=(0, 1)))
    'raster, 3 bands, 0 to 1, needed'
    """
    parts = [slot.kind]
    if slot.frames:
        parts += [f"{slot.frames} of them", f"{slot.channels} bands", f"each with {', '.join(slot.bands)}"]
    elif slot.bands:
        parts.append(", ".join(slot.bands))
    elif slot.channels is not None:
        parts.append(f"{slot.channels} {'channels' if slot.kind == 'embedding' else 'bands'}")
    if slot.span is not None:
        parts.append(f"{slot.span[0]:g} to {slot.span[1]:g}")
    if slot.encoding is not None:
        parts.append(f"numbers of {slot.encoding} products")
    if slot.pixels > 1:
        parts.append(f"{slot.pixels} px of the image to a pixel")
    if slot.cell_m:
        parts.append(f"a vector for every {slot.cell_m:g} m")
    if slot.most:
        parts.append(f"at most {slot.most} a tile")
    if slot.classes:
        parts.append(f"classes {', '.join(slot.classes)}")
    parts.append("needed" if slot.required else "if wanted")
    if slot.dropped:
        parts.append("guidance leaves it out")
    return ", ".join(parts)


def sampling_text(sampling: dict[str, Any]) -> str:
    """Return settings of a sampler in one line.

    >>> sampling_text({"steps": 50, "guidance": 7.5})
    'steps 50, guidance 7.5'
    """
    return ", ".join(f"{key} {value}" for key, value in sampling.items())


def scale_lines(gsds: Iterable[float] | None) -> list[tuple[str, str]]:
    """Return a line of the ground sample distances that a model was trained at, if it says them.

    >>> scale_lines([1.0, 2.0])
    [('trained at', '1, 2 m a pixel')]
    """
    if gsds is None:
        return []
    return [("trained at", f"{', '.join(f'{gsd:g}' for gsd in gsds)} m a pixel")]


def _sampling(reference: ModelReference) -> list[tuple[str, str]]:
    """Return how the model is sampled if a world does not say otherwise."""
    sampler = reference.default_sampler()
    if sampler is None:
        return []
    said = {name: getattr(sampler, name) for name in ("preset", "solver", "schedule", "eta", "steps")}
    said |= {name: getattr(sampler, name) for name in ("guidance", "tile", "stride")}
    return [("sampled by", sampling_text({key: value for key, value in said.items() if value is not None}))]


def _state(facts: ModelFacts) -> str:
    if facts.latent == 1:
        return "pixels"
    return (
        f"latents of {facts.channels} channels, {facts.latent} px a side; decoded with a halo of "
        f"{facts.halo} px"
    )
