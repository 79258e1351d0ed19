"""World files: TOML to a recipe's fields and back, with an error for everything that is not understood."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from geoinfinite.conditions import KINDS
from geoinfinite.errors import WorldError, shorten
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe import condition_tables
from geoinfinite.recipe.defaults import completed, default_sampler, fit_turn
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import GENERATED, Root
from geoinfinite.recipe.settings import LevelSettings, Numerics, described
from geoinfinite.recipe.tables import build, check_keys, settings, shown, typed
from geoinfinite.samplers.presets import PRESETS
from geoinfinite.samplers.tiled import TiledSampler

LARGEST_FILE = 2**18
"""Bytes of a world file."""
_MOST_DOTS = 1000
"""Dots in a line: reading a dotted key takes time that grows with the square of its length."""
_TOP = ("name", "seed", "dtype")
_SECTIONS: Mapping[str, type] = {"grid": Grid, "root": Root, "model": ModelReference, "numerics": Numerics}

Table = Mapping[str, Any]
_Around = tuple[int, int]
R = TypeVar("R", bound=Recipe)


def resolve(name: str | Path) -> Path:
    """Return the file of a world: a bundled name or a path to a ``.toml``."""
    folder = Path(str(files("geoinfinite") / "data"))
    bundled = folder / f"{name}.toml"
    if "/" not in str(name) and os.path.isfile(bundled):
        return bundled
    path = Path(os.path.expanduser(name))
    if not os.path.isfile(path):
        names = sorted(p.stem for p in folder.glob("*.toml"))
        raise WorldError(
            f"world {shorten(str(name))!r} does not exist; name a .toml file or a bundled world: "
            f"{', '.join(names)}"
        )
    return path


def load(name: str | Path, kind: type[R]) -> R:
    """Return the recipe of a bundled world or a world file, as a ``Recipe`` or a subclass of it."""
    path = resolve(name)
    if path.stat().st_size > LARGEST_FILE:
        raise WorldError(
            f"{path.name} is larger than {LARGEST_FILE} bytes, which no world file is; name a .toml file"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WorldError(f"{path.name} is not UTF-8: {error}; save it as UTF-8") from error
    return loads(text, kind, where=path.name, folder=path.parent)


def loads(text: str, kind: type[R], *, where: str = "text", folder: Path | None = None) -> R:
    """Return the recipe that a world file's text describes; relative paths in it start at ``folder``.

    ``where`` names the file in errors. Without a folder paths start at the current one.
    """
    return kind(**parse(text, where=where, folder=folder or Path.cwd()))


def parse(text: str, *, where: str, folder: Path) -> dict[str, Any]:
    """Return the fields of the recipe that a world file's text describes.

    ``where`` names the file in errors; relative paths in it start at ``folder``.
    """
    if len(text) > LARGEST_FILE:
        raise WorldError(
            f"{where} is longer than {LARGEST_FILE} characters, which no world file is; give the text of one"
        )
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise WorldError(f"{where} has a line with more than {_MOST_DOTS} dots; no key lies so deep")
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits is a plain ValueError, and lists within lists recurse.
        raise WorldError(
            f"{where} is not TOML: {shorten(str(error))}; see docs/worlds.md for an example"
        ) from error
    try:
        return _fields(tables, folder)
    except WorldError as error:
        raise WorldError(f"{where}: {error}") from error


def _fields(tables: Table, folder: Path) -> dict[str, Any]:
    check_keys(tables, ("world", "sampler", "level", condition_tables.KEY, *_SECTIONS), "")
    for name, table in tables.items():
        if not isinstance(table, dict) and name != condition_tables.KEY:
            raise WorldError(
                f"{name} = {shown(table)} stands outside a section; sections are written [{name}]"
            )
    world = tables.get("world", {})
    check_keys(world, _TOP, "world.")
    types = {f.name: str(f.type) for f in dataclasses.fields(Recipe)}
    fields: dict[str, Any] = {k: typed(v, types[k], f"world.{k}") for k, v in world.items()}
    root: Root = build(Root, _anchored(tables.get("root", {}), Root, "root", folder), "root")
    grid = _raster_grid(root) | settings(tables.get("grid", {}), Grid, "grid")
    fields |= {"root": root, "grid": build(Grid, grid, "grid")}
    if "numerics" in tables:
        fields["numerics"] = build(Numerics, settings(tables["numerics"], Numerics, "numerics"), "numerics")
    model = ModelReference("bundled:earth-small")
    if "model" in tables:
        model = _model(tables["model"], "model", folder)
        fields["model"] = model
    said = tables.get("sampler")
    if said is not None:
        fields["sampler"] = _sampler(said, default_sampler(model, 1), "sampler", _around(fields["grid"], 1))
    fields["levels"] = _levels(tables.get("level", {}), said, model, fields, folder)
    if condition_tables.KEY in tables:
        fields["conditions"] = condition_tables.read(tables[condition_tables.KEY], KINDS, folder)
    return fields


def _raster_grid(root: Root) -> dict[str, Any]:
    """Return what a raster says of the grid; nothing if level 0 is generated."""
    if root.generated:
        return {}
    raster = root.raster()
    return {
        "crs": raster.crs,
        "origin": raster.origin,
        "resolution": raster.resolution,
        "shape": raster.shape,
        "periodic": raster.periodic,
    }


def _model(table: Table, section: str, folder: Path) -> ModelReference:
    model: ModelReference = build(ModelReference, _anchored(table, ModelReference, section, folder), section)
    return model


def _sampler(
    table: Table, base: TiledSampler, section: str, around: _Around, fallback: TiledSampler | None = None
) -> TiledSampler:
    """Return the sampler of a section; what it leaves unsaid is the base's, so far as their presets agree.

    ``around`` are the columns that the section's levels have once round the Earth, and the grid's factor.
    ``fallback`` is completed from instead where the section names another preset than the base's.
    """
    said = dict(table)
    preset = typed(said.pop("preset", base.preset), "str", f"{section}.preset")
    if preset not in PRESETS:
        raise WorldError(f"{section}.preset={shown(preset)} is not one of {', '.join(PRESETS)}")
    kind = PRESETS[preset]
    said = settings(said, kind, section)
    if fallback is not None and type(base) is not kind:
        base = fallback
    every = fit_turn(completed(said, base, kind), said, base, *around)
    built: TiledSampler = build(kind, every, section)
    return built


def _around(grid: Grid, level: int) -> _Around:
    """Return the columns of a level, 0 if they are no turn, and the factor; finer levels have a multiple."""
    return grid.shape_at(min(level, grid.levels - 1))[1] if grid.periodic else 0, grid.factor


def _levels(
    tables: Table, said: Table | None, model: ModelReference, fields: Table, folder: Path
) -> tuple[LevelSettings, ...]:
    """Return settings of single levels: from their sections, and from [sampler] where it differs for them.

    A partial [sampler] is completed in another way on a level that has another default: one with a model
    of its own, and level 0 of a generated world.
    """
    found = {}
    for name, table in tables.items():
        if not (name.isascii() and name.isdecimal() and len(name) < 4 and str(int(name)) == name):
            raise WorldError(f"[level.{shorten(name)}] is not a level; write [level.3.sampler]")
        found[int(name)] = table
    if fields["root"].drawn:
        found.setdefault(0, {})
    of_world: Any = fields.get("sampler")
    levels = []
    for number, table in found.items():
        where = f"level.{number}"
        if not isinstance(table, dict):
            raise WorldError(f"{where}={shown(table)} is not a level; write [level.3.sampler]")
        check_keys(table, ("sampler", "model"), f"{where}.")
        for name, part in table.items():
            if not isinstance(part, dict):
                raise WorldError(f"{where}.{name}={shown(part)} is no section; write [{where}.{name}]")
        own = _model(table["model"], f"{where}.model", folder) if "model" in table else None
        stated = sampler = None
        around = _around(fields["grid"], number)
        if said is not None and (own or not number):
            stated = _at(number, _sampler(said, default_sampler(own or model, number), "sampler", around))
            sampler = stated if stated != _at(number, of_world) else None
        if "sampler" in table:
            base = stated or of_world or default_sampler(own or model, number)
            fallback = default_sampler(own or model, 1)
            sampler = _sampler(table["sampler"], _at(number, base), f"{where}.sampler", around, fallback)
        if sampler or own:
            levels.append(LevelSettings(number, sampler, own))
    return tuple(levels)


def _at(level: int, sampler: TiledSampler) -> TiledSampler:
    """Return a sampler as a level uses it: level 0 has no parent to be consistent with."""
    return sampler if level else dataclasses.replace(sampler, consistency="none")


def _anchored(table: Table, kind: type, section: str, folder: Path) -> dict[str, Any]:
    """Return the settings of a section whose path, if it is a relative one, starts at a folder.

    ``scheme:name`` and ``generated`` are no paths.
    """
    key = "source" if kind is Root else "ref"
    said = settings(table, kind, section)
    value = said.get(key)
    if value is None or ":" in value or value == GENERATED:
        return said
    return {**said, key: os.path.abspath(folder / os.path.expanduser(value))}


def dump(recipe: Recipe, relative_to: Path | None = None) -> str:
    """Return the world file that describes a recipe in full; `loads` reads it back to an equal one.

    Paths are absolute, or start at the folder ``relative_to``, to be read back with it.
    """
    sections: dict[str, Any] = {"world": {key: getattr(recipe, key) for key in _TOP}}
    for name in _SECTIONS:
        sections[name] = _written(getattr(recipe, name), relative_to)
    if recipe.sampler is not None:
        sections["sampler"] = described(recipe.sampler)
    for own in recipe.levels:
        sections.setdefault("level", {})[str(own.level)] = {
            **({"sampler": described(own.sampler)} if own.sampler else {}),
            **({"model": _written(own.model, relative_to)} if own.model else {}),
        }
    if recipe.conditions:
        sections[condition_tables.KEY] = condition_tables.written(recipe.conditions, relative_to)
    return tomli_w.dumps(sections)


def _written(part: Any, relative_to: Path | None) -> dict[str, Any]:
    """Return the settings of a part of a recipe as a section holds them."""
    said = {name: value for name, value in dataclasses.asdict(part).items() if value is not None}
    for key in ("source", "ref"):
        if relative_to is not None and key in said and os.path.isabs(said[key]):
            said[key] = Path(os.path.relpath(said[key], relative_to)).as_posix()
    return said
