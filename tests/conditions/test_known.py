"""Known pixels: on the pixels of their level, told apart by blocks, and read as they are."""

from __future__ import annotations

import shlex
from pathlib import Path

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


def test_a_raster_beside_the_lattice_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    source = grounds.source(tmp_path, "EPSG:4326", finer=2.0)
    known = Known(source, level=1)
    with pytest.raises(WorldError, match=r"does not lie on the pixels of level 1; warp it") as caught:
        known.extent(GRID)
    command = str(caught.value).partition("warp it onto them: rio ")[2]
    arguments = shlex.split(command.replace("SRC", source).replace("DST", str(tmp_path / "warped.tif")))
    result = CliRunner().invoke(main_group, arguments)
    assert result.exit_code == 0, result.output
    extent = Known(str(tmp_path / "warped.tif"), level=1).extent(GRID)
    assert extent.size > 0
    with rasterio.open(tmp_path / "warped.tif") as raster:
        assert raster.res == (STEP, STEP)
