"""World files: TOML to a recipe's fields and back, with an error for everything that is not understood."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.recipe import OF_GENERATED_ROOT, LevelSettings, Numerics, Recipe, described
from geoinfinite.recipe.root import GENERATED, Root
from geoinfinite.samplers.presets import PRESETS, IndependentTiles
from geoinfinite.samplers.tiled import TiledSampler

_TOP = ("name", "seed", "dtype")
_SECTIONS: Mapping[str, type] = {"grid": Grid, "root": Root, "model": ModelReference, "numerics": Numerics}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float),
    "str": (str,),
    "bool": (bool,),
    "tuple[float, float]": (list,),
    "tuple[int, int]": (list,),
    "tuple[int, ...]": (list,),
}


def resolve(name: str | Path) -> Path:
    """Return the file of a world: a bundled name or a path to a ``.toml``."""
    bundled = Path(str(files("geoinfinite") / "data" / f"{name}.toml"))
    if "/" not in str(name) and bundled.is_file():
        return bundled
    path = Path(name).expanduser()
    if not path.is_file():
        names = sorted(p.stem for p in bundled.parent.glob("*.toml"))
        raise WorldError(
            f"world {str(name)!r} does not exist; name a .toml file or a bundled world: {', '.join(names)}"
        )
    return path


def parse(text: str, *, where: str, folder: Path) -> dict[str, Any]:
    """Return the fields of the recipe that a world file's text describes.

    ``where`` names the file in errors; relative paths in it start at ``folder``.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorldError(f"{where} is not TOML: {error}; see docs/worlds.md for an example") from error
    try:
        return _fields(tables, folder)
    except WorldError as error:
        raise WorldError(f"{where}: {error}") from error


def _fields(tables: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    _known(tables, ("world", "sampler", "level", *_SECTIONS), "")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise WorldError(f"{name} = {table!r} stands outside a section; sections are written [{name}]")
    world = tables.get("world", {})
    _known(world, _TOP, "world.")
    types = {f.name: str(f.type) for f in dataclasses.fields(Recipe)}
    for key, value in world.items():
        _typed(value, types[key], f"world.{key}")
    fields: dict[str, Any] = dict(world)
    fields["root"] = _build(Root, _anchored(tables.get("root", {}), "source", folder), "root")
    fields["grid"] = _build(Grid, _raster_grid(fields["root"]) | tables.get("grid", {}), "grid")
    if "model" in tables:
        fields["model"] = _build(ModelReference, _anchored(tables["model"], "ref", folder), "model")
    if "numerics" in tables:
        fields["numerics"] = _build(Numerics, tables["numerics"], "numerics")
    if "sampler" in tables:
        fields["sampler"] = _sampler(tables["sampler"], None, "sampler")
    of_world = fields.get("sampler", IndependentTiles())
    levels = tables.get("level", {}).items()
    fields["levels"] = tuple(_level(name, table, of_world, folder) for name, table in levels)
    return fields


def _raster_grid(root: Root) -> dict[str, Any]:
    """Return what a raster says of the grid; nothing if level 0 is generated."""
    if root.generated:
        return {}
    raster = root.facts()
    return {
        "crs": raster.crs,
        "origin": list(raster.origin),
        "resolution": raster.resolution,
        "shape": list(raster.shape),
        "periodic": raster.geographic_turn,
    }


def _sampler(table: Mapping[str, Any], base: TiledSampler | None, section: str) -> TiledSampler:
    """Return the sampler of a section; what it leaves unsaid is the base's, if the preset is the same."""
    said = dict(table)
    preset = said.pop("preset", base.preset if base else "independent")
    if preset not in PRESETS:
        raise WorldError(f"{section}.preset={preset!r} is not one of {', '.join(PRESETS)}")
    if base is not None and base.preset == preset:
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(base).items()}
        said = {k: v for k, v in kept.items() if v is not None} | said
    built: TiledSampler = _build(PRESETS[preset], said, section)
    return built


def _level(name: str, table: Any, of_world: TiledSampler, folder: Path) -> LevelSettings:
    where = f"level.{name}"
    if not name.isdecimal() or not isinstance(table, dict):
        raise WorldError(f"[{where}] is not a level; write [level.3.sampler] or [level.3.model]")
    _known(table, ("sampler", "model"), f"{where}.")
    base = of_world if int(name) else OF_GENERATED_ROOT
    sampler = _sampler(table["sampler"], base, f"{where}.sampler") if "sampler" in table else None
    model = None
    if "model" in table:
        model = _build(ModelReference, _anchored(table["model"], "ref", folder), f"{where}.model")
    return LevelSettings(int(name), sampler, model)


def _known(table: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else "remove it."
            raise WorldError(f"{prefix}{key} is not a key; {hint} Keys: {', '.join(known)}")


def _typed(value: Any, wanted: str, where: str) -> None:
    allowed = _TYPES[wanted]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise WorldError(f"{where}={value!r} is a {type(value).__name__}; it must be {wanted}")


def _build(cls: type, table: Mapping[str, Any], section: str) -> Any:
    types = {f.name: str(f.type) for f in dataclasses.fields(cls)}
    _known(table, tuple(types), f"{section}.")
    for key, value in table.items():
        _typed(value, types[key], f"{section}.{key}")
    required = [
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    for key in required:
        if key not in table:
            raise WorldError(f"{section}.{key} is missing; add it under [{section}]")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})


def _anchored(table: Mapping[str, Any], key: str, folder: Path) -> dict[str, Any]:
    """Make a relative path in a world file absolute; leave ``scheme:name`` and ``generated`` alone."""
    value = table.get(key)
    if not isinstance(value, str) or ":" in value or value == GENERATED:
        return dict(table)
    if Path(value).expanduser().is_absolute():
        return dict(table)
    return {**table, key: str((folder / value).resolve())}


def dump(recipe: Recipe) -> str:
    """Return the world file that describes a recipe in full; `parse` reads it back to an equal one."""
    sections: dict[str, Any] = {"world": {key: getattr(recipe, key) for key in _TOP}}
    for name in _SECTIONS:
        sections[name] = dataclasses.asdict(getattr(recipe, name))
    sections["sampler"] = described(recipe.sampler)
    for settings in recipe.levels:
        sections.setdefault("level", {})[str(settings.level)] = {
            **({"sampler": described(settings.sampler)} if settings.sampler else {}),
            **({"model": dataclasses.asdict(settings.model)} if settings.model else {}),
        }
    return tomli_w.dumps(sections)


R = TypeVar("R", bound=Recipe)


def load(name: str | Path, kind: type[R]) -> R:
    """Return the recipe of a bundled world or a world file, as a ``Recipe`` or a subclass of it."""
    path = resolve(name)
    return kind(**parse(path.read_text(encoding="utf-8"), where=path.name, folder=path.parent))
