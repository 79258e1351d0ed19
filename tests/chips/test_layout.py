"""Layouts: the statistics of labels, and objects that are placed as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import vector_files
from scipy import stats

import geoinfinite as gi
from geoinfinite.chips import (
    BoxLabels,
    ChipContent,
    LayoutRules,
    LayoutStatistics,
    Variation,
    fit_layout,
    generate_layout,
    select,
)
from geoinfinite.chips.layout_statistics import rectangle_facts
from geoinfinite.errors import WorldError
from geoinfinite.recipe.recipe import Recipe

CELL = 800.0
CRS = "EPSG:32633"
BOUNDS = (412_800.0, 5_200_000.0, 412_800.0 + 14 * CELL, 5_200_000.0 + 11 * CELL)
MORE = (400_000.0, 5_200_000.0, 400_000.0 + 18 * CELL, 5_200_000.0 + 14 * CELL)


def harbours() -> geopandas.GeoDataFrame:
    """Ships in rows, tanks in heaps, cranes alone: every class with sizes and directions of its own."""
    rng, shapes, names = np.random.default_rng(11), [], []

    def add(x: float, y: float, across: float, up: float, degrees: float, name: str) -> None:
        shapes.append(vector_files.turned_box(x, y, across, up, degrees))
        names.append(name)

    left, bottom, right, top = BOUNDS
    for cx in np.arange(left, right, CELL):
        for cy in np.arange(bottom, top, CELL):
            direction = rng.normal(30, 8)
            start = np.array([cx, cy]) + rng.uniform(150, 350, 2)
            for n in range(rng.poisson(3)):
                length = rng.lognormal(4, 0.3)
                add(*(start + n * np.array([-40, 60]) * rng.uniform(0.9, 1.3)), length, 14, direction, "ship")
            for n in range(2 * rng.integers(0, 3)):
                place = np.array([cx + 550 + 60 * (n % 2), cy + 500 + 60 * (n // 2)])
                add(*(place + rng.uniform(-8, 8, 2)), 30, 28, rng.uniform(0, 180), "tank")
            if rng.random() < 0.3:
                add(
                    cx + rng.uniform(300, 500),
                    cy + rng.uniform(40, 120),
                    rng.uniform(50, 70),
                    8,
                    120,
                    "crane",
                )
    return geopandas.GeoDataFrame({"class": names}, geometry=shapes, crs=CRS)


@pytest.fixture(scope="module")
def real() -> geopandas.GeoDataFrame:
    return harbours()


@pytest.fixture(scope="module")
def statistics(real: geopandas.GeoDataFrame) -> LayoutStatistics:
    return fit_layout(real, CELL, bounds=BOUNDS)


@pytest.fixture(scope="module")
def drawn(statistics: LayoutStatistics) -> geopandas.GeoDataFrame:
    return generate_layout(statistics, MORE, CRS, seed=3)


def facts(boxes: geopandas.GeoDataFrame) -> tuple[Any, Any, Any]:
    corners = shapely.get_coordinates(boxes.geometry.exterior).reshape(-1, 5, 2)[:, :4]
    return rectangle_facts(corners)


def test_statistics_are_those_of_the_labels(
    real: geopandas.GeoDataFrame, statistics: LayoutStatistics
) -> None:
    assert statistics.names == ("crane", "ship", "tank")
    for found in statistics.classes:
        inside = real.centroid.within(shapely.box(*BOUNDS))
        some = real[(real["class"] == found.name) & inside]
        assert found.counts.sum() == len(some)
        assert len(found.counts) == 14 * 11
        length, aspect, turned = facts(some)
        np.testing.assert_allclose(np.sort(length), found.length_m, atol=0.02)
        np.testing.assert_allclose(np.sort(aspect), np.sort(found.aspect), atol=0.01)
        if found.name != "tank":
            np.testing.assert_allclose(np.sort(turned), np.sort(found.orientation_deg), atol=0.2)


@pytest.mark.parametrize("name", ["crane", "ship", "tank"])
def test_a_layout_has_the_distributions_that_were_fitted(
    name: str, statistics: LayoutStatistics, drawn: geopandas.GeoDataFrame
) -> None:
    fitted = next(found for found in statistics.classes if found.name == name)
    some = drawn[drawn["class"] == name]
    length, aspect, turned = facts(some)
    assert len(some) > 60
    assert stats.ks_2samp(length, fitted.length_m).pvalue > 0.01
    assert stats.ks_2samp(aspect, fitted.aspect).pvalue > 0.01
    assert stats.ks_2samp(turned, fitted.orientation_deg).pvalue > 0.01
    again = next(f for f in fit_layout(drawn, CELL, bounds=MORE).classes if f.name == name)
    assert len(again.counts) == 18 * 14
    assert stats.ks_2samp(again.counts, fitted.counts).pvalue > 0.01
    if len(fitted.spacing_m):
        assert stats.ks_2samp(again.spacing_m, fitted.spacing_m).statistic < 0.12
    else:
        assert len(again.spacing_m) == 0


def test_without_spacing_objects_lie_further_apart(statistics: LayoutStatistics) -> None:
    uniform = generate_layout(statistics, BOUNDS, CRS, seed=3, rules=LayoutRules(spaced=False))
    ships = next(f for f in fit_layout(uniform, CELL, bounds=BOUNDS).classes if f.name == "ship")
    fitted = next(found for found in statistics.classes if found.name == "ship")
    assert np.median(ships.spacing_m) > 1.5 * np.median(fitted.spacing_m)


@pytest.mark.parametrize("most", [0.0, 0.2])
def test_no_two_boxes_overlap_more_than_is_allowed(statistics: LayoutStatistics, most: float) -> None:
    rules = LayoutRules(most_overlap=most, spaced=False, variation=Variation(scale=(1.5, 3.0)))
    boxes = generate_layout(statistics, BOUNDS, CRS, seed=8, rules=rules).geometry.to_numpy()
    one, other = shapely.STRtree(boxes).query(boxes, "intersects")
    one, other = one[one < other], other[one < other]
    both = shapely.area(shapely.intersection(boxes[one], boxes[other]))
    overlap = both / shapely.area(shapely.union(boxes[one], boxes[other]))
    assert overlap.max(initial=0) <= most + 1e-9
    assert most == 0 or overlap.max() > 0.05


def test_objects_are_functions_of_their_cell(statistics: LayoutStatistics) -> None:
    left, bottom, right, top = BOUNDS
    here = generate_layout(statistics, BOUNDS, CRS, seed=4)
    part = generate_layout(statistics, (left + 2 * CELL, bottom + CELL, right, top - 3 * CELL), CRS, seed=4)
    inside = here[here["cell"].isin(set(part["cell"]))].reset_index(drop=True)
    assert 0 < len(part) < len(here)
    assert inside.equals(part)
    assert not generate_layout(statistics, BOUNDS, CRS, seed=5).equals(here)
    assert generate_layout(statistics, BOUNDS, CRS, seed=4).equals(here)


def test_objects_vary_within_what_is_stated(statistics: LayoutStatistics) -> None:
    vary = Variation(turn_deg=(5, 20), mirror=True, scale=(0.5, 2.0))
    drawn = generate_layout(statistics, BOUNDS, CRS, seed=3, rules=LayoutRules(variation=vary))
    fitted = next(found for found in statistics.classes if found.name == "crane")
    length, aspect, turned = facts(drawn[drawn["class"] == "crane"])
    assert 0.5 * fitted.length_m.min() <= length.min() < 0.7 * fitted.length_m.mean()
    assert 1.5 * fitted.length_m.mean() < length.max() <= 2 * fitted.length_m.max()
    np.testing.assert_allclose(np.sort(aspect)[[0, -1]], np.sort(fitted.aspect)[[0, -1]], rtol=0.1)
    # All cranes pointed to 120 degrees; mirrored ones to 60.
    as_drawn = (turned >= 125 - 0.3) & (turned <= 140 + 0.3)
    mirrored = (turned >= 65 - 0.3) & (turned <= 80 + 0.3)
    assert (as_drawn | mirrored).all()
    assert 0.3 < mirrored.mean() < 0.7


@pytest.mark.parametrize("ending", [".gpkg", ".fgb"])
def test_a_layout_is_a_file_that_labels_chips(
    statistics: LayoutStatistics, patch: Recipe, tmp_path: Path, ending: str
) -> None:
    drawn = generate_layout(statistics, BOUNDS, CRS, seed=3)
    path = gi.conditions.save(drawn, tmp_path / f"layout{ending}")
    content = ChipContent(3, 128, BoxLabels(str(path)))
    chips = select(patch, content, count=12)
    assert chips.classes == statistics.names
    assert sum(len(chip.boxes) for chip in chips.read(range(12))) > 12
    assert gi.conditions.Boxes("boxes", str(path), column="class").files() == (path,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda real: fit_layout(real.to_crs("EPSG:4326"), CELL),
            r"boxes have the CRS .*, whose units are not "
            r"metres; project them: boxes\.to_crs\(boxes\.estimate_utm_crs\(\)\)",
        ),
        (
            lambda real: fit_layout(real.set_crs(None, allow_override=True), CELL),
            r"boxes have no CRS; give them ",
        ),
        (
            lambda real: fit_layout(real, 0),
            r"cell_m=0 must be a positive number of metres; give the side of a",
        ),
        (
            lambda real: fit_layout(real, CELL, column="kind"),
            r"column='kind' is no column of the boxes, which ",
        ),
        (
            lambda real: fit_layout(real.set_geometry(real.centroid), CELL),
            r"boxes must be polygons with an area",
        ),
        (
            lambda real: generate_layout(fit_layout(real, CELL), (0, 0, 9, 9), "EPSG:4326"),
            r"bounds have the CRS",
        ),
        (
            lambda real: generate_layout(fit_layout(real, CELL), (0, 0, 9, 9), CRS),
            r"hold no whole cell of 800 m",
        ),
        (lambda real: LayoutRules(most_overlap=2), r"most_overlap=2 must be from 0 to 1; 0 allows none"),
        (lambda real: Variation(scale=(2, 1)), r"scale=\(2, 1\) must be \(least, most\) above 0; swap or"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(call: Any, message: str, real: geopandas.GeoDataFrame) -> None:
    with pytest.raises(WorldError, match=message):
        call(real)


def test_the_remedy_for_degrees_works(real: geopandas.GeoDataFrame, statistics: LayoutStatistics) -> None:
    degrees = real.to_crs("EPSG:4326")
    again = fit_layout(degrees.to_crs(degrees.estimate_utm_crs()), CELL, bounds=BOUNDS)
    assert again.names == statistics.names
