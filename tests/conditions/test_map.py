"""Maps keep the contract of conditions: a value is a function of its pixel, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from map_towns import EARTH, GRID, SLOT, X, Y, town
from vector_files import turned_box, write

from geoinfinite.conditions import Map, Place
from geoinfinite.conditions.burning import burnt
from geoinfinite.conditions.map_cells import Cells
from geoinfinite.conditions.map_strokes import Canvas, strokes_of, without_far_corners
from geoinfinite.conditions.map_style_file import bundled
from geoinfinite.conditions.vectors import Features
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot


class TestContract(ConditionContract):
    slot = SLOT
    grid = GRID
    window = Window(101, 215, 147, 280)

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town()
        return Map("hint", write(tmp_path / "m.fgb", GRID.crs, shapes, tags), style="osm-carto-z17")

    def change(self, condition: Any) -> None:
        shapes, tags = town()
        write(Path(condition.source), GRID.crs, shapes[1:], {name: said[1:] for name, said in tags.items()})


class TestContractInDegrees(TestContract):
    """From a file in another CRS without an index, with widths in metres."""

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town("EPSG:4326")
        return Map("hint", write(tmp_path / "m.geojson", "EPSG:4326", shapes, tags), style="geosynth")

    def change(self, condition: Any) -> None:
        write(Path(condition.source), "EPSG:4326", *town("EPSG:3857"))


class TestContractOfCells(TestContract):
    """Told on cells of three pixels, in a style of a file."""

    slot = Slot("hint", "raster", channels=3, span=(-1.0, 1.0), pixels=3)

    def condition(self, tmp_path: Any) -> Map:
        shapes, tags = town()
        style = tmp_path / "style.toml"
        style.write_text(
            'background = "#102030"\nsamples = 3\n[[layer]]\npaints = "lines"\n'
            'rules = [{ tags = { highway = "*" }, line = "#ff0000", width = 2.5 }]\n'
        )
        return Map("hint", write(tmp_path / "m.fgb", GRID.crs, shapes, tags), style_file=str(style))

    def change(self, condition: Any) -> None:
        style = Path(condition.style_file)
        style.write_text(style.read_text().replace("2.5", "3"))


class TestContractOverTheAntimeridian(TestContract):
    grid = EARTH
    window = Window(1500, 1604, 5700, 5834)

    def condition(self, tmp_path: Any) -> Map:
        rng = np.random.default_rng(3)
        west = [turned_box(x, y, 1.5, 0.9, 30) for x, y in rng.uniform((176, -10), (180, -4), (20, 2))]
        east = [shapely.transform(box, lambda p: p - (357, 0)) for box in west]
        road = shapely.LineString([(176, -9), (179, -5), (184, -7)])
        shapes = [*west, *east, road]
        tags = {"natural": ["water"] * 40 + [None], "highway": [None] * 40 + ["primary"]}
        return Map("hint", write(tmp_path / "m.fgb", "EPSG:4326", shapes, tags), style="osm-carto-z17")

    def change(self, condition: Any) -> None:
        write(Path(condition.source), "EPSG:4326", [turned_box(-179, -6, 0.9, 0.4)], {"natural": ["water"]})


@pytest.mark.parametrize(
    ("style", "crs", "pixels"),
    [("osm-carto-z17", "EPSG:32632", 1), ("geosynth", "EPSG:4326", 1), ("plain", "EPSG:3857", 2)],
)
def test_sixty_windows_are_parts_of_one(tmp_path: Path, style: str, crs: str, pixels: int) -> None:
    """No value of them differs; the large one reaches beyond the level."""
    path = write(tmp_path / "m.gpkg", crs, *town(crs))
    slot = Slot("hint", "raster", channels=3, span=(0.0, 1.0), pixels=pixels)
    condition, large = Map("hint", path, style=style), Window(40, 280, -40, 330)
    whole: Any = condition.told(Place(GRID, 1, large), slot)
    assert len(np.unique(whole.reshape(3, -1), axis=1).T) > 5
    rng, differing = np.random.default_rng(8), 0
    for y, x, height, width in rng.integers((20, -20, 1, 1), (100, 120, 40, 40), (60, 4)).tolist():
        part = Window(y, y + height, x, x + width).refine(2)
        told: Any = condition.told(Place(GRID, 1, part), slot)
        at = part.coarsen(pixels).slices(large.coarsen(pixels))
        differing += int((told != whole[:, *at]).sum())
    assert differing == 0


@pytest.mark.parametrize("pixels", [1, 3])
def test_corners_of_shapes_have_the_same_bits_in_every_window(pixels: int) -> None:
    """More than a million pixels from the origin; a rounded bit would move a pixel here and there."""
    grid = Grid("EPSG:32632", (X - 400_000.3, Y + 300_000.7), 0.3, (2_000_000, 2_000_000))
    shapes, tags = town()
    said = [{name: texts[n] for name, texts in tags.items() if texts[n]} for n in range(len(shapes))]
    features = Features("m", np.arange(len(shapes)), np.array(shapes, object), {}, GRID.crs)
    row, column = (int(v / 0.3 / pixels) for v in (300_000.7, 400_000.3))
    seen = []
    for y, x, side in (
        (row - 600, column - 600, 1200),
        (row - 71, column - 133, 97),
        (row + 11, column - 40, 64),
    ):
        canvas = Canvas(Cells(grid, 0, pixels), Window(y, y + side, x, x + side), bundled("osm-carto-z17"))
        found = [
            shapely.get_coordinates(shapely.geometry.shape(stroke.shape)) / 4 + (x, y)
            for stroke in strokes_of(features, said, canvas, 0)
        ]
        assert (np.concatenate(found) * 256 % 1 == 0).all()
        seen.append({corner.tobytes() for corner in np.concatenate(found)})
    assert min(map(len, seen)) > 100
    assert seen[1] | seen[2] <= seen[0]


def test_corners_that_are_left_out_do_not_matter() -> None:
    """What rasterio burns of stars with them and without them is equal, sample by sample."""
    rng, left_out = np.random.default_rng(6), 0
    for _ in range(60):
        angle, radius = np.sort(rng.uniform(0, 2 * np.pi, 80)), rng.uniform(5, 200, 80)
        star = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] + rng.uniform(-60, 60, 2)
        points = np.round(star * 64) / 64
        nearby = without_far_corners(points, 40.0, 30.0)
        left_out += len(points) - len(nearby)
        np.testing.assert_array_equal(burnt_ring(points), burnt_ring(nearby))
    assert left_out > 500


def burnt_ring(points: np.ndarray) -> np.ndarray:
    ring = [*points.tolist(), *points[:1].tolist()]
    return burnt([({"type": "Polygon", "coordinates": [ring]}, 1)] if len(points) else [], (30, 40))
