"""Pairs for super-resolution: a chip, and the same ground at a coarser level of the same world."""

from __future__ import annotations

from geoinfinite.chips.source import PixelSource
from geoinfinite.errors import WorldError


def check_pairs(source: PixelSource, size: int, factor: int) -> int:
    """Return the level that is ``factor`` times coarser; raise `WorldError` unless pairs can be exact.

    Every block of ``factor`` x ``factor`` pixels of a chip has the mean that its coarser picture says:
    exactly for integer dtypes, to rounding for float32. That needs levels whose consistency is not "none".
    """
    grid, level, steps = source.grid, source.level, 0
    while grid.factor**steps < factor:
        steps += 1
    if factor < 2 or grid.factor**steps != factor or steps > level:
        known = [grid.factor**n for n in range(1, level + 1)]
        raise WorldError(
            f"pairs={factor}: level {level} has coarser levels {', '.join(map(str, known)) or 'of no'} times "
            f"coarser; {f'take {known[0]}' if known else 'take a finer level'}"
        )
    if size % factor:
        raise WorldError(
            f"size={size} must be a multiple of pairs={factor}, so that blocks are whole; take "
            f"{max(factor, size - size % factor)}"
        )
    _check_means(source, level - steps)
    return level - steps


def _check_means(source: PixelSource, coarse: int) -> None:
    """Raise `WorldError` if a level between the two is not held to the means of its parent."""
    if source.drawn_by is None:
        return
    for level in range(coarse + 1, source.level + 1):
        found = source.drawn_by.sampler_at(level).consistency
        if found == "none":
            raise WorldError(
                f"pairs: level {level} is drawn with consistency={found!r}, so that its blocks do not keep "
                'the means of the coarser picture; set consistency = "mean" in its sampler'
            )
