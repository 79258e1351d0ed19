"""Frames: every one is the raster and has the facts of its own, in the order given, in every window."""

from __future__ import annotations

import datetime
import tracemalloc
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
from affine import Affine
from grounds import GRIDS
from pyproj import Transformer

import geoinfinite as gi
from geoinfinite.conditions import Frames, Metadata, Place, Raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe import condition_tables
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT

SLOT = Slot("frames", "frames", bands=DIFFUSIONSAT.names, channels=3, span=(0.0, 1.0), frames=3)
PICTURE = Slot("frames", "raster", channels=3, span=(0.0, 1.0))
FACTS = Slot("frames", "metadata", bands=DIFFUSIONSAT.names)
GRID = GRIDS["EPSG:32632"]
PLACE = Place(GRID, 0, Window(11, 107, 23, 135))
DATES = "2016-09-11", "2018-11-20", "2018-12-24"


def sources(folder: Path) -> tuple[str, ...]:
    """Three rasters of one place in three CRSs, none like another."""
    return tuple(
        grounds.write(
            folder / f"{i}.tif", grounds.noise((3, 420, 420), i), crs, grounds.about(crs, grounds.STEPS[crs])
        )
        for i, crs in enumerate(("EPSG:4326", "EPSG:3857", "EPSG:32632"))
    )


class TestFrames(ConditionContract):
    slot = SLOT

    def condition(self, tmp_path: Any) -> Frames:
        return Frames("frames", sources(tmp_path), DATES, cloud_cover=(0.1, "unknown", 0.0), fill=(7,))

    def change(self, condition: Any) -> None:
        with rasterio.open(condition.sources[1], "r+") as raster:
            raster.write(grounds.noise((3, *raster.shape), seed=9))


class TestFramesOfCells(TestFrames):
    """Told on cells of two pixels."""

    slot = Slot("frames", "frames", bands=("year",), channels=3, span=(-1.0, 1.0), pixels=2, frames=3)
    window = Window(100, 228, 214, 342)


class TestFramesOnTheEarth(TestFrames):
    """Across the antimeridian."""

    slot = Slot("frames", "frames", bands=("lon", "lat", "month"))
    grid = Grid("EPSG:4326", (-180.0, 90.0), 0.75, (240, 480), factor=4, levels=2, periodic=True)
    level = 0
    window = Window(40, 104, 440, 520)

    def condition(self, tmp_path: Any) -> Frames:
        earth = rasterio.Affine(1, 0, -180, 0, -1, 90)
        paths = [
            grounds.write(tmp_path / f"{i}.tif", grounds.noise((3, 180, 360), i), "EPSG:4326", earth)
            for i in range(2)
        ]
        return Frames("frames", tuple(paths))


def test_each_frame_is_its_raster_in_the_order_given(tmp_path: Path) -> None:
    files = sources(tmp_path)
    told = Frames("frames", files, DATES, fill=(7,)).told(PLACE, SLOT)
    for one, path in zip(told.pixels, files, strict=True):
        np.testing.assert_array_equal(one, Raster("hint", path, fill=(7,)).told(PLACE, PICTURE))
    turned = Frames("frames", files[::-1], DATES[::-1], fill=(7,)).told(PLACE, SLOT)
    np.testing.assert_array_equal(turned.pixels, told.pixels[::-1])
    np.testing.assert_array_equal(turned.facts, told.facts[::-1])
    assert not np.array_equal(turned.pixels, told.pixels)


def test_each_frame_has_facts_of_its_own(tmp_path: Path) -> None:
    """Longitude and latitude are the tile's; the resolution too, unless another one is stated."""
    given = {"cloud_cover": (0.25, "unknown", 0), "resolutions": (10, 10, "unknown")}
    told = Frames("frames", sources(tmp_path), (DATES[0], "unknown", DATES[2]), **given, fill=0).told(
        PLACE, SLOT
    )
    x, y = GRID.transform(0) * (79, 59)
    lon, lat = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(x, y)
    unknown = np.nan
    np.testing.assert_allclose(
        told.facts,
        [
            [lon, lat, 10, 0.25, 2016, 9, 11],
            [lon, lat, 10, unknown, unknown, unknown, unknown],
            [lon, lat, unknown, 0, 2018, 12, 24],
        ],
        atol=1e-9,
    )
    plain = Frames("frames", sources(tmp_path), fill=0).told(PLACE, SLOT)
    np.testing.assert_array_equal(plain.facts, [Metadata("frames").told(PLACE, FACTS)] * 3)
    assert plain.facts[0, 2] == pytest.approx(20, rel=1e-3)


