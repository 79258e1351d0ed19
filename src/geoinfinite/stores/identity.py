"""The identity of a store: recipe, window, how it is cut into shards, numerics."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyproj
import rasterio

from geoinfinite.engine import resolve
from geoinfinite.errors import ModelError, StoreError, WorldError
from geoinfinite.models.backend import NEEDED, ONNX, check_installed
from geoinfinite.plane.window import Window
from geoinfinite.provenance import SYNTHETIC, version
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.cuts import Cut, level_of, parents_group
from geoinfinite.stores.planning import Plan, plan_stages
from geoinfinite.stores.presets import PRESETS, StorePreset
from geoinfinite.token import token

FORMAT = 3
"""Version of the layout of stores: raised by every change that older versions cannot resume."""

DIGEST = "digest"
"""Key of the digest of a header, by which a damaged copy is known."""

Profile = dict[str, str]
"""What the last bits depend on besides the recipe: versions, device, instruction set."""


def numerics_profile(recipe: Recipe) -> Profile:
    """Return the profile of this process for a recipe: it is kept in the store and checked in every task.

    Where a network draws, it names the instruction set in use, which users can lower by an environment
    variable such as ``ATEN_CPU_CAPABILITY``: another one adds in another order. A backend other than torch is
    named; `ModelError` is raised where it is not installed.
    """
    profile = {"machine": platform.machine(), "device": recipe.numerics.device, "numpy": np.__version__}
    simd = np.show_config(mode="dicts")
    found = simd.get("SIMD Extensions", {}).get("found", []) if isinstance(simd, dict) else []
    profile["simd"] = " ".join(found)
    if recipe.conditions:
        profile |= {"proj": pyproj.proj_version_str, "gdal": rasterio.__gdal_version__}
    models = (recipe.model, *(s.model for s in recipe.levels if s.model))
    if any(slot.kind == "text" for model in models for slot in model.facts().slots):
        profile["transformers"] = version("transformers")
    if ONNX in {model.backend for model in models}:
        check_installed(ONNX)
        profile |= {"backend": ONNX, **{name: version(name) for name in NEEDED}}
    if any(model.directory is not None for model in models):
        profile |= {name: version(name) for name in ("torch", "diffusers")}
        # Only a process that draws with a network pays for this import of torch.
        profile |= import_module("geoinfinite.models.threads").instruction_set()
    if recipe.numerics.device == "cuda":
        # Only a machine that draws on a GPU pays for this import of torch.
        profile["gpu"] = import_module("geoinfinite.models.earth.tiles").device_name()
    return profile


def software() -> dict[str, str]:
    """Return versions of libraries that a store records although they change no pixel."""
    return {name: version(name) for name in ("geoinfinite", "zarr", "numcodecs")}


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a store: recipe, window, levels and numerics, kept in the attributes of its root."""

    recipe: str
    """The world file that makes its pixels."""
    token: str
    """The token of that recipe."""
    level: int
    window: Window
    preset: StorePreset
    shards: Mapping[str, int]
    """Side of the shards of every group of pixels, by its name."""
    chunks: Mapping[str, int]
    """Side of the chunks of every group of pixels."""
    windows: Mapping[str, Window]
    """Pixels of every group on its level."""
    numerics: Profile
    software: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, numerics: Profile) -> Self:
        """Return the header of a new store."""
        return cls(
            recipe=worldfile.dump(plan.recipe),
            token=plan.target.token,
            level=plan.level,
            window=plan.window,
            preset=plan.preset,
            shards={s.group: s.shard for s in plan.stored},
            chunks={s.group: s.chunk for s in plan.stored},
            windows={s.group: s.window for s in plan.stored},
            numerics=numerics,
            software=software(),
        )

    @property
    def job(self) -> str:
        """Name of the job: stores of the same job hold the same bytes, on one numerics profile."""
        cut = [self.preset.name, dict(self.shards), dict(self.chunks)]
        return token([FORMAT, self.token, self.level, _bounds(self.window), cut])

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """How every group of pixels is cut into shards and objects."""
        return tuple(
            Cut(group, self.windows[group].shape, side, self.chunks[group], self.preset)
            for group, side in self.shards.items()
        )

    @property
    def listed(self) -> tuple[int, ...]:
        """The levels that other programs are shown, finest first."""
        return tuple(sorted((int(group) for group in self.shards if group.isdecimal()), reverse=True))

    @property
    def unlisted(self) -> tuple[int, ...]:
        """The levels that are kept for the drawing of others only, finest first."""
        return tuple(sorted({*map(level_of, self.shards)} - {*self.listed}, reverse=True))

    def to_attributes(self) -> dict[str, Any]:
        """Return the header as JSON, with a digest of all of it."""
        said = {
            "format": FORMAT,
            "synthetic": SYNTHETIC,
            "job": self.job,
            "token": self.token,
            "level": self.level,
            "window": _bounds(self.window),
            "preset": self.preset.name,
            "shards": dict(self.shards),
            "chunks": dict(self.chunks),
            "windows": {level: _bounds(window) for level, window in self.windows.items()},
            "numerics": dict(self.numerics),
            "software": dict(self.software),
            "recipe": self.recipe,
        }
        return {**said, DIGEST: token(said)}

    @classmethod
    def from_attributes(cls, url: str, attributes: Mapping[str, Any]) -> Self:
        """Read the header of the store at ``url``; raise `StoreError` if it was changed or is too new."""
        try:
            if attributes["format"] != FORMAT:
                raise StoreError(
                    f"{url} has the layout {attributes['format']!r}, this version knows {FORMAT}; "
                    "use the version of geoinfinite that wrote it, or write a new store"
                )
            header = cls(
                recipe=attributes["recipe"],
                token=attributes["token"],
                level=attributes["level"],
                window=Window(*attributes["window"]),
                preset=PRESETS[attributes["preset"]],
                shards={_group(name): side for name, side in attributes["shards"].items()},
                chunks=dict(attributes["chunks"]),
                windows={name: Window(*bounds) for name, bounds in attributes["windows"].items()},
                numerics=attributes["numerics"],
                software=attributes["software"],
            )
            said = header.to_attributes()
            if any(said[key] != attributes[key] for key in said):
                raise ValueError("its digest does not fit its content")
            if not header.windows.keys() == header.shards.keys() == header.chunks.keys():
                raise ValueError("its levels are not those of a store")
            if any(
                c < 1 or s < 1 or s % c
                for c, s in ((header.chunks[g], header.shards[g]) for g in header.shards)
            ):
                raise ValueError("its shards are not of whole chunks")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{url}: the attributes of the store are damaged ({error}); delete it"
            ) from error
        return header

    def world(self, url: str) -> Recipe:
        """Rebuild the recipe; raise `StoreError` unless it makes the same pixels here."""
        try:
            recipe = Recipe(**worldfile.parse(self.recipe, where="its recipe", folder=_folder(url)))
            found = recipe.token
        except (WorldError, ModelError, OSError) as error:
            raise StoreError(
                f"{url} cannot be continued here: {error}; put the file back where the recipe names it"
            ) from error
        if found != self.token:
            raise StoreError(
                f"{url} was begun from other content than its recipe finds now (token {self.token[:12]}, "
                f"now {found[:12]}): the root raster or the weights changed; put the old ones back, or start "
                "a new store"
            )
        return recipe

    def plan(self, url: str) -> Plan:
        """Rebuild the plan; raise `StoreError` unless it makes the same pixels and objects here."""
        drawn = {level: parents_group(level) for level in map(level_of, self.shards)}
        sides = {level: self.shards.get(group, self.shards.get(str(level))) for level, group in drawn.items()}
        plan = plan_stages(
            resolve(self.world(url), self.level),
            self.window,
            lambda level, _: sides[level.number] or 0,
            self.preset,
        )
        if Header.of(plan, self.numerics).job != self.job:
            raise StoreError(
                f"{url} is cut into other shards than this version of geoinfinite would make; finish it with "
                f"the version that wrote it ({self.software.get('geoinfinite')}), or start a new store"
            )
        return plan


