"""The protocol of conditions: what steers a world, as a frozen value that names its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from geoinfinite.conditions.place import Place
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock
from geoinfinite.told import Slot, Told


@runtime_checkable
class Condition(Protocol):
    """Georeferenced data that fills a slot of a model: frozen, hashable, small, picklable.

    A condition names its files and reads them when it is asked: its headers in `check`, its values in `told`.
    """

    kind: ClassVar[str]
    """Its name in world files."""

    @property
    def name(self) -> str:
        """The slot that it fills."""

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that it steers; ``()``: every level whose model has the slot and no other condition."""

    @property
    def guidance(self) -> float | None:
        """How far guidance goes beyond the answer that is not told this; ``None``: the sampler's."""

    @property
    def strength(self) -> float:
        """The factor on what it adds to the network; 0 switches it off."""

    def check(self, slot: Slot, grid: Grid, level: int) -> None:
        """Raise `WorldError` unless it can fill a slot on a level; reads headers only."""

    def told(self, place: Place, slot: Slot) -> Told:
        """Return what is true of a place; a pure function of the condition, the place and the slot.

        Values of a pixel are a function of the pixel: windows that share it agree in every bit.
        """

    def described(self) -> dict[str, Any]:
        """Return what decides the values, for the token: files by their content."""

    def files(self) -> tuple[Path, ...]:
        """Return every file that decides the values."""


class PromptCounts(Protocol):
    """How many texts the tiles of a level are told, counted without telling them."""

    def of(self, window: Window) -> int:
        """Return the number of texts of one tile, given in pixels of the level."""

    def total(self, tiles: TileBlock) -> int:
        """Return the sum over a block of tiles, in a time that does not grow with their number."""


@runtime_checkable
class ByRegion(Protocol):
    """A condition that may tell parts of a tile different texts."""

    def counts(self, grid: Grid, level: int) -> PromptCounts | None:
        """Return how many texts it tells the tiles of a level; ``None``: always one."""
