"""Resolves recipes to levels: the only place of the engine that reads files to find out what a level is."""

from __future__ import annotations

import copyreg
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from geoinfinite.conditions.known import KnownPixels
from geoinfinite.conditions.protocol import ByRegion, PromptCounts
from geoinfinite.conditions.sketch import Sketch
from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.engine.level import Drawn, Level, TileNoise
from geoinfinite.engine.level_layers import Lattices
from geoinfinite.engine.raster_source import RasterSource
from geoinfinite.engine.seeded_noise import SeededNoise
from geoinfinite.engine.steering import Steering
from geoinfinite.engine.tile_batch import PositionNoise
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.file_memo import FileState, LargeFile, large_files, trust
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.checks import seeds_at
from geoinfinite.recipe.fillings import Filling, fillings, terms_of
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.solver_settings import sampling_of


@dataclass(frozen=True, slots=True)
class _ResolvedModel:
    """Facts from the files of a model, read once for all levels that it draws."""

    facts: ModelFacts
    digest: str
    files: tuple[FileState, ...]

    @classmethod
    def of(cls, model: ModelReference) -> _ResolvedModel:
        files = tuple(FileState.of(path) for path in model.files())
        return cls(model.facts(), model.digest(), files)


class _ResolvedRecipe:
    """The levels of one recipe that have been asked for, and the files that they were made from."""

    def __init__(self, recipe: Recipe) -> None:
        self.files = recipe.file_states()
        self._recipe, self._token = recipe, recipe.token
        self._levels: list[Level] = []
        self._models: dict[ModelReference, _ResolvedModel] = {}

    def level(self, number: int) -> Level:
        """Return a level, and keep it with those above it."""
        while len(self._levels) <= number:
            self._levels.append(self._next_level())
        return self._levels[number]

    def _next_level(self) -> Level:
        recipe, number = self._recipe, len(self._levels)
        parent = self._levels[-1] if self._levels else None
        bands = recipe.bands if parent is None else parent.bands
        is_raster = parent is None and not recipe.root.drawn
        source = RasterSource(recipe.root.raster()) if is_raster else self._drawn(number, bands)
        return Level(recipe, number, self._token, bands, source, parent)

    def _drawn(self, number: int, bands: int) -> Drawn:
        recipe, model, sampler = self._recipe, self._recipe.model_at(number), self._recipe.sampler_at(number)
        if model not in self._models:
            self._models[model] = _ResolvedModel.of(model)
        known = self._models[model]
        facts, channels = known.facts, known.facts.channels or bands
        return Drawn(
            model=model,
            digest=known.digest,
            files=known.files,
            facts=facts,
            sampler=sampler,
            solving=sampling_of(sampler, model),
            layers=Lattices(recipe.grid, number, sampler, facts, recipe.noise_key).layers(),
            noise=_noise(recipe, number, channels, facts.latent),
            channels=channels,
            guided=sampler.consistency if sampler.consistency in ("project", "guide") else None,
            keeps_means=sampler.consistency != "none",
            steering=_steering(recipe, number, facts),
            sketch=_sketch(recipe, number),
            known=_known(recipe, number),
        )


def _noise(recipe: Recipe, number: int, channels: int, latent: int) -> TileNoise:
    """Return the noise of a level: that of the world's seed, or of seeds by region."""
    field = recipe.noise(number, channels, latent)
    seeds = seeds_at(recipe.conditions, number)
    return PositionNoise(field) if seeds is None else SeededNoise(field, seeds, recipe, number, latent)


def _sketch(recipe: Recipe, number: int) -> Sketch | None:
    """Return the draft that a level is drawn to; raise `WorldError` for two."""
    found = [c for c in recipe.conditions if isinstance(c, Sketch) and number in c.levels]
    if len(found) > 1:
        raise WorldError(f"condition.{found[0].name} stands {len(found)} times for level {number}; leave one")
    return found[0] if found else None


def _known(recipe: Recipe, number: int) -> KnownPixels | None:
    """Return what is known of a level: by a raster of its own, or of the nearest finer level."""
    rasters = [known for known in recipe.known if known.level >= number]
    nearest = min(rasters, key=lambda known: known.level, default=None)
    return None if nearest is None else KnownPixels(nearest, recipe.grid, number)


def _steering(recipe: Recipe, number: int, facts: ModelFacts) -> Steering:
    """Return what steers a level, from its conditions and the slots of its model."""
    filled = fillings(recipe.conditions, facts.slots, number)
    terms = terms_of(filled, recipe.sampler_at(number), f"level.{number}.sampler")
    counted = {f.slot.name: _counts(f, recipe.grid, number) for f in filled}
    by_region = {name: counts for name, counts in counted.items() if counts is not None}
    if len(by_region) > 1:
        raise WorldError(
            f"condition.{' and condition.'.join(by_region)} both differ by region at level {number}; tiles "
            "are told the texts of one condition by region: give all but one a single prompt"
        )
    slot = next(iter(by_region), None)
    return Steering(filled, terms, slot, by_region[slot] if slot else None)


def _counts(filling: Filling, grid: Grid, number: int) -> PromptCounts | None:
    """Return how many texts a condition says of every tile; ``None`` if always one."""
    condition = filling.condition
    return condition.counts(grid, number) if isinstance(condition, ByRegion) else None


class ResolvedLevels:
    """Levels resolved earlier; they are kept while the files that they were made from stand unchanged."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._recipes: OrderedDict[Recipe, _ResolvedRecipe] = OrderedDict()
        self._lock = threading.Lock()

    def level(self, recipe: Recipe, number: int) -> Level:
        """Return a level of a recipe, resolved now if need be."""
        with self._lock:
            known = self._recipes.get(recipe)
            if known is None or not all(file.is_current() for file in known.files):
                known = self._recipes[recipe] = _ResolvedRecipe(recipe)
            self._recipes.move_to_end(recipe)
            while len(self._recipes) > self.limit:
                self._recipes.popitem(last=False)
            return known.level(number)


_of_process = ResolvedLevels(limit=64)


def resolve(recipe: Recipe, number: int, *, kept: ResolvedLevels = _of_process) -> Level:
    """Return a level of a recipe, with all that its pixels depend on.

    Reads the header and the digest of the root raster, and the configuration and the digest of the model:
    once for all levels of a recipe, as long as the files stand unchanged. Raises `WindowError` for a level
    that the grid does not have.
    """
    if not 0 <= number < recipe.grid.levels:
        raise WindowError(
            f"level={number} does not exist: this grid has levels 0 to {recipe.grid.levels - 1}"
        )
    return kept.level(recipe, number)


def resolve_same(recipe: Recipe, number: int, token: str, large: tuple[LargeFile, ...] = ()) -> Level:
    """Return a level that was resolved in another process; refuse it if its files hold other content here.

    Large files that look the same are taken to be the same, and are not read to the end to find out.
    """
    trust(large)
    level = resolve(recipe, number)
    if level.token != token:
        raise WorldError(
            f"world {recipe.name!r} has other content here (token {level.token[:12]}) than where it was "
            f"opened ({token[:12]}): root.source={recipe.root.source!r} or model.ref={recipe.model.ref!r} "
            "names another file; copy the files of that machine to this one"
        )
    return level


def _as_name(level: Level) -> tuple[Any, ...]:
    return resolve_same, (level.recipe, level.number, level.token, large_files(level.recipe.file_states()))


# A level travels by name: the other process resolves it from its own files, and refuses other content.
copyreg.pickle(Level, _as_name)
