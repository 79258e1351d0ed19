"""``ChipSet``: which chips a data set has, and what is with each, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geoinfinite.chips.around import Room, around
from geoinfinite.chips.boxes import BoxLabels
from geoinfinite.chips.chip import Chip, chip_id
from geoinfinite.chips.masks import MaskLabels
from geoinfinite.chips.pairs import check_pairs
from geoinfinite.chips.places import Places, area, check_size, scattered
from geoinfinite.chips.source import PixelSource, Readable, source_of
from geoinfinite.chips.splits import Split
from geoinfinite.engine import Resources
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True)
class ChipContent:
    """What a chip is: its level and size, and the labels that go with it.

    >>> ChipContent(level=3, size=256, pairs=4).coarser
    64
    """

    level: int
    size: int = 256
    """Rows and columns."""
    boxes: BoxLabels | None = None
    masks: MaskLabels | None = None
    pairs: int | None = None
    """How many times coarser the picture beside the chip is; ``None``: there is none."""

    @property
    def coarser(self) -> int | None:
        """Rows and columns of the coarser picture."""
        return None if self.pairs is None else self.size // self.pairs

    def described(self) -> dict[str, Any]:
        """Return all of it as plain data, files by their content."""
        return {
            "level": self.level,
            "size": self.size,
            "boxes": None if self.boxes is None else self.boxes.described(),
            "masks": None if self.masks is None else self.masks.described(),
            "pairs": self.pairs,
        }


@dataclass(frozen=True, slots=True, eq=False)
class ChipSet:
    """The chips of a data set: nothing is drawn before `read` or `geoinfinite.chips.write`."""

    source: PixelSource
    content: ChipContent
    windows: tuple[Window, ...]
    splits: tuple[str, ...]
    """``"train"``, ``"val"`` or ``"test"``, for each window."""

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the chips."""
        return tuple(chip_id(self.source, window) for window in self.windows)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of boxes, in the order of their numbers."""
        return () if self.content.boxes is None else self.content.boxes.names

    def read(self, numbers: Sequence[int], resources: Resources | None = None) -> list[Chip]:
        """Return the chips of some numbers with their labels, drawn together."""
        windows = [self.windows[number] for number in numbers]
        pixels = self.source.read(windows, resources)
        coarse: list[Any] = [None] * len(windows)
        if self.content.pairs is not None:
            above, factor = self.coarse_source(), self.content.pairs
            coarse = list(above.read([window.coarsen(factor) for window in windows], resources))
        return [
            self.labelled(window, image, under)
            for window, image, under in zip(windows, pixels, coarse, strict=True)
        ]

    def labelled(self, window: Window, pixels: Any, coarse: Any = None) -> Chip:
        """Return the chip of pixels that are there already."""
        content, grid, level = self.content, self.source.grid, self.source.level
        boxes = () if content.boxes is None else content.boxes.of(grid, level, window)
        mask = None if content.masks is None else content.masks.of(grid, level, window)
        return Chip(self.source, window, pixels, boxes, mask, coarse)

    def coarse_source(self) -> PixelSource:
        """Return the level on which the coarser pictures are read."""
        assert self.content.pairs is not None
        return self.source.at(check_pairs(self.source, self.content.size, self.content.pairs))


def select(
    readable: Readable,
    content: ChipContent,
    *,
    places: Places | None = None,
    count: int | None = None,
    split: Split | None = None,
) -> ChipSet:
    """Return which chips a data set has: about the boxes, or scattered where there are none.

    About boxes there are as many chips as hold every box whole once, or ``count``; of a box larger than a
    chip the middle is shown. Scattered ones are ``count`` or ``places.count``, and share no pixel. ``places``
    also says where chips may lie, and its seed decides offsets and splits. All of it depends on the grid and
    the files, not on the world's seed: worlds of several seeds have chips of the same places. Raises
    `WorldError` and `WindowError` for what cannot be met.

    >>> from geoinfinite import World
    >>> places = Places(count=3, bounds=(6.0, 45.0, 8.0, 47.0))
    >>> chips = select(World.load("analytic"), ChipContent(level=2, size=64), places=places)
    >>> len(chips), chips.windows[0].shape, chips.splits
    (3, (64, 64), ('train', 'train', 'train'))
    """
    source, where = source_of(readable, content.level), places or Places()
    within = area(source, where.bounds)
    step = 1
    if content.pairs is not None:
        check_pairs(source, content.size, content.pairs)
        step = content.pairs
    check_size(content.size, inner(within, step).refine(step))
    if content.masks is not None:
        content.masks.check(source.grid)
    if content.boxes is not None:
        content.boxes.check(source.grid)
        windows = _about_boxes(source, content, Room(within, content.size, step), where, count)
    else:
        room, size = inner(within, step), content.size // step
        numbers = range(where.count if count is None else count)
        windows = [scattered(n, 0, room, size, where.seed).refine(step) for n in numbers]
        windows = list(dict.fromkeys(windows))
    splits = (split or Split()).of(windows, where.seed, source.grid.period(source.level))
    return ChipSet(source, content, tuple(windows), splits)


def inner(within: Window, step: int) -> Window:
    """Return the blocks of ``step`` pixels that lie wholly within a window.

    >>> inner(Window(1, 13, 4, 11), 4)
    Window(y0=1, y1=3, x0=1, x1=2)
    """
    y0, x0 = -(-within.y0 // step), -(-within.x0 // step)
    return Window(y0, max(y0, within.y1 // step), x0, max(x0, within.x1 // step))


def _about_boxes(
    source: PixelSource, content: ChipContent, room: Room, places: Places, count: int | None
) -> list[Window]:
    assert content.boxes is not None
    turns = source.wraps and places.bounds is None
    if turns:
        room = Room(room.within, room.size, room.step, wraps=True)
    outlines = content.boxes.outlines(source.grid, source.level, room.within)
    windows = around(outlines, room, places.seed, count)
    if not windows:
        raise WorldError(
            f"boxes={content.boxes.source!r} has no box of {', '.join(content.boxes.names) or 'any class'} "
            f"within {room.within} of level {content.level}; take other bounds, or other classes"
        )
    return windows
