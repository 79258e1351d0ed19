"""Small export jobs and everything that their stores consist of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from faulty_objects import PowerCut
from preset_cases import PRESET_CASES

from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores import layout
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.sheet_files import FOLDER, SheetFiles
from geoinfinite.stores.sheets import StageSheets


def crossing(ring: Recipe, shard: int | None = 72) -> Plan:
    """A window of level 2 that crosses the antimeridian and fits no lattice: 15 shards on 6."""
    return plan_window(ring, 2, Window(10, 171, -37, 280), shard=shard)


def corner(patch: Recipe, shard: int | None = 48) -> Plan:
    """A window of level 2 at the grid's edge: 4 shards on 1."""
    return plan_window(patch, 2, Window(0, 53, 385, 448), shard=shard)


def strip(ring: Recipe, shard: int = 36) -> Plan:
    """A window of level 2 across the antimeridian, off every lattice: 12 shards, none of whole strides."""
    return plan_window(ring, 2, Window(7, 80, -37, 90), shard=shard)


def layered(world: Recipe, case: str = "multidiffusion", model: str = "analytic:gaussian") -> Recipe:
    """The world with one of `PRESET_CASES`, one tile per call: padding would be counted."""
    return world.replace(
        sampler=PRESET_CASES[case],
        model=ModelReference(model),
        numerics=replace(world.numerics, micro_batch=1),
    )


def sheets(plan: Plan, stage: int = -1) -> list[tuple[int, int, int]]:
    """Every sheet of a stage."""
    cut = StageSheets(plan.world, plan.stages[stage])
    return [(number, *place) for number in range(len(cut.layers)) for place in np.ndindex(cut.shape(number))]


def files_of_layers(path: Path) -> list[Path]:
    """Files of sheets, in order."""
    return sorted(f for f in (path / FOLDER).rglob("*") if f.is_file())


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a store, by its name."""
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def shard_file(path: Path, level: int, row: int, column: int) -> Path:
    """The file of a shard."""
    return path / layout.shard_name(level, row, column)


def record_file(path: Path, level: int, row: int, column: int) -> Path:
    """The file of a commit record."""
    return path / layout.record_name(level, row, column)


def pixels(path: Path, level: int) -> Any:
    """The pixels of a level, as zarr opens them."""
    return layout.open_image(open_objects(path), level)


def records(path: Path) -> list[Path]:
    """Commit records, in order."""
    return sorted(f for f in (path / "ledger").rglob("0") if f.is_file())


def cut_after(saves: int) -> Any:
    """Return a `SheetFiles.save` that works so many times, and then the power is gone."""
    plain, left = SheetFiles.save, saves

    def save(scratch: SheetFiles, place: Any, tiles: Any) -> None:
        nonlocal left
        if left == 0:
            raise PowerCut("dark")
        left -= 1
        plain(scratch, place, tiles)

    return save


def sabotage(level: int, place: tuple[int, int, int], once: str = "") -> None:
    """Make this process fail when it keeps a sheet, or die at it once; ``once`` is a file to note it."""
    plain = SheetFiles.save

    def save(scratch: SheetFiles, where: Any, tiles: Any) -> None:
        if scratch.level == level and where == place:
            if not once:
                raise ValueError("no luck")
            if not Path(once).exists():
                Path(once).touch()
                os._exit(1)
        plain(scratch, where, tiles)

    mock.patch.object(SheetFiles, "save", save).start()


def repair() -> None:
    """Undo `sabotage`."""
    mock.patch.stopall()
