"""A recipe that fits a model: its own tile, solver and steps, on a grid over some bounds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from math import lcm
from typing import Any

from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.crs import turn
from geoinfinite.plane.given import finite, four
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.defaults import default_sampler
from geoinfinite.recipe.root import GENERATED, Root
from geoinfinite.samplers.presets import IndependentTiles
from geoinfinite.samplers.tiled import TiledSampler

USUAL_GUIDANCE = 7.5
"""The scale with which most text-to-image systems were published."""
UNSAID_FACTOR = 4
"""The factor of a model that takes any."""
_SNAP = 1e-6


def fitted_sampler(
    model: ModelReference, grid: Grid, level: int, conditions: Sequence[Condition]
) -> TiledSampler:
    """Return independent tiles as a model was trained: its own size, solver and steps.

    They overlap by an eighth, or by less where the model's own tiles do; a little more where they must come
    round the Earth in whole strides.
    Guidance is `USUAL_GUIDANCE` where a condition fills a slot that the model was trained without at times.
    """
    own, facts = default_sampler(model, level), model.facts()
    unit = lcm(facts.latent, facts.factor or 1)
    names = {condition.name for condition in conditions if isinstance(condition, Condition)}
    guides = any(slot.dropped and slot.name in names for slot in facts.slots)
    if model.is_published:
        # Its authors say how its tiles overlap if they fuse them.
        kind, most = type(own), own.stride if own.fuses_answers else own.tile * 7 // 8
    else:
        kind, most = IndependentTiles, max(own.stride, own.tile * 7 // 8)
    usual = USUAL_GUIDANCE if own.guidance is None else own.guidance
    return kind(
        **{name: getattr(own, name) for name in ("solver", "schedule", "shift", "eta", "steps", "tile")},
        stride=_stride(most, unit, grid.period(level)),
        consistency=own.consistency if facts.conditioned else "none",
        guidance=usual if guides else None,
    )


def fitted_fields(
    model: ModelReference,
    crs: str | None,
    bounds: Sequence[float] | None,
    resolution: float | None,
    root: str | None,
    conditions: Iterable[Condition],
) -> dict[str, Any]:
    """Return the fields of a recipe that draws bounds, or below a root raster, with a model.

    Raises `WorldError` where what is said does not suffice for the model, or is too much.
    """
    told, facts = tuple(conditions), model.facts()
    said = {"crs": crs, "bounds": bounds, "resolution": resolution}
    if facts.conditioned:
        if root is None or any(value is not None for value in said.values()):
            raise WorldError(
                f"model.ref={model.ref!r} draws on a parent; say root=RASTER, whose grid is taken, and leave "
                f"{', '.join(said)} out"
            )
        raster = Root(root).raster()
        grid = Grid(
            raster.crs,
            raster.origin,
            raster.resolution,
            raster.shape,
            factor=facts.factor or UNSAID_FACTOR,
            levels=2,
            periodic=raster.periodic,
        )
        of_root, dtype = Root(root), raster.dtype
    else:
        missing = [name for name, value in said.items() if value is None]
        if missing or root is not None:
            raise WorldError(
                f"model.ref={model.ref!r} draws without a parent; say {', '.join(said)}, and no root"
            )
        grid, of_root, dtype = _grid(str(crs), bounds or (), resolution), Root(GENERATED), "uint8"
    level = 1 if facts.conditioned else 0
    sampler = fitted_sampler(model, grid, level, told)
    return {
        "grid": grid,
        "root": of_root,
        "model": model,
        "sampler": sampler,
        "dtype": dtype,
        "conditions": told,
    }


def _stride(most: int, unit: int, turn: int | None) -> int:
    """Return the longest stride that is a multiple of ``unit`` and divides a turn round the Earth."""
    strides = range(most // unit * unit, 0, -unit)
    return next((stride for stride in strides if turn is None or turn % stride == 0), unit)


def _grid(crs: str, bounds: Sequence[float], resolution: float | None) -> Grid:
    """Return the grid of one level whose first pixel lies in the upper left corner of bounds."""
    left, bottom, right, top = four("bounds", bounds)
    step = finite("resolution", resolution)
    grid = Grid(crs, (left, top), step, (1, 1))
    around = turn(crs)
    if right <= left and around is not None:
        right += around
    if not (left < right and bottom < top):
        raise WorldError(
            f"bounds=({left:g}, {bottom:g}, {right:g}, {top:g}) is inverted or empty; the order is W S E N"
        )
    rows, columns = (math.ceil(side / step - _SNAP) for side in (top - bottom, right - left))
    return dataclasses.replace(grid, shape=(rows, columns))
