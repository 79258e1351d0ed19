"""Everything that decides a pixel, as one frozen value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from geoinfinite.errors import WorldError
from geoinfinite.grid import Grid
from geoinfinite.models.reference import ModelReference
from geoinfinite.noise import NoiseField, noise_key
from geoinfinite.quantise import Encoding
from geoinfinite.root import Root
from geoinfinite.samplers import SCHEDULES, SOLVERS
from geoinfinite.samplers.presets import IndependentTiles
from geoinfinite.tiling import PROFILES, Lattice
from geoinfinite.token import token

PIXELS = 2
"""Version of the arithmetic: raised by every change of the library that changes a pixel."""


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


@dataclass(frozen=True, slots=True)
class Recipe:
    """A world: where its pixels are, what they are drawn from, with which network and how.

    Frozen and small: it travels in every task. Two recipes with the same `token` make the same
    pixels, on any machine, for ever.
    """

    grid: Grid
    root: Root
    model: ModelReference = field(default_factory=lambda: ModelReference("bundled:earth-small"))
    sampler: IndependentTiles = field(default_factory=IndependentTiles)
    numerics: Numerics = field(default_factory=Numerics)
    name: str = "world"
    seed: int = 0
    dtype: str = "uint8"

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise WorldError(f"seed={self.seed} must be between 0 and 2**64 - 1")
        Encoding(self.dtype)
        self._check_root()
        self._check_model()
        self._check_sampler()

    def _check_sampler(self) -> None:
        sampler, factor = self.sampler, self.grid.factor
        for name, value, known in (
            ("solver", sampler.solver, SOLVERS),
            ("schedule", sampler.schedule, SCHEDULES),
            ("weights", sampler.weights, PROFILES),
        ):
            if value not in known:
                raise WorldError(f"sampler.{name}={value!r} is not one of {', '.join(known)}")
        for name, pixels in (("tile", sampler.tile), ("stride", sampler.stride)):
            if pixels % factor:
                raise WorldError(
                    f"sampler.{name}={pixels} must be a multiple of grid.factor={factor}, so that tiles "
                    f"begin where parent pixels do; take {pixels - pixels % factor or factor}"
                )
        columns = self.grid.shape[1] * factor
        if self.grid.periodic and self.grid.levels > 1 and columns % sampler.stride:
            fits = [s for s in range(factor, sampler.tile + 1, factor) if columns % s == 0]
            raise WorldError(
                f"sampler.stride={sampler.stride} must divide the {columns} columns of level 1, or the "
                f"antimeridian would show; for tile={sampler.tile} take one of {fits[-4:]}"
            )

    def _check_model(self) -> None:
        facts, tile = self.model.facts(), self.sampler.tile
        if facts.factor != self.grid.factor:
            raise WorldError(
                f"grid.factor={self.grid.factor} is not the factor {facts.factor} of model.ref="
                f"{self.model.ref!r}; set grid.factor = {facts.factor}"
            )
        if tile % facts.multiple:
            raise WorldError(
                f"sampler.tile={tile} must be a multiple of {facts.multiple} for model.ref="
                f"{self.model.ref!r}; take {-(-tile // facts.multiple) * facts.multiple}"
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
        bands = self.model.facts().bands
        if bands is not None and bands != raster.bands:
            raise WorldError(
                f"root.source={source!r} has {raster.bands} bands, "
                f"model.ref={self.model.ref!r} draws {bands}; "
                "choose the bands first: rio stack SRC --bidx 1,2,3 --output DST"
            )

    @property
    def bands(self) -> int:
        """Number of bands."""
        return self.root.facts().bands

    @property
    def encoding(self) -> Encoding:
        """How values of the dtype map to the network's."""
        return Encoding(self.dtype)

    @property
    def lattice(self) -> Lattice:
        """The tiles of every generated level."""
        return Lattice(self.sampler.tile, self.sampler.stride)

    def noise(self, level: int, channels: int) -> NoiseField:
        """Return the noise that starts a level: a function of position."""
        return NoiseField(
            key=noise_key(self.name, self.seed),
            level=level,
            channels=channels,
            period=self.grid.period(level),
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
                "sampler": {"preset": self.sampler.preset, **dataclasses.asdict(self.sampler)},
                "numerics": dataclasses.asdict(self.numerics),
            }
        )

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

    def __dask_tokenize__(self) -> str:
        return self.token
