"""Which levels a store lists for other programs: those whose whole pixels make up its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geoinfinite.errors import WindowError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.stores.stages import Stage


def in_whole_pixels(window: Window, pixel: int) -> Window | None:
    """Return a window in pixels that are ``pixel`` of its own a side; ``None`` if it is not of whole ones."""
    coarse = window.coarsen(pixel)
    return coarse if coarse.refine(pixel) == window else None


def aligned_window(grid: Grid, level: int, window: Window, coarser: int, *, name: str = "coarser") -> Window:
    """Return the smallest window that holds a window and is of whole pixels of the level so many coarser.

    Raises `WindowError`, which calls ``coarser`` by ``name``, unless there is such a level.

    >>> grid = Grid("EPSG:4326", (-180, 90), 1.0, (180, 360), factor=4, levels=3, periodic=True)
    >>> aligned_window(grid, 2, Window(33, 130, -7, 101), 2)
    Window(y0=32, y1=144, x0=-16, x1=112)
    """
    if isinstance(coarser, bool) or not isinstance(coarser, int) or not 0 <= coarser <= level:
        raise WindowError(
            f"{name}={coarser!r} must be a number of levels; level {level} has 0 to {level} coarser"
        )
    pixel = grid.factor**coarser
    wide = window.coarsen(pixel).refine(pixel)
    period = grid.period(level)
    # Once round the Earth is the whole of it, wherever it begins.
    return wide if period is None else Window(wide.y0, wide.y1, wide.x0, min(wide.x1, wide.x0 + period))


def copy_of(stage: Stage, window: Window) -> Stage:
    """Return the stage that copies a window of another one."""
    copied = replace(stage, window=window, group=str(stage.level), layered=False, copied=True)
    return replace(copied, tiles=0, tiles_alone=0, evaluations=0)


def describe_listed(listed: Sequence[int], unlisted: Sequence[int]) -> str:
    """Return the sentence that says which levels a store lists, and how others would be listed.

    >>> describe_listed([3, 2], [1])
    'lists levels 3, 2; the window is not of whole pixels of level 1: aligned(2), or --align 2, widens it'
    >>> describe_listed([3], [])
    'lists level 3'
    """
    said = f"lists level{'s' * (len(listed) > 1)} {', '.join(map(str, listed))}"
    if not unlisted:
        return said
    several, up = (
        f"level{'s' * (len(unlisted) > 1)} {', '.join(map(str, unlisted))}",
        listed[0] - unlisted[-1],
    )
    return (
        f"{said}; the window is not of whole pixels of {several}: aligned({up}), or --align {up}, widens it"
    )
