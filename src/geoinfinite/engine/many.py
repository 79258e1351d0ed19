"""Many windows of one level at once: shared tiles are drawn once, and batches are filled across windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from geoinfinite.engine.cost import Cost
from geoinfinite.engine.generate import read_each
from geoinfinite.engine.level import Drawn, Level
from geoinfinite.engine.resolve import resolve
from geoinfinite.engine.resources import Resources, process_resources
from geoinfinite.plane.window import Window, WindowLike
from geoinfinite.recipe.recipe import Recipe

GROUP_BYTES = 256 * 2**20
"""Working memory, about, of the windows that are drawn together."""
BYTES_PER_VALUE = 12
"""Of working memory: a layer, the one below, and what is fused."""


def generate_many(
    recipe: Recipe,
    level: int,
    windows: Iterable[WindowLike],
    *,
    resources: Resources | None = None,
    group_bytes: int = GROUP_BYTES,
) -> list[NDArray[Any]]:
    """Return the pixels of windows of one level, in their order, each ``(band, y, x)`` in the world's dtype.

    Every window has the bits that `generate` returns for it alone. Tiles that windows share are drawn once,
    those of their parents too, and batches are filled across windows. Windows may differ in size, overlap,
    and be equal. They are drawn in groups of neighbours that take about ``group_bytes`` of working memory;
    between groups, tiles are shared as long as the tile cache of ``resources`` holds them. Raises
    `WindowError` for pixels that the grid does not have, before anything is drawn.

    >>> import geoinfinite as gi
    >>> world = gi.World.load("analytic")
    >>> windows = [gi.Window(40, 60, x, x + 30) for x in (200, 0, -20)]
    >>> [pixels.shape for pixels in gi.generate_many(world, 2, windows)]
    [(3, 20, 30), (3, 20, 30), (3, 20, 30)]
    """
    wanted = [Window.of(window) for window in windows]
    for window in wanted:
        recipe.grid.check_window(level, window)
    resources = resources or process_resources()
    pixels = dict(read_many(resolve(recipe, level), wanted, resources, group_bytes))
    return [pixels[i] for i in range(len(wanted))]


def read_many(
    level: Level, windows: Sequence[Window], resources: Resources, group_bytes: int = GROUP_BYTES
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the number and the pixels of every window of a resolved level, neighbours together.

    Each group takes about ``group_bytes`` of working memory.
    """
    order = _neighbours_together(level, windows)
    numbers = iter(order)
    for group in _groups(level, (windows[i] for i in order), group_bytes):
        for pixels in read_each(level, group, resources):
            yield next(numbers), pixels


def generate_each(
    recipe: Recipe,
    level: int,
    windows: Iterable[WindowLike],
    *,
    resources: Resources | None = None,
    group_bytes: int = GROUP_BYTES,
) -> Iterator[NDArray[Any]]:
    """Yield the pixels of windows of one level, in their order, as they are finished: see `generate_many`.

    ``windows`` may be without end, as for training. So many of them are taken at once as are drawn together
    in about ``group_bytes`` of working memory; fewer bytes yield the first window earlier and share less.
    Raises `WindowError` for pixels that the grid does not have when their window is reached.

    >>> import itertools
    >>> import geoinfinite as gi
    >>> windows = (gi.Window(0, 8, x, x + 8) for x in itertools.count(step=8))
    >>> drawn = gi.generate_each(gi.World.load("analytic"), 1, windows, group_bytes=10_000_000)
    >>> next(drawn).shape, next(drawn).shape
    ((3, 8, 8), (3, 8, 8))
    """
    resources = resources or process_resources()
    held = resolve(recipe, level)
    for group in _groups(held, _checked(recipe, level, windows), group_bytes):
        yield from read_each(held, group, resources)


def cold_cost_of_many(level: Level, windows: Sequence[Window]) -> Cost:
    """Return what a cold read of windows together takes, over all levels: every tile once.

    It is exact where all windows are drawn in one group, or the tile cache holds what groups share.
    """
    wanted = [*dict.fromkeys(window for window in windows if window.size)]
    source = level.source
    if not wanted or not isinstance(source, Drawn):
        return Cost()
    cost = source.pricing.of_windows(source.layers, [level.blocks(window) for window in wanted])
    if level.parent is None:
        return cost
    return cost + cold_cost_of_many(level.parent, [level.parent_window(window) for window in wanted])


def _checked(recipe: Recipe, level: int, windows: Iterable[WindowLike]) -> Iterator[Window]:
    for window in windows:
        wanted = Window.of(window)
        recipe.grid.check_window(level, wanted)
        yield wanted


def _groups(level: Level, windows: Iterable[Window], group_bytes: int) -> Iterator[list[Window]]:
    """Yield windows in groups of so many bytes of working memory; one at least."""
    group: list[Window] = []
    held = 0
    for window in windows:
        size = _working_bytes(level, window)
        if group and held + size > group_bytes:
            yield group
            group, held = [], 0
        group.append(window)
        held += size
    if group:
        yield group


def _working_bytes(level: Level, window: Window) -> int:
    """Return the memory, about, that drawing a window takes over all levels."""
    if window.size == 0:
        return 0
    if not isinstance(level.source, Drawn):
        return window.size * level.bands * BYTES_PER_VALUE
    own = level.seen(window).size * level.bands * BYTES_PER_VALUE
    return own if level.parent is None else own + _working_bytes(level.parent, level.parent_window(window))


def _neighbours_together(level: Level, windows: Sequence[Window]) -> list[int]:
    """Return the numbers of windows, those that are near one another next to one another."""
    side = 4 * level.sampler.tile

    def square(number: int) -> tuple[int, int, int]:
        window = windows[number]
        x = window.x0 if level.period is None else window.x0 % level.period
        return window.y0 // side, x // side, number

    return sorted(range(len(windows)), key=square)
