"""Everything that decides a pixel, as one frozen value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.quantise import Encoding
from geoinfinite.recipe.compatibility import check_model, check_sampler
from geoinfinite.recipe.root import Root
from geoinfinite.recipe.solver_settings import sampling_of
from geoinfinite.samplers.presets import EarlySync, IndependentTiles
from geoinfinite.samplers.tiled import TiledSampler
from geoinfinite.token import FileState, token

PIXELS = 2
"""Version of the arithmetic: raised by every change of the library that changes a pixel."""


OF_GENERATED_ROOT = EarlySync(solver="dpmpp_2m", schedule="karras", shift=1.0, steps=24, consistency="none")
"""How level 0 of a generated world is sampled unless it says otherwise: right for any denoiser."""


@dataclass(frozen=True, slots=True)
class Numerics:
    """What changes the last bits and the speed, but not the picture."""

    micro_batch: int = 4
    """Tiles per network call; short batches are padded to it."""
    device: str = "cpu"
    """``cpu`` or ``cuda``."""

    def __post_init__(self) -> None:
        if self.micro_batch < 1:
            raise WorldError(f"numerics.micro_batch={self.micro_batch} must be at least 1")
        if self.device not in ("cpu", "cuda"):
            raise WorldError(f'numerics.device={self.device!r} is not "cpu" or "cuda"')


def described(sampler: TiledSampler) -> dict[str, Any]:
    """Return a sampler as a world file writes it.

    >>> described(IndependentTiles())["preset"]
    'independent'
    """
    return {"preset": sampler.preset, **dataclasses.asdict(sampler)}


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """What one level has of its own: ``[level.N.sampler]`` and ``[level.N.model]`` of a world file."""

    level: int
    sampler: TiledSampler | None = None
    model: ModelReference | None = None

    def described(self) -> dict[str, Any]:
        """Return what decides pixels, for a token."""
        sampler = None if self.sampler is None else described(self.sampler)
        model = None if self.model is None else self.model.digest()
        return {"level": self.level, "sampler": sampler, "model": model}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A world: where its pixels are, what they are drawn from, with which network and how.

    Frozen and small: it travels in every task. Two recipes with the same `token` make the same
    pixels, on any machine, for ever.
    """

    grid: Grid
    root: Root
    model: ModelReference = field(default_factory=lambda: ModelReference("bundled:earth-small"))
    sampler: TiledSampler = field(default_factory=IndependentTiles)
    numerics: Numerics = field(default_factory=Numerics)
    name: str = "world"
    seed: int = 0
    dtype: str = "uint8"
    levels: tuple[LevelSettings, ...] = ()
    """What single levels have of their own."""

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise WorldError(f"seed={self.seed} must be between 0 and 2**64 - 1")
        Encoding(self.dtype)
        if not self.root.generated:
            self._check_root()
        self._check_levels()

    def _check_levels(self) -> None:
        for settings in self.levels:
            if not 0 <= settings.level < self.grid.levels:
                raise WorldError(
                    f"level.{settings.level} does not exist: this grid has levels 0 to {self.grid.levels - 1}"
                )
            if settings.level == 0 and not self.root.generated:
                raise WorldError(
                    f"level.0 is root.source={self.root.source!r}, which is read and not drawn; leave "
                    'level.0 out, or set root.source = "generated"'
                )
        self.model.facts()
        first = 0 if self.root.generated else 1
        drawn = range(first, min(self.grid.levels, first + 2))
        for level in {*drawn, *(s.level for s in self.levels)} - set(range(first)):
            model, sampler = self.model_at(level), self.sampler_at(level)
            facts = model.facts()
            check_model(self.grid, level, facts, model.ref)
            section = "sampler" if sampler is self.sampler else f"level.{level}.sampler"
            check_sampler(self.grid, level, sampler, facts=facts, ref=model.ref, section=section)
            sampling_of(sampler, model)
            if facts.bands not in (None, self.bands):
                raise WorldError(
                    f"root.source={self.root.source!r} has {self.bands} bands, "
                    f"model.ref={model.ref!r} draws {facts.bands}; "
                    "choose the bands first: rio stack SRC --bidx 1,2,3 --output DST"
                )

    def _check_root(self) -> None:
        raster, grid, source = self.root.facts(), self.grid, self.root.source
        if raster.dtype != self.dtype:
            raise WorldError(
                f"root.source={source!r} holds {raster.dtype}, the world dtype={self.dtype!r}; convert it: "
                f"rio convert --dtype {self.dtype} SRC DST"
            )
        lattice = Grid(raster.crs, raster.origin, raster.resolution, raster.shape)
        tolerance = 1e-6 * grid.resolution
        if (
            raster.shape != grid.shape
            or max(abs(a - b) for a, b in zip(raster.origin, grid.origin, strict=True)) > tolerance
            or abs(raster.resolution - grid.resolution) * max(grid.shape) > tolerance
            or not lattice.same_crs(grid)
        ):
            raise WorldError(
                f"root.source={source!r} lies on {raster.crs} origin={list(raster.origin)} resolution="
                f"{raster.resolution} shape={list(raster.shape)}, not on the [grid] of the world; "
                "leave crs, origin, resolution and shape out of [grid] to take the raster's"
            )

    @property
    def bands(self) -> int:
        """Number of bands."""
        if not self.root.generated:
            return self.root.facts().bands
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
        """Return how a level is sampled: as ``[level.N.sampler]`` says, or as the world does."""
        found = next((s.sampler for s in self.levels if s.level == level and s.sampler), None)
        if found is None and level == 0:
            return OF_GENERATED_ROOT
        return found or self.sampler

    def model_at(self, level: int) -> ModelReference:
        """Return what draws a level: the model of ``[level.N.model]``, or the world's."""
        return next((s.model for s in self.levels if s.level == level and s.model), self.model)

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
                "model": self.model.digest(),
                "sampler": described(self.sampler),
                "levels": [s.described() for s in sorted(self.levels, key=lambda s: s.level)],
                "numerics": dataclasses.asdict(self.numerics),
            }
        )

    def file_states(self) -> tuple[FileState, ...]:
        """Return the present state of every file that decides a pixel."""
        models = (self.model, *(s.model for s in self.levels if s.model))
        paths = [path for model in models for path in model.files()]
        if not self.root.generated:
            paths.append(self.root.path)
        return tuple(FileState.of(path) for path in dict.fromkeys(paths))

    def replace(self, **changes: Any) -> Self:
        """Return a world with some fields changed, checked like a new one.

        >>> from geoinfinite import World
        >>> World.load("earth").replace(seed=7).seed
        7
        """
        known = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise WorldError(f"replace({name}=...) is not a field of a world: {', '.join(known)}")
        return dataclasses.replace(self, **changes)

    def replace_level(
        self, level: int, *, sampler: TiledSampler | None = None, model: ModelReference | None = None
    ) -> Self:
        """Return a world one level of which has a sampler or a model of its own.

        >>> from geoinfinite import World, samplers
        >>> world = World.load("earth").replace_level(2, sampler=samplers.MultiDiffusion())
        >>> world.sampler_at(2).preset, world.sampler_at(3).preset
        ('multidiffusion', 'independent')
        """
        known = next((s for s in self.levels if s.level == level), LevelSettings(level))
        settings = LevelSettings(level, sampler or known.sampler, model or known.model)
        return self.replace(levels=(*(s for s in self.levels if s.level != level), settings))

    def __dask_tokenize__(self) -> str:
        return self.token
