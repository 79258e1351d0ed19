"""Known pixels: on the pixels of their level, told apart by blocks, and read as they are."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner
from rasterio.rio.main import main_group

from geoinfinite.conditions import Known
from geoinfinite.conditions.known import KnownPixels
from geoinfinite.conditions.known_blocks import TileKind
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.tiling import TileBlock

GRID = Grid("EPSG:32632", (500_000.0, 5_200_000.0), 40.0, (120, 150), factor=4, levels=3)
STEP = 10.0
"""Of level 1, whose pixel (70, 90) is the raster's first."""
TRANSFORM = Affine(STEP, 0, 500_000 + 90 * STEP, 0, -STEP, 5_200_000 - 70 * STEP)


def holed(folder: Path) -> tuple[KnownPixels, np.ndarray, np.ndarray]:
    """A raster of 300 x 340 px on level 1 with two holes; its values and mask on the whole level."""
    values, mask = grounds.noise((3, 300, 340)), np.ones((300, 340), bool)
    mask[100:180, 40:140], mask[290:, 330:] = False, False
    path = grounds.write(folder / "known.tif", values, "EPSG:32632", TRANSFORM, mask=mask)
    level = np.zeros((3, 480, 600), np.uint8), np.zeros((480, 600), bool)
    level[0][:, 70:370, 90:430], level[1][70:370, 90:430] = np.where(mask, values, 0), mask
    return KnownPixels(Known(path, level=1), GRID, 1), *level


def test_pixels_are_read_where_they_lie(tmp_path: Path) -> None:
    known, values, mask = holed(tmp_path)
    for corners in ((0, 480, 0, 600), (60, 90, 80, 101), (-5, 9, 590, 640), (160, 200, 120, 160)):
        window = Window(*corners)
        pixels, there = known.read(window)
        full = np.pad(values, ((0, 0), (50, 50), (50, 50)))
        at = tuple(slice(s.start, s.stop) for s in window.slices(Window(-50, 530, -50, 650)))
        np.testing.assert_array_equal(pixels, full[:, *at])
        np.testing.assert_array_equal(there, np.pad(mask, 50)[*at])


def test_coarser_levels_know_the_means_of_whole_blocks(tmp_path: Path) -> None:
    known, values, mask = holed(tmp_path)
    coarse = KnownPixels(known.known, GRID, 0)
    pixels, there = coarse.read(Window(0, 120, 0, 150))
    wanted = mask.reshape(120, 4, 150, 4).all(axis=(1, 3))
    np.testing.assert_array_equal(there, wanted)
    means = np.rint(values.reshape(3, 120, 4, 150, 4).mean(axis=(2, 4)))
    np.testing.assert_array_equal(pixels, np.where(wanted, means, 0))


