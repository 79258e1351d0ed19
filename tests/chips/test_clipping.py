"""Boxes that a chip cuts: what shows, and the rectangle that stands for it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import vector_files
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from geoinfinite.chips.clipping import rectangle_in_chip, visible_part, whole_polygon

HEIGHT, WIDTH = 60, 90


def corners(x: float, y: float, across: float, up: float, degrees: float) -> np.ndarray:
    return np.array(vector_files.turned_box(x, y, across, up, degrees).exterior.coords)[:4]


def iou(one: np.ndarray, other: shapely.Geometry) -> float:
    polygon = shapely.Polygon(one)
    return polygon.intersection(other).area / polygon.union(other).area


boxes = st.builds(
    corners,
    st.floats(-10, WIDTH + 10),
    st.floats(-10, HEIGHT + 10),
    st.floats(2, 80),
    st.floats(2, 30),
    st.floats(0, 180),
)


@given(outline=boxes)
def test_the_rectangle_lies_in_the_chip_is_one_and_fits_no_worse_than_the_upright_one(
    outline: np.ndarray,
) -> None:
    part, share = visible_part(whole_polygon(outline), HEIGHT, WIDTH)
    if share < 0.05:
        return
    found = rectangle_in_chip(outline, part, HEIGHT, WIDTH)
    assert found.min() >= 0
    assert (found <= (WIDTH, HEIGHT)).all()
    sides = np.roll(found, -1, axis=0) - found
    assert np.abs(np.einsum("ij,ij->i", sides, np.roll(sides, -1, axis=0))).max() < 1e-5
    assert shapely.Polygon(found).exterior.is_ccw, "clockwise as one sees it, where y grows downwards"
    assert iou(found, part) >= iou(np.array(shapely.box(*part.bounds).exterior.coords)[:4], part) - 1e-6


@settings(max_examples=25)
@given(outline=boxes)
def test_the_share_is_that_of_a_fine_raster(outline: np.ndarray) -> None:
    _, share = visible_part(whole_polygon(outline), HEIGHT, WIDTH)
    moved = shapely.Polygon((outline + 100) * 4)
    fine = rasterize([(moved, 1)], (4 * 300, 4 * 330))
    inside = fine[400 : 400 + 4 * HEIGHT, 400 : 400 + 4 * WIDTH].sum() / max(fine.sum(), 1)
    assert share == pytest.approx(inside, abs=0.12)


def test_a_thin_object_that_is_cut_stays_turned() -> None:
    outline = corners(5, 30, 60, 4, 45)
    part, _ = visible_part(whole_polygon(outline), HEIGHT, WIDTH)
    found = rectangle_in_chip(outline, part, HEIGHT, WIDTH)
    assert iou(found, part) > 0.85
    assert iou(np.array(shapely.box(*part.bounds).exterior.coords)[:4], part) < 0.3


def test_an_upright_object_is_cut_exactly() -> None:
    outline = corners(85, 10, 20, 30, 0)
    part, share = visible_part(whole_polygon(outline), HEIGHT, WIDTH)
    assert share == pytest.approx(15 / 20 * 25 / 30)
    assert rectangle_in_chip(outline, part, HEIGHT, WIDTH).tolist() == [[75, 0], [90, 0], [90, 25], [75, 25]]


def test_an_outline_that_crosses_itself_has_a_share_all_the_same() -> None:
    bow = np.array([(10.0, 10.0), (20.0, 20.0), (20.0, 10.0), (10.0, 20.0)])
    part, share = visible_part(whole_polygon(bow), HEIGHT, WIDTH)
    assert share == pytest.approx(1)
    assert part.area == pytest.approx(50)