def test_settings_stand_for_all_sources_or_for_each(tmp_path: Path) -> None:
    values, transform = grounds.noise((3, 420, 420)), grounds.about("EPSG:32632", 17.0)
    aerial = grounds.write(tmp_path / "rgb.tif", values, "EPSG:32632", transform)
    bands = grounds.noise((4, 420, 420)).astype(np.uint16) * 50
    names = ("B02", "B03", "B04", "B08")
    satellite = grounds.write(tmp_path / "s2.tif", bands, "EPSG:32632", transform, names=names)
    two = Slot("frames", "frames", channels=3, span=(0.0, 1.0), frames=2)
    told = Frames(
        "frames",
        (aerial, satellite),
        bands=((1, 2, 3), ("B04", "B03", "B02")),
        scale=(1 / 255, 1 / 10_000),
        offset=-0.01,
    ).told(PLACE, two)
    first = Raster("hint", aerial, scale=1 / 255, offset=-0.01).told(PLACE, PICTURE)
    second = Raster("hint", satellite, bands=(3, 2, 1), scale=1e-4, offset=-0.01).told(PLACE, PICTURE)
    np.testing.assert_array_equal(told.pixels, [first, second])
    alike = Frames("frames", (satellite, satellite), bands=(3, 2, 1)).told(PLACE, two).pixels
    np.testing.assert_array_equal(alike[0], alike[1])


@pytest.mark.parametrize(
    ("select", "date", "wanted"),
    [
        ("nearest", "2018-11-21", (1, 2)),
        ("nearest", "2016-06-01", (0, 3)),
        ("before", "2018-11-20", (0, 3)),
        ("after", "2014-06-06", (0, 3)),
        ("after", "2018-01-01", (1, 2)),
    ],
)
def test_sources_are_chosen_by_their_dates(
    tmp_path: Path, select: str, date: str, wanted: tuple[int, ...]
) -> None:
    """In the order given; worlds that differ in ``date`` alone are a series."""
    files = (*sources(tmp_path), grounds.source(tmp_path, "EPSG:3857", "3.tif"))
    two = Slot("frames", "frames", bands=("year", "month", "day"), channels=3, frames=2)
    dates = (*DATES, "2015-01-01")
    condition = Frames("frames", files, dates, select=select, date=date, fill=0)
    condition.check(two, GRID, 0)
    days = [datetime.date.fromisoformat(dates[i]) for i in wanted]
    told = condition.told(PLACE, two)
    np.testing.assert_array_equal(told.facts, [(day.year, day.month, day.day) for day in days])
    chosen = Frames("frames", tuple(files[i] for i in wanted), fill=0).told(PLACE, two)
    np.testing.assert_array_equal(told.pixels, chosen.pixels)


def test_of_two_days_equally_near_the_earlier_is_nearer(tmp_path: Path) -> None:
    one = Slot("frames", "frames", bands=("day",), channels=3, frames=1)
    files, dates = sources(tmp_path)[:2], ("2018-11-20", "2018-11-16")
    told = Frames("frames", files, dates, select="nearest", date="2018-11-18", fill=0).told(PLACE, one)
    np.testing.assert_array_equal(told.facts, [[16.0]])


def test_where_a_frame_knows_nothing_it_is_named(tmp_path: Path) -> None:
    small = grounds.write(
        tmp_path / "small.tif",
        grounds.noise((3, 20, 20)),
        "EPSG:32632",
        grounds.about("EPSG:32632", 17.0, 20),
    )
    files = (*sources(tmp_path)[:2], small)
    message = (
        r"condition.frames.sources\[2\]='.*small.tif' knows nothing at \d+ samples of level 0, .*fill = 0"
    )
    with pytest.raises(WorldError, match=message):
        Frames("frames", files).told(PLACE, SLOT)
    told = Frames("frames", files, fill=0).told(PLACE, SLOT)
    assert (told.pixels[2] == 0).mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"sources": ()}, r"condition.frames.sources=\(\) is no list of files; name at least one", {}),
        ({"sources": ("a.tif", 3)}, r"condition.frames.sources\[1\]=3 is not the path of a file", {}),
        (
            {"dates": DATES[:2]},
            r"condition.frames.dates=.* must be a list with one for each of 3 sources",
            {"dates": (*DATES[:2], "unknown")},
        ),
        (
            {"dates": (*DATES[:2], "11.2.2017")},
            r"condition.frames.dates\[2\]='11.2.2017' is no day; write one such as 2017-02-11",
            {"dates": (*DATES[:2], "2017-02-11")},
        ),
        (
            {"cloud_cover": (0, 0, 25)},
            r"condition.frames.cloud_cover\[2\]=25 must be at least 0 and at most 1",
            {"cloud_cover": (0, 0, 0.25)},
        ),
        (
            {"resolutions": 0},
            r"condition.frames.resolutions=0 must be at least 0.001 and at most",
            {"resolutions": 10},
        ),
        (
            {"bands": ((1, 2, 3), (1, 2, 3))},
            r"condition.frames.bands=.* must be a list with one for each of 3 sources",
            {"bands": (1, 2, 3)},
        ),
        ({"bands": ((1,), (0,), (1,))}, r"condition.frames.bands\[1\]=\(0,\) must be numbers from 1", {}),
        ({"scale": (1, "unknown", 1)}, r"condition.frames.scale\[1\]='unknown' must be a finite number", {}),
        (
            {"select": "nearest", "dates": DATES},
            r"condition.frames.select='nearest' refers to a day; write date = 2017-02-11",
            {"select": "nearest", "dates": DATES, "date": datetime.date(2017, 2, 11)},
        ),
        (
            {"select": "nearest", "date": "2017-02-11"},
            r"condition.frames.select='nearest' needs the day of every source; write dates = \[",
            {"select": "nearest", "dates": DATES, "date": "2017-02-11"},
        ),
        (
            {"date": "2017-02-11"},
            r"condition.frames.date='2017-02-11' is used to choose among sources only; write select",
            {"select": "nearest", "dates": DATES, "date": "2017-02-11"},
        ),
        ({"select": "last"}, r"condition.frames.select='last' is not one of all, nearest, before, after", {}),
    ],
)
def test_settings_that_have_no_meaning(
    tmp_path: Path, settings: dict[str, Any], message: str, remedy: dict[str, Any]
) -> None:
    plain = {"sources": ("a.tif", "b.tif", "c.tif")}
    with pytest.raises(WorldError, match=message):
        Frames("frames", **(plain | settings))
    if remedy:
        files = sources(tmp_path)
        Frames("frames", files, **remedy).check(SLOT, GRID, 0)


