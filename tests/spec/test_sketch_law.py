"""A sketch gives a generated level its large shapes, as far as its alpha says, and keeps the laws."""

from __future__ import annotations

from pathlib import Path

import grounds
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

import geoinfinite as gi
from geoinfinite.conditions import Place, Sketch
from geoinfinite.engine import Resources, resolve
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.samplers import EarlySync, SpotDiffusion
from geoinfinite.tiling import NoTileCache

PLACE = {"crs": "EPSG:32632", "bounds": (500_000.0, 5_196_160.0, 503_840.0, 5_200_000.0), "resolution": 20.0}
SAMPLER = EarlySync(
    solver="dpmpp_2m", schedule="karras", shift=1.0, steps=16, tile=64, stride=48, consistency="none"
)
WHOLE = Window(0, 192, 0, 192)


def draft(folder: Path) -> str:
    """Bright in the west, dark in the east; the southern third is left to the model. In Web Mercator."""
    values = np.full((4, 60, 60), 40, np.uint8)
    values[:3, :, :30] = 210
    values[3] = 255
    values[3, 40:] = 0
    to_mercator = grounds.Transformer.from_crs("EPSG:32632", "EPSG:3857", always_xy=True)
    x, y = to_mercator.transform(500_000, 5_200_000)
    path = grounds.write(folder / "draft.tif", values, "EPSG:3857", Affine(94.0, 0, x, 0, -94.0, y))
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    return path


def drawn(world: gi.World, window: Window = WHOLE) -> np.ndarray:
    return gi.generate(world, 0, window, resources=Resources(NoTileCache()))


@pytest.fixture(scope="module", params=["analytic:conditional", "analytic:conditional-latent"])
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[gi.World, gi.World]:
    """A world, and the same drawn to a sketch."""
    plain = gi.World.for_model(request.param, **PLACE).replace(sampler=SAMPLER)
    return plain, plain.replace(conditions=[Sketch(draft(tmp_path_factory.mktemp("sketch")))])


def test_large_shapes_are_the_sketch_s_where_it_decides(worlds: tuple[gi.World, gi.World]) -> None:
    plain, sketched = (drawn(world).astype(float) for world in worlds)
    there = slice(0, 112)
    assert abs(plain[:, there, :80].mean() - plain[:, there, 112:].mean()) < 30
    assert sketched[:, there, :80].mean() == pytest.approx(210, abs=25)
    assert sketched[:, there, 112:].mean() == pytest.approx(40, abs=25)
    free = slice(150, 192)
    assert abs(sketched[:, free, :80].mean() - sketched[:, free, 112:].mean()) < 60
    # Details are the model's own.
    fine = [np.abs(np.diff(image[:, there], axis=2)).mean() for image in (plain, sketched)]
    assert fine[1] == pytest.approx(fine[0], abs=2.0)


def test_windows_agree_and_cost_what_they_did(worlds: tuple[gi.World, gi.World]) -> None:
    plain, sketched = worlds
    whole = drawn(sketched)
    for part in (Window(70, 130, 60, 140), Window(0, 9, 180, 192)):
        np.testing.assert_array_equal(drawn(sketched, part), whole[:, *part.slices(WHOLE)])
    assert resolve(sketched, 0).cost(WHOLE) == resolve(plain, 0).cost(WHOLE)
    assert sketched.token != plain.token


def test_means_are_functions_of_the_cell(tmp_path: Path) -> None:
    sketch = Sketch(draft(tmp_path))
    grid = gi.World.for_model("analytic:conditional", **PLACE).grid
    whole = sketch.means(Place(grid, 0, WHOLE))
    part = sketch.means(Place(grid, 0, Window(48, 96, 64, 128)))
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one[:, 3:6, 4:8], other)
    assert whole[1].max() == 1.0
    assert whole[1].min() == 0.0


def test_what_cannot_be_drawn_to_is_refused(worlds: tuple[gi.World, gi.World]) -> None:
    plain, sketched = worlds
    (sketch,) = sketched.conditions
    for conditions, message in (
        ([Sketch(sketch.source, cell=20)], r"condition.sketch.cell=20 must divide .*tile=64; take cell = 4"),
        ([Sketch(sketch.source, levels=(0, 2))], r"condition.sketch.levels=\[0, 2\] are not all drawn"),
    ):
        with pytest.raises(WorldError, match=message):
            plain.replace(conditions=conditions)
    with pytest.raises(WorldError, match=r"preset='spotdiffusion' moves them; take preset = 'earlysync'"):
        sketched.replace(sampler=SpotDiffusion(tile=64, stride=64, steps=4, consistency="none"))
    twice = plain.replace(conditions=[sketch, Sketch(sketch.source, strength=0.5)])
    with pytest.raises(WorldError, match=r"condition.sketch stands 2 times for level 0; leave one"):
        resolve(twice, 0)
