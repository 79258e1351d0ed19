"""Everything that decides a pixel, as one frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from geoinfinite.conditions.known import Known, KnownRoot
from geoinfinite.conditions.protocol import Condition
from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import FileState
from geoinfinite.models.backend import check_device
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.rasters.files import states
from geoinfinite.recipe.checks import (
    DrawnLevel,
    check_bands,
    check_conditions,
    check_drawn,
    check_known,
    check_root,
    check_seeds,
    check_settings,
    check_sketches,
)
from geoinfinite.recipe.defaults import default_sampler
from geoinfinite.recipe.root import Root
from geoinfinite.recipe.settings import LevelSettings, Numerics, described
from geoinfinite.samplers.presets import PRESETS
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.token import token

PIXELS = 12
"""Version of the arithmetic: raised by every change of the library that changes a pixel."""
LONGEST_NAME = 4096
"""Characters of a world's name."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A world: where its pixels are, what they are drawn from, with which network and how.

    Frozen and small: it travels in every task. Two recipes with the same `token` make the same
    pixels, on any machine, for ever.
    """

    grid: Grid
    root: Root
    model: ModelReference = field(default_factory=lambda: ModelReference("bundled:earth-small"))
    sampler: TiledSampler | None = None
    """Sampler of the levels that have none of their own; ``None``: the default of each level's model."""
    numerics: Numerics = field(default_factory=Numerics)
    name: str = "world"
    seed: int = 0
    dtype: str = "uint8"
    levels: tuple[LevelSettings, ...] = ()
    """Settings that single levels have of their own."""
    conditions: tuple[Condition, ...] = ()
    """What steers the levels besides their parents: georeferenced data that fills slots of the models."""

    def __post_init__(self) -> None:
        if type(self.seed) is not int or not 0 <= self.seed < 2**64:
            raise WorldError(f"seed={shorten(repr(self.seed))} must be an integer from 0 to 2**64 - 1")
        if not isinstance(self.name, str) or len(self.name) > LONGEST_NAME or not _is_unicode(self.name):
            raise WorldError(
                f"name={shorten(repr(self.name))} must be a text of {LONGEST_NAME} characters at most"
            )
        Encoding(self.dtype)
        if not self.root.generated:
            check_root(self.root.raster(), self.grid, self.dtype)
        check_settings(self.levels, self.grid, self.root)
        drawn = self.drawn_levels()
        # What a level needs of a model shows on its first two, but for distances that it has classes for.
        checked = drawn if self.model.facts().gsds is not None else drawn[:2]
        for level in sorted({*checked, *(s.level for s in self.levels)}):
            check_drawn(self.grid, self._drawn(level))
            check_device(self.model_at(level).backend, self.numerics.device)
            check_bands(self.model_at(level), self.bands, self.root)
        slots = {model: model.facts().slots for model in {self.model_at(level) for level in drawn}}
        if self.conditions or self.known or any(slots.values()):
            check_known(self.known, self.grid, drawn, bands=self.bands, dtype=self.dtype)
            check_seeds(self.conditions, self.grid, drawn)
            check_sketches(self.conditions, [self._drawn(level) for level in drawn], self.bands)
            check_conditions(self.conditions, self.grid, [self._drawn(level) for level in drawn], slots)

    def drawn_levels(self) -> range:
        """Return the levels that a network draws: all, or all but the root raster."""
        return range(0 if self.root.drawn else 1, self.grid.levels)

    @property
    def known(self) -> tuple[Known, ...]:
        """The rasters whose pixels stay as they are: those of conditions, and a root that is filled."""
        of_root = (KnownRoot(str(self.root.path)),) if self.root.fill else ()
        return (*of_root, *(c for c in self.conditions if isinstance(c, Known)))

    def settings_at(self, level: int) -> LevelSettings:
        """Return what a level has of its own."""
        return next((s for s in self.levels if s.level == level), LevelSettings(level))

    def _drawn(self, level: int) -> DrawnLevel:
        own = self.settings_at(level).sampler
        by_default = own is None and self.sampler is None
        section = f"level.{level}.sampler" if own or (by_default and level == 0) else "sampler"
        return DrawnLevel(level, self.model_at(level), own or self.sampler_at(level), section)

    @property
    def bands(self) -> int:
        """Number of bands."""
        if not self.root.generated:
            return self.root.raster().bands
        model = self.model_at(0)
        bands = model.facts().bands
        if bands is None:
            raise WorldError(
                f"model.ref={model.ref!r} draws any number of bands, so a generated world has none of its "
                "own; name a model with bands for level 0 under [level.0.model]"
            )
        return bands

    @property
    def encoding(self) -> Encoding:
        """How values of the dtype map to the network's."""
        return Encoding(self.dtype)

    @property
    def noise_key(self) -> int:
        """The number that all of the world's randomness follows from."""
        return noise_key(self.name, self.seed)

    def sampler_at(self, level: int) -> TiledSampler:
        """Return how a level is sampled: as the level says, as the world says, or as its model is by default.

        Level 0 of a generated world has no parent that it could be held to: its ``consistency`` is "none".
        """
        found = self.settings_at(level).sampler or self.sampler
        if found is None:
            found = default_sampler(self.model_at(level), level)
        if level == 0 and found.consistency != "none":
            return dataclasses.replace(found, consistency="none")
        return found

    def model_at(self, level: int) -> ModelReference:
        """Return what draws a level: the model of ``[level.N.model]``, or the world's."""
        return self.settings_at(level).model or self.model

    def noise(self, level: int, channels: int, latent: int = 1) -> NoiseField:
        """Return the noise of a level's states, a function of position; ``latent`` as in `ModelFacts`."""
        period = self.grid.period(level)
        return NoiseField(
            key=self.noise_key,
            level=level,
            channels=channels,
            period=None if period is None else period // latent,
        )

    @property
    def token(self) -> str:
        """Name of the pixels: equal recipes have equal tokens in every process and on every machine.

        Files count by content, not by path. Computing it reads the root raster and the weights once.
        """
        return token(
            {
                "pixels": PIXELS,
                "name": self.name,
                "seed": self.seed,
                "dtype": self.dtype,
                "grid": dataclasses.asdict(self.grid),
                "root": self.root.digest(),
                "levels": self._levels_described(),
                "conditions": sorted((c.described() for c in self.conditions), key=token),
                "numerics": dataclasses.asdict(self.numerics),
            }
        )

    def _levels_described(self) -> list[Any]:
        """Return what draws the levels, once for all levels in a row: defaults count as if said."""
        digests = {model: model.digest() for model in {self.model_at(n) for n in self.drawn_levels()}}
        runs: list[Any] = []
        for level in self.drawn_levels():
            drawn_by = [described(self.sampler_at(level)), digests[self.model_at(level)]]
            if not runs or runs[-1][1:] != drawn_by:
                runs.append([level, *drawn_by])
        return runs

    def file_states(self) -> tuple[FileState, ...]:
        """Return the present state of every file that decides a pixel."""
        models = (self.model, *(s.model for s in self.levels if s.model))
        paths = dict.fromkeys(path for model in models for path in model.files())
        paths |= dict.fromkeys(path for condition in self.conditions for path in condition.files())
        of_root = () if self.root.generated else states(self.root.path)
        return (*(FileState.of(path) for path in paths), *of_root)

    def replace(self, **changes: Any) -> Self:
        """Return a world with some fields changed, checked like a new one.

        A model or a root may be given by its reference or path, a sampler by the name of its preset.

        >>> from geoinfinite import World
        >>> World.load("earth").replace(seed=7).seed
        7
        """
        known = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise WorldError(f"replace({name}=...) is not a field of a world: {', '.join(known)}")
        return dataclasses.replace(self, **{name: _field(name, value) for name, value in changes.items()})

    def replace_level(
        self,
        level: int,
        *,
        sampler: TiledSampler | str | None = None,
        model: ModelReference | str | None = None,
    ) -> Self:
        """Return a world one level of which has a sampler or a model of its own.

        >>> from geoinfinite import World, samplers
        >>> world = World.load("analytic").replace_level(2, sampler=samplers.MultiDiffusion())
        >>> world.sampler_at(2).preset, world.sampler_at(3).preset
        ('multidiffusion', 'independent')
        """
        known = self.settings_at(level)
        settings = LevelSettings(
            level,
            known.sampler if sampler is None else _field("sampler", sampler),
            known.model if model is None else _field("model", model),
        )
        return self.replace(levels=(*(s for s in self.levels if s.level != level), settings))

    def __dask_tokenize__(self) -> str:
        return self.token


