"""Series: worlds that differ only in dates share their noise, so that what differs is the date's doing."""

from __future__ import annotations

from pathlib import Path

import dated_models
import numpy as np
import pytest
from dated_models import Dated
from drawings import caching
from steered_worlds import REGIONS, hint, world

from geoinfinite import World
from geoinfinite.conditions import Frames, Metadata
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window

DAYS = "2016-03-21", "2019-11-05"


def of_day(folder: Path, day: str, dates: tuple[str, str] = DAYS) -> World:
    """A world of one day, told two frames of other days, in float so that differences are exact."""
    frames = Frames(
        "frames",
        (hint(folder, "utm", "a.tif"), hint(folder, "utm", "b.tif", 8)),
        dates=dates,
        fill=(0,),
    )
    conditions = (Metadata("metadata", date=day, cloud_cover=0.0), frames)
    return world("utm", conditions, model=dated_models.REF, dtype="float32")


def started(recipe: World, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a window, and what its tiles started from, in units of noise."""
    Dated.seen.clear()
    pixels = generate(recipe, 0, window, resources=caching(None))
    sigma = max(Dated.seen)
    return pixels, np.concatenate(Dated.seen[sigma]) / np.float32(sigma)


def lies_in(tile: np.ndarray, field: np.ndarray) -> bool:
    """Whether a tile is part of a field, but for rounding."""
    corners = np.argwhere(np.isclose(field[0], tile[0, 0, 0], rtol=1e-5))
    parts = [field[:, y : y + tile.shape[1], x : x + tile.shape[2]] for y, x in corners]
    return any(part.shape == tile.shape and np.allclose(part, tile, atol=1e-5) for part in parts)


def test_tiles_of_every_day_start_from_the_same_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit; it is the noise that `World.noise` returns; pixels differ by what the months say alone."""
    dated_models.offer(monkeypatch)
    june, may = of_day(tmp_path, "2017-06-14"), of_day(tmp_path, "2018-05-14")
    other = of_day(tmp_path, "2017-06-14", ("2016-03-22", "2019-11-07"))
    assert len({world.token for world in (june, may, other)}) == 3
    (first, noise), *rest = (started(day, REGIONS["utm"]) for day in (june, may, other))
    for pixels, start in rest:
        np.testing.assert_array_equal(start, noise)
        assert (pixels != first).all()
    # Colours of the model, -1 to 1, are halved; the start has no mean, which takes a thousandth off.
    for (pixels, _), brighter in zip(rest, (0.01 / 2, 0.03 / 2), strict=True):
        np.testing.assert_allclose((first - pixels).mean(), brighter, rtol=2e-3)
        assert (first - pixels).std() < 1e-5
    assert first.std() > 0.08
    field = may.noise(0, 3)(Window(-40, 120, -40, 140))
    assert [lies_in(tile, field) for tile in noise[:4]] == [True] * 4


def test_other_seeds_and_names_are_another_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dated_models.offer(monkeypatch)
    june = of_day(tmp_path, "2017-06-14")
    _, noise = started(june, REGIONS["utm"])
    for change in ({"seed": 6}, {"name": "another"}):
        _, start = started(june.replace(**change), REGIONS["utm"])
        assert (start != noise).mean() > 0.99
