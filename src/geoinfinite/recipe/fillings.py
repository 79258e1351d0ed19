"""Which condition fills which slot of a level's model, and how far guidance goes beyond its absence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WorldError
from geoinfinite.samplers.guidance import ASK_ONCE, GuidanceTerm, guidance_terms
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.told import Slot

EXAMPLES = {
    "text": 'prompt = "..."',
    "raster": 'source = "FILE.tif"',
    "embedding": 'source = "FILE.tif"',
    "boxes": 'source = "FILE.gpkg", column = "..."',
    "metadata": 'schema = "..."',
    "location": "and no other key",
    "frames": 'sources = ["FIRST.tif", "SECOND.tif"]',
}
"""What a condition that fills a slot of a kind says at least."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A slot of a level's model, and the condition that fills it."""

    slot: Slot
    condition: Condition


def fillings(conditions: Sequence[Condition], slots: Sequence[Slot], level: int) -> tuple[Filling, ...]:
    """Return the slots that are filled on a level, in the model's order.

    A condition that names the level goes before one that names none. Raises `WorldError` if two conditions
    fill one slot.
    """
    found = []
    for slot in slots:
        named = [c for c in conditions if c.name == slot.name]
        own = [c for c in named if level in c.levels]
        candidates = own or [c for c in named if not c.levels]
        if len(candidates) > 1:
            raise WorldError(
                f"condition.{slot.name} stands {len(candidates)} times for level {level}; leave one, or give "
                f"each its levels, such as levels = [{level}]"
            )
        found += [Filling(slot, condition) for condition in candidates]
    return tuple(found)


def check_filled(filled: Sequence[Filling], slots: Sequence[Slot], level: int, ref: str) -> None:
    """Raise `WorldError` for a slot that the model needs and nothing fills."""
    names = {filling.slot.name for filling in filled}
    for slot in slots:
        if slot.required and slot.name not in names:
            raise WorldError(
                f"model.ref={ref!r} is told {slot.name!r} ({slot.kind}) at level {level}, and no condition "
                f'says it; add [[condition]] with kind = "{slot.kind}", name = "{slot.name}", '
                f"{EXAMPLES.get(slot.kind, 'and its keys')}"
            )


def check_used(conditions: Iterable[Condition], used: Iterable[Condition], slots: Iterable[Slot]) -> None:
    """Raise `WorldError` for a condition that fills no slot on any level."""
    filling = list(used)
    for condition in conditions:
        if condition not in filling:
            known = sorted({f"{slot.name} ({slot.kind})" for slot in slots})
            which = f"levels {list(condition.levels)}" if condition.levels else "any level"
            has = f"there are {', '.join(known)}" if known else "its models have none"
            raise WorldError(
                f"condition.{condition.name} fills no slot on {which} of this world: {has}; remove the "
                "condition, or change its name or its levels"
            )


def terms_of(filled: Sequence[Filling], sampler: TiledSampler, section: str) -> tuple[GuidanceTerm, ...]:
    """Return the answers that guidance compares on a level.

    A condition's own ``guidance`` counts for its slot, the sampler's for the other slots that the model was
    trained without at times. Raises `WorldError` for guidance that has nothing to leave out.
    """
    scales = {}
    for filling in filled:
        own = filling.condition.guidance
        scale = sampler.guidance if own is None and filling.slot.dropped else own
        if scale is not None:
            scales[filling.slot.name] = scale
    if sampler.guidance not in (None, 1.0) and not scales:
        raise WorldError(
            f"{section}.guidance={sampler.guidance:g} has no condition to leave out; remove it, or add a "
            'condition for a slot that guidance leaves out, such as kind = "text"'
        )
    return guidance_terms(scales) if scales else ASK_ONCE
