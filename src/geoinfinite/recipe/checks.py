"""Checks that the parts of a recipe fit together: root, grid, and what draws every level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from geoinfinite.conditions.known import Known
from geoinfinite.conditions.protocol import Condition
from geoinfinite.conditions.seeds import Seeds
from geoinfinite.conditions.sketch import Sketch
from geoinfinite.errors import WorldError, in_full, shorten
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import ALIKE, Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.recipe.compatibility import check_model, check_sampler
from geoinfinite.recipe.fillings import check_filled, check_used, fillings, terms_of
from geoinfinite.recipe.raster import Raster
from geoinfinite.recipe.root import Root
from geoinfinite.recipe.settings import LevelSettings
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers.presets import SpotDiffusion
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.told import Slot


@dataclass(frozen=True, slots=True)
class DrawnLevel:
    """The model and sampler of a level, and the section of a world file that names them, or could."""

    number: int
    model: ModelReference
    sampler: TiledSampler
    section: str


def check_root(raster: Raster, grid: Grid, dtype: str) -> None:
    """Raise `WorldError` if the root raster is not level 0 of the grid, in the world's dtype."""
    source = f"root.source={in_full(raster.source)!r}"
    if raster.dtype != dtype:
        raise WorldError(f"{source} holds {raster.dtype}, the world dtype={dtype!r}; {_dtype_remedy(raster)}")
    lattice = Grid(raster.crs, raster.origin, raster.resolution, raster.shape)
    tolerance = ALIKE * grid.resolution
    if (
        raster.shape != grid.shape
        or max(abs(a - b) for a, b in zip(raster.origin, grid.origin, strict=True)) > tolerance
        or abs(raster.resolution - grid.resolution) * max(grid.shape) > tolerance
        or not lattice.same_crs(grid)
    ):
        raise WorldError(
            f"{source} lies on {shorten(raster.crs)} origin={list(raster.origin)} resolution="
            f"{raster.resolution} shape={list(raster.shape)}, not on the [grid] of the world; "
            "leave crs, origin, resolution and shape out of [grid] to take the raster's"
        )


def _dtype_remedy(raster: Raster) -> str:
    if raster.dtype in Encoding.RANGES:
        return f'set world.dtype = "{raster.dtype}"'
    with raster.open() as dataset:
        return f'set world.dtype = "float32", {raster.scaling_remedy(dataset).removeprefix("set ")}'


def check_drawn(grid: Grid, drawn: DrawnLevel) -> None:
    """Raise `WorldError` unless a level's model and sampler fit its grid and each other."""
    model, level = drawn.model, drawn.number
    facts = model.facts()
    check_model(grid, level, facts, model.ref)
    check_sampler(grid, level, drawn.sampler, facts=facts, ref=model.ref, section=drawn.section)
    sampling_of(drawn.sampler, model)


def check_bands(model: ModelReference, bands: int, root: Root) -> None:
    """Raise `WorldError` unless a model draws as many bands as the world has."""
    facts = model.facts()
    if facts.bands not in (None, bands):
        raise WorldError(
            f"root.source={in_full(root.source)!r} has {bands} bands, model.ref={model.ref!r} draws "
            f"{facts.bands}; choose the bands first: rio stack SRC --bidx 1,2,3 --output DST"
        )


def check_settings(levels: Sequence[LevelSettings], grid: Grid, root: Root) -> None:
    """Raise `WorldError` for settings of levels that are not drawn, or that are said twice."""
    numbers = [settings.level for settings in levels]
    for number in numbers:
        if not 0 <= number < grid.levels:
            raise WorldError(f"level.{number} does not exist: this grid has levels 0 to {grid.levels - 1}")
        if numbers.count(number) > 1:
            raise WorldError(f"level.{number} has settings twice; write them under one [level.{number}]")
        if number == 0 and not root.drawn:
            raise WorldError(
                f"level.0 is root.source={in_full(root.source)!r}, which is read and not drawn; leave "
                'level.0 out, or set root.source = "generated", or root.fill = "draw" for what it lacks'
            )


