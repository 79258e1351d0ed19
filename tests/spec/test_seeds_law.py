"""Seeds by region: each region has the noise of its seed, transitions are standard normal, windows agree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import geoinfinite as gi
from geoinfinite.conditions import Seeds
from geoinfinite.engine import Resources, resolve
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.samplers import IndependentTiles
from geoinfinite.tiling import NoTileCache

LEFT, TOP, STEP = 9.0, 46.0, 1e-3
PLACE = {"crs": "EPSG:4326", "bounds": (LEFT, TOP - 200 * STEP, LEFT + 260 * STEP, TOP), "resolution": STEP}
SAMPLER = IndependentTiles(
    solver="dpmpp_2m", schedule="karras", shift=1.0, steps=4, tile=64, stride=48, consistency="none"
)
WEST, MIDDLE = (20, 180, 15, 110), (20, 180, 110, 190)
"""Rows and columns of two regions that touch."""
WIDTH = 20


def regions(folder: Path, seeds: tuple[Any, ...] = (5, 9), **more: Any) -> str:
    """A file of the two regions with their seeds, on the world's pixels."""
    features = []
    for seed, (y0, y1, x0, x1) in zip(seeds, (WEST, MIDDLE), strict=True):
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        ring = [[LEFT + x * STEP, TOP - y * STEP] for x, y in corners]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"seed": seed, **more}, "geometry": geometry})
    path = folder / "seeds.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def world(model: str = "analytic:planet", conditions: Any = (), **changes: Any) -> gi.World:
    base = gi.World.for_model(model, **PLACE)
    numerics = replace(base.numerics, micro_batch=1)
    return base.replace(sampler=SAMPLER, numerics=numerics, conditions=conditions, **changes)


def noise(recipe: gi.World, window: Window, step: int = 0) -> np.ndarray:
    return resolve(recipe, 0).drawn.noise([window], step)[0]


def test_a_region_has_the_noise_of_its_seed(tmp_path: Path) -> None:
    seeded = world(conditions=[Seeds(regions(tmp_path), width=WIDTH)], seed=2)
    whole = Window(0, 200, 0, 260)
    for step in (0, 3):
        found = noise(seeded, whole, step)
        for seed, inside in ((5, np.s_[40:160, 35:90]), (9, np.s_[40:160, 130:170]), (2, np.s_[:, 210:])):
            expected = noise(world(seed=seed), whole, step)
            np.testing.assert_array_equal(found[:, *inside], expected[:, *inside])
    between = noise(seeded, whole)[:, 60:140, 108:112]
    assert all((between != noise(world(seed=n), whole)[:, 60:140, 108:112]).mean() > 0.9 for n in (2, 5, 9))


def test_transitions_are_standard_normal_and_continuous(tmp_path: Path) -> None:
    seeded = world(conditions=[Seeds(regions(tmp_path), width=WIDTH)], seed=2)
    window = Window(30, 170, 0, 220)
    drawn = np.concatenate([noise(seeded, window, step) for step in range(12)])
    assert np.abs(drawn.std(axis=(0, 1)) - 1).max() < 0.1
    assert np.abs(drawn.mean(axis=(0, 1))).max() < 0.1
    own = np.concatenate([noise(world(seed=5), window, step) for step in range(12)])
    likeness = (drawn * own).mean(axis=(0, 1))
    assert likeness[40:85].min() > 0.9
    assert abs(likeness[140:]).max() < 0.1
    assert np.abs(np.diff(likeness)).max() < 0.2


def test_any_window_is_the_crop_of_any_other(tmp_path: Path) -> None:
    for model in ("analytic:planet", "analytic:latent-planet"):
        seeded = world(model, [Seeds(regions(tmp_path), width=WIDTH)])
        whole = Window(10, 190, 5, 230)
        large = gi.generate(seeded, 0, whole, resources=Resources(NoTileCache()))
        for part in (Window(70, 130, 80, 150), Window(100, 101, 110, 111)):
            small = gi.generate(seeded, 0, part, resources=Resources(NoTileCache()))
            np.testing.assert_array_equal(small, large[:, *part.slices(whole)])
        plain = gi.generate(world(model), 0, whole, resources=Resources(NoTileCache()))
        assert (large != plain).mean() > 0.3


def test_a_grid_round_the_earth_needs_cells_that_go_round(tmp_path: Path) -> None:
    text = f"""
        [root]
        source = "generated"
        [grid]
        crs = "EPSG:4326"
        origin = [-180.0, 90.0]
        resolution = 1.5
        shape = [120, 240]
        periodic = true
        [model]
        ref = "analytic:planet"
        [sampler]
        preset = "independent"
        tile = 64
        stride = 48
        [[condition]]
        kind = "seeds"
        source = "{regions(tmp_path)}"
        width = 50
    """
    with pytest.raises(WorldError, match=r"condition.seeds.width=50 must divide the 240 columns of .*= 48"):
        gi.World.loads(text)
    ring = gi.World.loads(text.replace("width = 50", "width = 48"))
    first, again = (noise(ring, Window(20, 60, x, x + 90)) for x in (100, 340))
    np.testing.assert_array_equal(first, again)
    assert (first != noise(ring.replace(conditions=()), Window(20, 60, 100, 190))).any()
    ring.save(tmp_path / "ring.toml")
    assert gi.World.load(tmp_path / "ring.toml") == ring
    assert ring.token != ring.replace(conditions=()).token


@pytest.mark.parametrize(
    ("seeds", "how", "message"),
    [
        (("red", 9), {}, r"condition.seeds.column='seed': 'red' is no seed; write integers from 0"),
        ((-4, 9), {}, r"'-4' is no seed; write integers"),
        ((5, 9), {"column": "sede"}, r"column='sede' is no attribute of '.*'; it has seed, use: name one"),
        ((5, 9), {"width": 0}, r"condition.seeds.width=0 must be from 1 to 1024 pixels"),
        (
            (5, 9),
            {"levels": (3,)},
            r"condition.seeds.levels=\[3\] are not all drawn; name some of levels 0 to 0",
        ),
    ],
)
def test_what_is_no_seed_is_refused(tmp_path: Path, seeds: Any, how: Any, message: str) -> None:
    path = regions(tmp_path, seeds, use="town")
    with pytest.raises(WorldError, match=message):
        world(conditions=[Seeds(path, **how)])
    world(conditions=[Seeds(regions(tmp_path, (5, None)))])


def test_a_level_has_seeds_once(tmp_path: Path) -> None:
    seeds = Seeds(regions(tmp_path))
    with pytest.raises(WorldError, match=r"condition.seeds stands 2 times for level 0; leave one, or give"):
        world(conditions=[seeds, replace(seeds, width=10, levels=(0,))])