@pytest.mark.parametrize("number", [0, 1])
def test_tiles_are_told_apart_as_they_are_counted(tmp_path: Path, number: int) -> None:
    known, _, mask = holed(tmp_path)
    pixels = KnownPixels(known.known, GRID, number)
    factor = pixels.factor
    size = 64 // factor
    block = TileBlock(size, 3 * size // 4, (-size // 2, -size // 3), range(0, 14), range(0, 16))
    found = {kind: 0 for kind in TileKind}
    for y in block.rows:
        for x in block.columns:
            window = block.window((y, x))
            kind = pixels.kind(window)
            found[kind] += 1
            fine = window.refine(factor)
            rows = np.arange(fine.y0, fine.y1).clip(0, 479)
            columns = np.arange(fine.x0, fine.x1).clip(0, 599)
            there = mask[rows[:, None], columns]
            # Blocks make it err to one side: a tile of known pixels may count as known in part.
            assert kind is not TileKind.ALL or there.all()
            assert kind is not TileKind.NONE or not there.any()
    for kind in (TileKind.ALL, TileKind.SOME):
        assert pixels.count(block, kind) == found[kind] > 0
        windows = pixels.of_kind(block, kind)
        assert [pixels.kind(window) for window in windows] == [kind] * found[kind]


def test_tiles_across_the_antimeridian(tmp_path: Path) -> None:
    earth = Grid("EPSG:4326", (-180.0, 90.0), 0.5, (360, 720), factor=4, levels=1, periodic=True)
    values, transform = grounds.noise((3, 360, 720)), Affine(0.5, 0, -180, 0, -0.5, 90)
    whole = grounds.write(tmp_path / "w.tif", values, "EPSG:4326", transform)
    pixels = KnownPixels(Known(whole), earth, 0)
    block = TileBlock(64, 48, (0, 0), range(-1, 8), range(-2, 13))
    assert pixels.count(block, TileKind.ALL) == block.count
    assert pixels.kind(Window(40, 104, 700, 764)) is TileKind.ALL
    there = pixels.read(Window(40, 104, 700, 764))
    np.testing.assert_array_equal(there[0], pixels.read(Window(40, 104, -20, 44))[0])
    transform = Affine(0.5, 0, 160, 0, -0.5, 20)
    east = grounds.write(tmp_path / "e.tif", values[:, :100, :130], "EPSG:4326", transform)
    known = Known(east)
    assert known.extent(earth) == Window(140, 240, 680, 810)
    part = KnownPixels(known, earth, 0)
    tiles = [part.kind(block.window((y, x))) for y in block.rows for x in block.columns]
    for kind in (TileKind.ALL, TileKind.SOME):
        assert part.count(block, kind) == tiles.count(kind)
    assert part.read(Window(150, 160, 0, 10))[1].all()
    assert not part.read(Window(150, 160, 100, 110))[1].any()


def beside(folder: Path, **more: Any) -> str:
    """Level 1's neighbourhood off its pixels: turned, or south-up, or of another CRS; black where x < 200."""
    values = grounds.noise((3, 300, 340))
    values[:, :, :200] = 0
    transform = more.pop("transform", TRANSFORM * Affine.translation(0.3, 0.2))
    return grounds.write(folder / "beside.tif", values, more.pop("crs", "EPSG:32632"), transform, **more)


def run(command: str, folder: Path, source: str) -> str:
    """Run the commands of an error message; return the file that they make."""
    names = {"SRC": source, "MASKED": str(folder / "masked.tif"), "DST": str(folder / "made.tif")}
    for line in command.split(" && "):
        words = [names.get(word, word) for word in shlex.split(line.removeprefix("rio "))]
        with warnings.catch_warnings():
            # Rasterio's command line lives with what its own dependencies are about to give up.
            warnings.simplefilter("ignore")
            result = CliRunner().invoke(main_group, words)
        assert result.exit_code == 0, result.output
    return names["DST"]


MASK = np.ones((300, 340), bool)
MASK[100:180, 240:300] = False
DEGREES = Affine(1.3e-4, 0, 9.012, 0, -9e-5, 46.947)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"nodata": 7},
        {"mask": MASK},
        {"transform": TRANSFORM * Affine.rotation(9)},
        {"transform": Affine(STEP, 0, 500_900, 0, STEP, 5_196_300)},
        {"transform": DEGREES, "crs": "EPSG:4326"},
    ],
    ids=["shifted", "nodata", "masked", "turned", "south-up", "degrees"],
)
def test_a_raster_beside_the_lattice_is_refused_and_the_remedy_works(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    source = beside(tmp_path, **more)
    with pytest.raises(WorldError, match=r"does not lie on the pixels of level 1; warp it") as caught:
        Known(source, level=1).extent(GRID)
    made = Known(run(str(caught.value).partition("warp it onto them: ")[2], tmp_path, source), level=1)
    extent = made.extent(GRID)
    pixels, known = KnownPixels(made, GRID, 1).read(extent)
    # As many pixels as cover its ground are known, but for those that mark what is not.
    with rasterio.open(source) as raster, rasterio.open(made.source) as warped:
        assert warped.res == (STEP, STEP)
        there = (raster.read_masks() != 0).all(axis=0)
        if "nodata" not in more:
            there &= raster.read().any(axis=0)
        area = abs(raster.transform.determinant) * (75_900 * 111_300 if raster.crs.is_geographic else 1)
    assert known.sum() == pytest.approx(there.sum() * area / STEP**2, rel=0.03)
    assert pixels[:, known].std() > 60


def test_a_raster_beyond_the_grid_is_refused(tmp_path: Path) -> None:
    far = Affine(STEP, 0, 700_000, 0, -STEP, 5_200_000)
    for transform in (far, far * Affine.translation(0.3, 0.2)):
        path = grounds.write(tmp_path / "far.tif", grounds.noise((3, 9, 9)), "EPSG:32632", transform)
        with pytest.raises(WorldError, match=r"lies beyond the grid, whose bounds are \(500000.*; name"):
            Known(path, level=1).extent(GRID)


@pytest.mark.parametrize(("low", "high"), [(0.0, 2917.0), (-3.25, 11.0)])
def test_floats_that_are_no_pixels_are_refused_and_the_remedy_works(
    tmp_path: Path, low: float, high: float
) -> None:
    values = np.linspace(low, high, 3 * 300 * 340, dtype=np.float32).reshape(3, 300, 340)
    values[:, 40:60, 70:90] = np.nan
    source = grounds.write(tmp_path / "floats.tif", values, "EPSG:32632", TRANSFORM)
    window = Window(70, 370, 90, 430)
    with pytest.raises(WorldError, match=rf"from {low:g} to {high:g}, and .* lie in 0 to 1; scale") as caught:
        KnownPixels(Known(source, level=1), GRID, 1).kind(window)
    made = Known(run(str(caught.value).partition("scale them: ")[2], tmp_path, source), level=1)
    pixels = KnownPixels(made, GRID, 1)
    assert pixels.kind(window) is TileKind.SOME
    found, known = pixels.read(window)
    np.testing.assert_array_equal(known, np.isfinite(values[0]))
    assert 0 <= found.min() < found[:, known].max() <= 1


def test_colours_of_a_palette_are_pixels_too(tmp_path: Path) -> None:
    indices = np.arange(300 * 340, dtype=np.uint8).reshape(1, 300, 340) % 3
    colours = {0: (10, 20, 30), 1: (200, 150, 100), 2: (7, 7, 7)}
    path = grounds.write(tmp_path / "p.tif", indices, "EPSG:32632", TRANSFORM, colours=colours, nodata=2)
    pixels, known = KnownPixels(Known(path, level=1), GRID, 1).read(Window(70, 370, 90, 430))
    np.testing.assert_array_equal(known, indices[0] < 2)
    np.testing.assert_array_equal(pixels[:, 3, 4], colours[int(indices[0, 3, 4])])
    assert pixels.dtype == np.uint8


def test_tiles_that_lie_apart_are_counted_too(tmp_path: Path) -> None:
    pixels, _, _ = holed(tmp_path)
    block = TileBlock(64, 16, (-9, -30), range(1, 9), range(0, 13), every=(4, 3))
    tiles = [pixels.kind(block.window((y, x))) for y in block.rows for x in block.columns]
    assert block.window((2, 1)).y0 == -9 + 2 * 64
    for kind in (TileKind.ALL, TileKind.SOME):
        assert pixels.count(block, kind) == tiles.count(kind) > 0
