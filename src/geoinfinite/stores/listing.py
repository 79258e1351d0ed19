"""Which levels a store lists for other programs: those whose whole pixels make up its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geoinfinite.plane.window import Window
from geoinfinite.stores.stages import Stage


def in_whole_pixels(window: Window, pixel: int) -> Window | None:
    """Return a window in pixels that are ``pixel`` of its own a side; ``None`` if it is not of whole ones."""
    coarse = window.coarsen(pixel)
    return coarse if coarse.refine(pixel) == window else None


def copy_of(stage: Stage, window: Window) -> Stage:
    """Return the stage that copies a window of another one."""
    copied = replace(stage, window=window, group=str(stage.level), layered=False, copied=True)
    return replace(copied, tiles=0, tiles_alone=0, evaluations=0)


def describe_listed(listed: Sequence[int], unlisted: Sequence[int], align: str) -> str:
    """Return the sentence that says which levels a store lists, and how others would be listed.

    >>> describe_listed([3, 2], [1], "align=")
    'lists levels 3, 2; the window is not of whole pixels of level 1: align=2 widens it'
    >>> describe_listed([3], [], "align=")
    'lists level 3'
    """
    said = f"lists level{'s' * (len(listed) > 1)} {', '.join(map(str, listed))}"
    if not unlisted:
        return said
    several = f"level{'s' * (len(unlisted) > 1)} {', '.join(map(str, unlisted))}"
    return (
        f"{said}; the window is not of whole pixels of {several}: {align}{listed[0] - unlisted[-1]} widens it"
    )
