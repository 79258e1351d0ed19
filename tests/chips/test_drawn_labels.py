"""Labels lie on what is drawn: a world is told a map of objects, and its chips show them where labels are."""

from __future__ import annotations

import chip_boxes
import numpy as np
import pytest
import shapely
from chip_boxes import CRS, LEFT, NAMES, STEP, TOP
from rasterio.features import rasterize

import geoinfinite as gi
from geoinfinite.chips import BoxLabels, Chip, ChipContent, MaskLabels, Split, select

COLOURS = {"ship": (255, 0, 0), "oil tank": (0, 255, 0), "crane": (0, 0, 255)}


@pytest.fixture(scope="module")
def chips(tmp_path_factory: pytest.TempPathFactory) -> list[Chip]:
    source = chip_boxes.write(tmp_path_factory.mktemp("told") / "boxes.gpkg", "EPSG:4326", count=60)
    told = gi.conditions.Map("hint", source, style="plain", column="class", colours=COLOURS)
    world = gi.World.for_model(
        "analytic:conditional",
        crs=CRS,
        bounds=(LEFT, TOP - 1280 * STEP, LEFT + 1792 * STEP, TOP),
        resolution=STEP,
        conditions=[told],
    )
    content = ChipContent(0, 96, BoxLabels(source, classes=NAMES), MaskLabels(source, NAMES))
    return select(world, content, count=8, split=Split()).read(range(8))


def painted(chip: Chip) -> np.ndarray:
    """How far each band of a chip lies above the least one: which object is drawn there."""
    pixels = chip.pixels.astype(float)
    return pixels - pixels.min(axis=0)


def test_pixels_within_a_label_have_the_colour_of_its_class(chips: list[Chip]) -> None:
    seen = set()
    for chip in chips:
        for label in chip.boxes:
            inner = shapely.Polygon(label.corners).buffer(-1.5)
            inside = rasterize([(inner, 1)], chip.window.shape).astype(bool) if inner.area > 4 else []
            if not np.any(inside):
                continue
            overlapped = np.unique(chip.mask[inside]).size > 1
            if not overlapped:
                assert painted(chip)[:, inside].mean(axis=1).argmax() == label.number, label
                seen.add((label.name, label.is_cut))
    assert {name for name, _ in seen} == set(NAMES)
    assert {cut for _, cut in seen} == {False, True}


def test_masks_are_where_the_objects_are_drawn(chips: list[Chip]) -> None:
    for chip in chips:
        brightest = painted(chip).argmax(axis=0) + 1
        spread = painted(chip).max(axis=0) - np.sort(painted(chip), axis=0)[1]
        covered = chip.mask > 0
        assert (brightest[covered] == chip.mask[covered]).mean() > 0.9
        # The ground has no colour as strong as that of the objects.
        assert spread[covered].mean() > 3 * spread[~covered].mean()
