"""Texts by region: every pixel shows what is said where it lies, whatever tiles the network draws."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import certain_models
import numpy as np
import preset_cases
import pytest
import shapely
from counting import count_calls
from drawings import UNCACHED, caching, cost
from pyproj import Transformer
from steered_worlds import KINDS, PLACES, REGIONS, regions, world

from geoinfinite.conditions import Text
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Numerics

TEXTS = "grey", "red", "blue", "green"
PLACE = "utm"


def said_at(path: str, window: Window) -> np.ndarray:
    """Numbers of texts at the middles of pixels: points in polygons of degrees, the last feature counts."""
    grid = PLACES[PLACE]
    y = grid.origin[1] - (np.arange(window.y0, window.y1) + 0.5) * grid.resolution
    x = grid.origin[0] + (np.arange(window.x0, window.x1) + 0.5) * grid.resolution
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*np.meshgrid(x, y))
    numbers = np.zeros(lon.shape, int)
    for feature in json.loads(Path(path).read_text())["features"]:
        region = shapely.geometry.shape(feature["geometry"])
        numbers[shapely.contains_xy(region, lon, lat)] = TEXTS.index(feature["properties"]["text"])
    return numbers


def within(numbers: np.ndarray, reach: int) -> np.ndarray:
    """Pixels around which all are told the same, as far as a reach; none at the edge."""
    same = np.zeros(numbers.shape, bool)
    inner = slice(reach, -reach)
    around = [
        np.roll(numbers, (dy, dx), (0, 1)) == numbers
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
    ]
    same[inner, inner] = np.logical_and.reduce(around)[inner, inner]
    return same


@pytest.mark.parametrize(
    ("model", "reach"), [(certain_models.PIXELS, 1), (certain_models.LATENTS, 7)], ids=["pixels", "latents"]
)
@pytest.mark.parametrize("preset", ["independent", "multidiffusion", "charted"])
def test_a_pixel_shows_the_text_of_its_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str, model: str, reach: int
) -> None:
    certain_models.offer(monkeypatch)
    text, sampler = KINDS["text by region"](tmp_path, PLACE), preset_cases.PRESET_CASES[preset]
    window = REGIONS[PLACE]
    found = generate(world(PLACE, (text,), sampler, model=model), 0, window, resources=UNCACHED)
    numbers = said_at(regions(tmp_path, PLACE), window)
    clear = within(numbers, reach)
    assert len(np.unique(numbers[clear])) >= 2
    for number in np.unique(numbers):
        everywhere = world(PLACE, (Text("prompt", TEXTS[number]),), sampler, model=model)
        alone = generate(everywhere, 0, window, resources=UNCACHED).astype(int)
        there = clear & (numbers == number)
        assert np.abs(found[:, there].astype(int) - alone[:, there]).max(initial=0) <= 1


def test_texts_that_say_the_same_are_one(tmp_path: Path) -> None:
    """Polygons whose text holds elsewhere too change nothing."""
    path = tmp_path / "same.geojson"
    collection = json.loads(Path(regions(tmp_path, PLACE)).read_text())
    for feature in collection["features"]:
        feature["properties"]["text"] = "grey"
    path.write_text(json.dumps(collection))
    by_region = world(PLACE, (Text("prompt", "grey", source=str(path), column="text"),))
    plain = world(PLACE, (Text("prompt", "grey"),))
    one, other = (generate(w, 0, REGIONS[PLACE], resources=UNCACHED) for w in (by_region, plain))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("preset", preset_cases.PLAIN_CASES)
def test_each_tile_asks_once_for_each_of_its_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    text, sampler = KINDS["text by region"](tmp_path, PLACE), preset_cases.PRESET_CASES[preset]
    alone = world(PLACE, (text,), sampler, numerics=Numerics(micro_batch=1))
    calls, plain = count_calls(monkeypatch), alone.replace(conditions=(Text("prompt", "grey"),))
    for window in (REGIONS[PLACE], Window(3, 4, 7, 9)):
        calls.batches.clear()
        generate(alone, 0, window, resources=caching(None))
        assert calls.calls == cost(alone, 0, window).evaluations > cost(plain, 0, window).evaluations
        guided = alone.replace(sampler=replace(alone.sampler, guidance=2.5))
        # The answer that is told nothing is asked for once, however many texts there are.
        more = cost(guided, 0, window).evaluations - cost(alone, 0, window).evaluations
        assert more == cost(plain, 0, window).evaluations
