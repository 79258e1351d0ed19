"""Labels of chips: objects of a file on the pixels of a chip."""

from __future__ import annotations

from pathlib import Path

import chip_boxes
import numpy as np
import pytest
import shapely
import vector_files
from chip_boxes import LEVEL

from geoinfinite.chips import BoxLabels
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe

CHIP = Window(300, 556, 500, 900)


@pytest.fixture
def labels(tmp_path: Path) -> BoxLabels:
    return BoxLabels(chip_boxes.write(tmp_path / "boxes.gpkg"))


def test_labels_are_the_objects_that_show_enough_at_their_places(labels: BoxLabels, patch: Recipe) -> None:
    shapes, names = chip_boxes.turned_boxes()
    chip = shapely.box(CHIP.x0, CHIP.y0, CHIP.x1, CHIP.y1)
    wanted = {}
    for number, (shape, name) in enumerate(zip(shapes, names, strict=True), 1):
        polygon = shapely.Polygon(chip_boxes.pixels(shape))
        share = polygon.intersection(chip).area / polygon.area
        if share >= 0.25:
            wanted[f"boxes/{number}"] = name, share, polygon
    found = {label.feature: label for label in labels.of(patch.grid, LEVEL, CHIP)}
    assert found.keys() == wanted.keys()
    assert any(label.is_cut for label in found.values())
    assert not all(label.is_cut for label in found.values())
    for feature, (name, share, polygon) in wanted.items():
        label = found[feature]
        assert label.name == name
        assert label.number == sorted(chip_boxes.NAMES).index(name)
        assert label.share == pytest.approx(share, abs=1e-2)
        whole = shapely.Polygon(label.outline + np.array([CHIP.x0, CHIP.y0]))
        assert whole.symmetric_difference(polygon).area < 0.01 * polygon.area
        if not label.is_cut:
            np.testing.assert_array_equal(label.corners, label.outline)


def test_a_file_in_degrees_says_the_same(labels: BoxLabels, patch: Recipe, tmp_path: Path) -> None:
    other = BoxLabels(chip_boxes.write(tmp_path / "degrees.fgb", "EPSG:4326"))
    here, there = (one.of(patch.grid, LEVEL, CHIP) for one in (labels, other))
    by_name = [
        sorted((label.name, *label.outline.mean(axis=0)) for label in found) for found in (here, there)
    ]
    assert [name for name, *_ in by_name[0]] == [name for name, *_ in by_name[1]]
    middles = [np.array([place for _, *place in found]) for found in by_name]
    np.testing.assert_allclose(*middles, atol=0.01)


def test_an_object_is_the_same_in_every_chip_that_shows_it(labels: BoxLabels, patch: Recipe) -> None:
    def whole(chip: Window) -> dict[str, list]:
        found = labels.of(patch.grid, LEVEL, chip)
        return {one.feature: (one.outline + np.array([chip.x0, chip.y0])).tolist() for one in found}

    here, there = whole(CHIP), whole(CHIP.shift(-37, 51))
    both = here.keys() & there.keys()
    assert len(both) > 2
    assert {name: here[name] for name in both} == {name: there[name] for name in both}


def test_classes_are_numbered_as_they_are_named(labels: BoxLabels, patch: Recipe) -> None:
    some = BoxLabels(labels.source, classes=("ship", "crane"))
    found = some.of(patch.grid, LEVEL, CHIP)
    assert {(label.name, label.number) for label in found} == {("ship", 0), ("crane", 1)}


def test_least_visible_decides(labels: BoxLabels, patch: Recipe) -> None:
    strict = BoxLabels(labels.source, least_visible=1.0)
    assert not any(label.is_cut for label in strict.of(patch.grid, LEVEL, CHIP))
    assert len(strict.of(patch.grid, LEVEL, CHIP)) < len(labels.of(patch.grid, LEVEL, CHIP))


def test_objects_across_the_antimeridian_are_in_chips_of_both_names(ring: Recipe, tmp_path: Path) -> None:
    box = vector_files.turned_box(180, 10, 6, 3, 20)
    labels = BoxLabels(vector_files.write(tmp_path / "b.gpkg", "EPSG:4326", [box], {"class": ["ship"]}))
    columns = ring.grid.shape_at(2)[1]
    (east,) = labels.of(ring.grid, 2, Window(60, 90, columns - 15, columns + 15))
    (west,) = labels.of(ring.grid, 2, Window(60, 90, -15, 15))
    np.testing.assert_array_equal(east.corners, west.corners)
    assert east.corners.mean(axis=0) == pytest.approx((15, 80 / 180 * 192 - 60), abs=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"column": "kind"},
            "column='kind' is no attribute of '.*', which has class; name the one that holds",
        ),
        (
            {"classes": ("car",)},
            r"classes=\('car',\) are no classes of '.*': it has crane, oil tank, ship; name",
        ),
        ({"source": "nowhere.gpkg"}, "boxes='nowhere.gpkg' does not exist .*; name a file of vectors"),
        (
            {"least_visible": 0.0},
            "least_visible=0.0 must be above 0 and at most 1; 1 labels whole boxes alone",
        ),
        ({"classes": ("a", "a")}, r"classes=\('a', 'a'\) names one twice; name each once"),
    ],
)
def test_what_cannot_label_is_refused(changes: dict, message: str, labels: BoxLabels, patch: Recipe) -> None:
    fields = {"source": labels.source, **changes}
    with pytest.raises(WorldError, match=message):
        BoxLabels(**fields).check(patch.grid)