def check_same_job(url: str, theirs: Header, ours: Header) -> None:
    """Raise `StoreError` unless the store at ``url`` holds the job that is asked for."""
    if theirs.job != ours.job:
        found = "; ".join(_differences(theirs, ours)) or "the content of the root raster or of the weights"
        raise StoreError(f"{url} holds another job: {found}; choose another path, or delete it")
    check_same_numerics(url, theirs.numerics, ours.numerics)


def check_same_numerics(url: str, theirs: Profile, ours: Profile) -> None:
    """Raise `StoreError` if this process might draw other last bits than the store's."""
    keys = [k for k in sorted({*theirs, *ours}) if theirs.get(k) != ours.get(k)]
    if keys:
        found = "; ".join(f"{k} = {theirs.get(k)} in the store, {ours.get(k)} here" for k in keys)
        raise StoreError(
            f"{url} was begun on other numerics, whose last bits may differ: {found}; "
            "finish it on the same, or start a new store"
        )


def _group(name: str) -> str:
    """Return the name of a group of pixels; raise `ValueError` for what a store does not call one."""
    level = level_of(name)
    if name not in (str(level), parents_group(level)):
        raise ValueError(f"{name!r} is no group of pixels")
    return name


def _bounds(window: Window) -> list[int]:
    return [window.y0, window.y1, window.x0, window.x1]


def _folder(url: str) -> Path:
    """Return the folder that relative names in a recipe are read from; a bucket has none that is here."""
    return Path() if "://" in url else Path(url).parent


def _differences(theirs: Header, ours: Header) -> Iterator[str]:
    for name in ("level", "window", "preset"):
        old, new = getattr(theirs, name), getattr(ours, name)
        if name == "preset":
            old, new = old.name, new.name
        if old != new:
            yield f"{name}={old} there, {new} here"
    there, here = (_flat(tomllib.loads(h.recipe)) for h in (theirs, ours))
    for key in sorted({*there, *here}):
        if there.get(key) != here.get(key):
            yield f"{key}={there.get(key)!r} there, {here.get(key)!r} here"
    if theirs.token == ours.token and dict(theirs.shards) != dict(ours.shards):
        yield f"shard={max(theirs.shards.values())} there, {max(ours.shards.values())} here"


def _flat(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{section}.{key}": value for section, table in tables.items() for key, value in table.items()}
