"""``Slot``: a place of a model for something that it is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that a model can be told besides its parent; conditions fill it by name.

    The shape of what fills a slot follows from the slot and the tile's size, never from the data.

    >>> Slot("prompt", "text", dropped=True).kind
    'text'
    """

    name: str
    """Its name in world files: ``"prompt"``, ``"hint"``."""
    kind: str
    """What fills it: ``"text"``, ``"raster"``, ``"metadata"``, ``"embedding"``, ``"boxes"``,
    ``"location"`` or ``"frames"``."""
    bands: tuple[str, ...] = ()
    """Names of a raster's bands or of metadata's items, in order; ``()``: they have no names."""
    channels: int | None = None
    """How many bands or channels are told; ``None``: any number."""
    span: tuple[float, float] | None = None
    """The range of a raster's values; integers of a file are mapped to it. ``None``: values as they are."""
    encoding: str | None = None
    """What a raster's values stand for: ``"sentinel2"`` for the numbers of Sentinel-2 products, which the
    model itself brings into its range, of bands that are taken by name; ``None``: nothing but numbers."""
    pixels: int = 1
    """Pixels of the level along each side of one pixel that is told."""
    cells: int = 0
    """Of an embedding: vectors along each side of a tile."""
    cell_m: float = 0.0
    """Of an embedding: metres of ground along each side of the part that a vector stands for, where that is
    what counts and not ``cells``; 0 otherwise."""
    most: int = 0
    """Of boxes: how many a tile can be told at most."""
    classes: tuple[str, ...] = ()
    """Of boxes: the names of the classes that the model knows; ``()``: any."""
    frames: int = 0
    """Of frames: how many are told; 0: any number."""
    dropped: bool = False
    """Whether guidance compares with an answer that is not told this."""
    required: bool = True
    """Whether the model cannot be used without it."""

    def cells_of(self, pixels: int, gsd_m: float) -> int:
        """Return the vectors along each side of a tile of a level whose ground sample distance is given.

        >>> Slot("embedding", "embedding", cell_m=256.0).cells_of(256, 4.0)
        4
        """
        return max(1, round(pixels * gsd_m / self.cell_m) if self.cell_m else self.cells)
