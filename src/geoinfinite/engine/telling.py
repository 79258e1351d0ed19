"""What the conditions of a level say of a tile: sampled once, outside every device's lock."""

from __future__ import annotations

from geoinfinite.conditions.place import Place
from geoinfinite.engine.level import Level
from geoinfinite.engine.steering import ToldTile
from geoinfinite.engine.told_cache import ToldCache
from geoinfinite.plane.window import Window


def told_tile(level: Level, window: Window, cache: ToldCache) -> ToldTile:
    """Return what the conditions of a level say of a tile, by slot.

    ``window`` is given in pixels of the level. Tiles that are the same one once round the Earth are told the
    same.
    """
    filled = level.drawn.steering.filled
    if not filled:
        return {}
    turns = 0 if level.period is None else window.x0 // level.period * level.period
    tile = Window(window.y0, window.y1, window.x0 - turns, window.x1 - turns)
    key = level.token, level.number, tile
    told = cache.get(key)
    if told is None:
        place = Place(level.recipe.grid, level.number, tile)
        told = {f.slot.name: f.condition.told(place, f.slot) for f in filled}
        cache.keep(key, told)
    return told
