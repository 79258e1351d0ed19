"""Masks: polygons as the class of every pixel."""

from __future__ import annotations

from pathlib import Path

import chip_boxes
import numpy as np
import pytest
import shapely
from affine import Affine
from chip_boxes import LEFT, LEVEL, STEP, TOP
from rasterio.features import rasterize

from geoinfinite.chips import MaskLabels
from geoinfinite.conditions import Map, Place
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.told import Slot

CHIP = Window(290, 500, 611, 904)


@pytest.fixture
def masks(tmp_path: Path) -> MaskLabels:
    return MaskLabels(chip_boxes.write(tmp_path / "boxes.gpkg"), ("oil tank", "ship"))


def test_a_mask_is_what_rasterio_burns(masks: MaskLabels, patch: Recipe) -> None:
    shapes, names = chip_boxes.turned_boxes()
    numbers = {"oil tank": 1, "ship": 2}
    burnt = [(s, numbers[n]) for s, n in zip(shapes, names, strict=True) if n in numbers]
    burnt.sort(key=lambda pair: -shapely.area(pair[0]))
    transform = Affine(STEP, 0, LEFT + CHIP.x0 * STEP, 0, -STEP, TOP - CHIP.y0 * STEP)
    wanted = rasterize(burnt, CHIP.shape, transform=transform)
    found = masks.of(patch.grid, LEVEL, CHIP)
    assert found.dtype == np.uint8
    assert set(np.unique(wanted)) == {0, 1, 2}
    # Corners are snapped to a 256th of a pixel.
    assert (found != wanted).mean() < 1e-3


def test_a_mask_is_the_crop_of_any_larger_one(masks: MaskLabels, patch: Recipe) -> None:
    part = Window(301, 333, 650, 801)
    whole = masks.of(patch.grid, LEVEL, CHIP)
    np.testing.assert_array_equal(masks.of(patch.grid, LEVEL, part), whole[part.slices(CHIP)])


def test_a_mask_agrees_with_the_map_that_a_world_is_told(masks: MaskLabels, patch: Recipe) -> None:
    colours = {"oil tank": (1, 7, 0), "ship": (2, 9, 0)}
    told = Map("hint", masks.source, style="plain", column="class", colours=colours)
    slot = Slot("hint", "raster", channels=3, span=(0.0, 255.0))
    painted = told.told(Place(patch.grid, LEVEL, CHIP), slot)
    np.testing.assert_array_equal(painted[0], masks.of(patch.grid, LEVEL, CHIP))


@pytest.mark.parametrize(
    ("classes", "column", "message"),
    [
        (
            ("ship", "car"),
            "class",
            "masks=ship,car: 'car' is no class of '.*', which has crane, oil tank, ship",
        ),
        (("ship",), "kind", "column='kind' is no attribute of '.*', which has class; name the one"),
        (("a", "a"), "class", r"masks=\('a', 'a'\) must name 1 to 255 classes, each once; name them"),
    ],
)
def test_what_cannot_be_burnt_is_refused(
    classes: tuple[str, ...], column: str, message: str, masks: MaskLabels, patch: Recipe
) -> None:
    with pytest.raises(WorldError, match=message):
        MaskLabels(masks.source, classes, column).check(patch.grid)