def check_conditions(
    conditions: Sequence[Condition],
    grid: Grid,
    drawn: Sequence[DrawnLevel],
    slots_of: Mapping[ModelReference, Sequence[Slot]],
) -> None:
    """Raise `WorldError` unless every condition fills a slot, and every slot that must be filled is."""
    for condition in conditions:
        if not isinstance(condition, Condition):
            raise WorldError(
                f"conditions={shorten(repr(conditions))}: {shorten(repr(condition))} is no condition; make "
                'one, such as gi.conditions.Text("prompt", "a harbour")'
            )
    keeping = [condition for condition in conditions if isinstance(condition, Known | Seeds | Sketch)]
    used: list[Condition] = [*keeping]
    known: list[Slot] = []
    for level in drawn:
        slots = slots_of[level.model]
        filled = fillings(conditions, slots, level.number)
        check_filled(filled, slots, level.number, level.model.ref)
        for filling in filled:
            filling.condition.check(filling.slot, grid, level.number)
        used += [filling.condition for filling in filled]
        known += slots
    check_used(conditions, used, known)
    for level in drawn:
        filled = fillings(conditions, slots_of[level.model], level.number)
        terms_of(filled, level.sampler, level.section)


def check_known(rasters: Sequence[Known], grid: Grid, drawn: range, *, bands: int, dtype: str) -> None:
    """Raise `WorldError` unless known pixels lie on a drawn level, in the world's bands and dtype."""
    levels = []
    for known in rasters:
        where = f"condition.{known.name}"
        if known.level not in drawn:
            raise WorldError(
                f"{where}.level={known.level} is not drawn; levels {drawn.start} to {drawn.stop - 1} are: "
                "name the one on whose pixels the raster lies"
            )
        if known.level in levels:
            raise WorldError(f"{where} stands twice for level {known.level}; merge the rasters: rio merge")
        levels.append(known.level)
        known.extent(grid)
        header = known.header()
        has, wanted = (header.picture_bands, header.picture_dtype), (bands, dtype)
        if has != wanted:
            chosen = ",".join(str(min(band, has[0])) for band in range(1, bands + 1))
            command = "convert SRC DST" if has[0] == bands else f"stack SRC DST --bidx {chosen}"
            raise WorldError(
                f"{header.named} has {has[0]} bands of {has[1]}, and the world has {bands} of {dtype}; "
                f"convert it: rio {command} --dtype {dtype}"
            )


def check_seeds(conditions: Sequence[Condition], grid: Grid, drawn: range) -> None:
    """Raise `WorldError` unless seeds by region are those of drawn levels, one file for each."""
    for seeds in conditions:
        if isinstance(seeds, Seeds) and not {*seeds.levels} <= {*drawn}:
            raise WorldError(
                f"condition.{seeds.name}.levels={list(seeds.levels)} are not all drawn; name some of levels "
                f"{drawn.start} to {drawn.stop - 1}"
            )
    for level in drawn:
        found = seeds_at(conditions, level)
        if found is not None:
            found.check_level(grid, level)


def seeds_at(conditions: Sequence[Condition], level: int) -> Seeds | None:
    """Return the seeds by region of a level; raise `WorldError` for two."""
    found = [c for c in conditions if isinstance(c, Seeds) and c.steers(level)]
    if len(found) > 1:
        raise WorldError(
            f"condition.{found[0].name} stands {len(found)} times for level {level}; leave one, or give each "
            f"its levels, such as levels = [{level}]"
        )
    return found[0] if found else None


def check_sketches(conditions: Sequence[Condition], drawn: Sequence[DrawnLevel], bands: int) -> None:
    """Raise `WorldError` unless sketches have the world's bands, and cells that tiles consist of."""
    for sketch in conditions:
        if not isinstance(sketch, Sketch):
            continue
        where = f"condition.{sketch.name}"
        if len(sketch.header().indexes) != bands:
            raise WorldError(
                f"{where}.source={sketch.source!r} has {len(sketch.header().indexes)} bands, and the world "
                f"{bands}; choose them: rio stack SRC --bidx 1,2,3 --output DST"
            )
        levels = [level for level in drawn if level.number in sketch.levels]
        if len(levels) < len(sketch.levels) or not levels:
            raise WorldError(
                f"{where}.levels={list(sketch.levels)} are not all drawn; name some of levels "
                f"{drawn[0].number} to {drawn[-1].number}"
            )
        for level in levels:
            _check_cells(sketch, level)


def _check_cells(sketch: Sketch, level: DrawnLevel) -> None:
    if isinstance(level.sampler, SpotDiffusion):
        raise WorldError(
            f"condition.{sketch.name} needs tiles that begin at its cells, and sampler.preset="
            "'spotdiffusion' moves them; take preset = 'earlysync'"
        )
    for name in ("tile", "stride", "chart", "halo"):
        pixels = getattr(level.sampler, name, 0)
        if pixels % sketch.cell:
            fits = gcd(level.sampler.tile, level.sampler.stride, sketch.cell)
            raise WorldError(
                f"condition.{sketch.name}.cell={sketch.cell} must divide {level.section}.{name}={pixels}; "
                f"take cell = {fits}"
            )