def test_as_many_as_the_model_is_told(tmp_path: Path) -> None:
    files = sources(tmp_path)
    with pytest.raises(
        WorldError, match=r"names 2 files, and the slot 'frames' is told 3 frames; name as many"
    ):
        Frames("frames", files[:2]).check(SLOT, GRID, 0)
    with pytest.raises(
        WorldError, match=r"names 1 files before 2017-01-01, .* is told 3 frames; name more, or"
    ):
        Frames("frames", files, DATES, select="before", date="2017-01-01").check(SLOT, GRID, 0)
    Frames("frames", files, DATES, select="nearest", date="2017-01-01").check(SLOT, GRID, 0)
    Frames("frames", files[:2]).check(Slot("frames", "frames", channels=3), GRID, 0)


def test_what_a_frame_lacks_is_found_before_anything_is_drawn(tmp_path: Path) -> None:
    files = sources(tmp_path)
    grey = grounds.write(
        tmp_path / "g.tif", grounds.noise((1, 9, 9)), "EPSG:32632", grounds.about("EPSG:32632", 17.0, 9)
    )
    with pytest.raises(WorldError, match=r"condition.frames.sources\[1\]='.*g.tif' gives 1 bands, .* told 3"):
        Frames("frames", (files[0], grey, files[2])).check(SLOT, GRID, 0)
    with pytest.raises(WorldError, match=r"condition.frames.sources\[0\]='.*none.tif' does not exist"):
        Frames("frames", (str(tmp_path / "none.tif"), *files[1:])).check(SLOT, GRID, 0)
    with pytest.raises(
        WorldError, match=r"condition.frames: metadata.year=1970 would be told .*1980 to 2100"
    ):
        Frames("frames", files, ("1970-01-01", *DATES[1:])).check(SLOT, GRID, 0)


def test_it_is_written_and_read(tmp_path: Path) -> None:
    """As in a world file: dates, lists for each source, and paths beside the file."""
    files = sources(tmp_path)
    condition = Frames(
        "frames",
        files,
        (DATES[0], "unknown", DATES[2]),
        resolutions=(1, 10, 10),
        bands=((1, 2, 3), (3, 2, 1), (1, 1, 1)),
        scale=0.5,
    )
    tables = condition_tables.written([condition], tmp_path)
    assert tables[0]["sources"] == ["0.tif", "1.tif", "2.tif"]
    assert condition_tables.read(tables, gi.conditions.KINDS, tmp_path) == (condition,)


def test_a_small_tile_of_large_frames_needs_little_memory(tmp_path: Path) -> None:
    values = np.zeros((3, 2500, 2500), np.uint8)
    transform = Affine(20.0, 0, 490_000, 0, -20.0, 5_230_000)
    files = [
        grounds.write(tmp_path / f"{i}.tif", values + i, "EPSG:32632", transform, tiled=True)
        for i in range(3)
    ]
    condition = Frames("frames", tuple(files))
    tracemalloc.start()
    try:
        told = condition.told(Place(GRID, 0, Window(0, 64, 0, 64)), SLOT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(told.pixels[:, 0, 0, 0] * 255, [0, 1, 2], atol=1e-5)
    assert peak < 8 * told.nbytes < values.nbytes / 10