_KINDS: dict[str, tuple[type, ...]] = {
    "grid": (Grid,),
    "root": (Root,),
    "model": (ModelReference,),
    "sampler": (TiledSampler, type(None)),
    "numerics": (Numerics,),
    "levels": (tuple,),
    "conditions": (tuple,),
}


def _field(name: str, value: Any) -> Any:
    """Return a field given as such or by name; raise `WorldError` for a value of another kind."""
    if name == "conditions" and isinstance(value, Iterable):
        return tuple(value)
    if name in ("model", "root") and hasattr(value, "__fspath__"):
        value = value.__fspath__()
    if isinstance(value, str):
        if name == "model":
            return ModelReference(value)
        if name == "root":
            return Root(value)
        if name == "sampler":
            if value not in PRESETS:
                raise WorldError(f"replace(sampler={value!r}) is not one of {', '.join(PRESETS)}")
            return PRESETS[value]()
    kinds = _KINDS.get(name)
    if kinds and not isinstance(value, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        by_name = ", or its name" if name in ("model", "root", "sampler") else ""
        raise WorldError(f"replace({name}={shorten(repr(value))}) must be a {names}{by_name}")
    return value


def _is_unicode(text: str) -> bool:
    """Say whether a text can be written in UTF-8: noise is keyed by its bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
