"""PMTiles and MBTiles: read back by other libraries, and compared with what GDAL warps."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from file_cases import MARK, FileCase
from map_archives import HALF, decoded, header_of, offset_of, read_mbtiles, read_pmtiles, warped
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType, deserialize_directory, zxy_to_tileid

from geoinfinite.arrays.dataarray import level_array
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.accessor import GeoInfiniteAccessor
from geoinfinite.stores.files.map_archive import MapArchive, MapTiles
from geoinfinite.stores.files.mbtiles import write_mbtiles
from geoinfinite.stores.files.paths import hidden_store
from geoinfinite.stores.files.pmtiles import Directory, write_pmtiles
from geoinfinite.stores.files.web_tiles import WebTile
from geoinfinite.stores.planning import Plan, plan_window
from geoinfinite.stores.writing import write_zarr

Write = Callable[..., Path]
BOTH = [(write_pmtiles, read_pmtiles, "a.pmtiles"), (write_mbtiles, read_mbtiles, "a.mbtiles")]


def corner(patch: Recipe) -> Plan:
    """6.4 by 3.6 km of level 2 in a UTM zone, off every lattice."""
    return plan_window(patch, 2, Window(11, 201, 30, 371))


def across(ring: Recipe) -> Plan:
    """A window of level 2 across the antimeridian, up to 86 degrees."""
    return plan_window(ring, 2, Window(4, 131, 340, 460))


def check_in_place(plan: Plan, level: int, tiles: dict[Any, bytes], most: float) -> None:
    """Map tiles are the pixels of a level where GDAL puts them."""
    for address, data in tiles.items():
        pixels, mask = decoded(data)
        expected, seen = warped(plan, level, address)
        known = mask & seen
        assert (mask ^ seen).mean() < 0.01, address
        assert np.abs(pixels - expected)[:, known].mean() < most, address
        if known.sum() > 4000:
            assert offset_of(pixels, expected, known) == (0, 0), address


def test_a_window_in_a_utm_zone_lies_in_its_place(patch: Recipe, tmp_path: Path) -> None:
    plan = corner(patch)
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(min_zoom=12, max_zoom=13))
    tiles = read_pmtiles(tmp_path / "a.pmtiles")
    assert {zoom for zoom, _, _ in tiles} == {12, 13}
    check_in_place(plan, 2, tiles, 1.2)


def test_each_zoom_is_made_from_the_level_whose_pixels_fit(patch: Recipe, tmp_path: Path) -> None:
    plan = plan_window(patch, 2, Window(3, 317, 5, 443))
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(min_zoom=8, max_zoom=12))
    tiles = read_pmtiles(tmp_path / "a.pmtiles")
    # Pixels of 417, 104 and 26 m on the ground, of levels with 300, 75 and 19 m.
    for zoom, level in ((8, 0), (10, 1), (12, 2)):
        own = {address: data for address, data in tiles.items() if address[0] == zoom}
        errors = {}
        for other in range(3):
            differences = []
            for address, data in own.items():
                pixels, mask = decoded(data)
                expected, seen = warped(plan, other, address)
                differences.append(np.abs(pixels - expected)[:, mask & seen].ravel())
            errors[other] = np.concatenate(differences).mean()
        assert errors[level] == min(errors.values()), (zoom, errors)
        assert errors[level] < 1.5, (zoom, errors)


def test_the_antimeridian_is_no_edge(ring: Recipe, tmp_path: Path) -> None:
    plan = across(ring)
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(min_zoom=0, max_zoom=2))
    tiles = read_pmtiles(tmp_path / "a.pmtiles")
    assert {(x, y) for zoom, x, y in tiles if zoom == 2} == {(x, y) for x in (0, 3) for y in range(3)}
    check_in_place(plan, 2, {a: data for a, data in tiles.items() if a[0] > 0}, 1.5)
    # The two map tiles that meet at the line differ there no more than next to it.
    for row in (0, 1):
        west, east = (decoded(tiles[2, x, row])[0].astype(int) for x in (3, 0))
        joined = np.concatenate([west[:, :, -8:], east[:, :, :8]], axis=2)
        steps = np.abs(np.diff(joined, axis=2)).mean((0, 1))
        assert steps[7] < 1.5 * np.delete(steps, 7).max()


def test_once_round_the_earth_from_anywhere(ring: Recipe, tmp_path: Path) -> None:
    plan = plan_window(ring, 1, Window(0, 48, 31, 127))
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(max_zoom=1))
    tiles = read_pmtiles(tmp_path / "a.pmtiles")
    assert len(tiles) == 5
    assert all(decoded(data)[1].all() for data in tiles.values())
    check_in_place(plan, 1, tiles, 1.5)


def test_beyond_the_latitudes_of_web_maps_there_is_nothing(ring: Recipe, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the window lies beyond 85.05 degrees, where web maps end; wr"):
        write_pmtiles(plan_window(ring, 2, Window(0, 5, 7, 50)), tmp_path / "a.pmtiles")
    write_pmtiles(plan_window(ring, 2, Window(0, 40, 7, 50)), tmp_path / "a.pmtiles")
    assert min(y for _, _, y in read_pmtiles(tmp_path / "a.pmtiles")) == 0
    assert header_of(tmp_path / "a.pmtiles")["max_lat_e7"] == 850511288
    assert [p.name for p in tmp_path.glob("*.pmtiles")] == ["a.pmtiles"]


def test_the_header_says_what_is_there(patch: Recipe, tmp_path: Path) -> None:
    plan = corner(patch)
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(min_zoom=10, max_zoom=13, image_format="webp"))
    tiles, header = read_pmtiles(tmp_path / "a.pmtiles"), header_of(tmp_path / "a.pmtiles")
    assert (header["min_zoom"], header["max_zoom"], header["clustered"]) == (10, 13, True)
    assert (header["tile_type"], header["tile_compression"]) == (TileType.WEBP, Compression.NONE)
    assert header["addressed_tiles_count"] == len(tiles)
    ids = [zxy_to_tileid(*address) for address in tiles]
    assert ids == sorted(ids)
    west, south, east, north = (
        header[f"{edge}_e7"] / 1e7 for edge in ("min_lon", "min_lat", "max_lon", "max_lat")
    )
    x, y = patch.grid.transform(2) @ (30 + 170, 11 + 90)
    (longitude,), (latitude,) = rasterio.warp.transform("EPSG:32633", "EPSG:4326", [x], [y])
    assert west < longitude < east
    assert south < latitude < north
    with (tmp_path / "a.pmtiles").open("rb") as stream:
        said = Reader(MmapSource(stream)).metadata()
    assert said["digital_source_type"] == MARK
    assert said["geoinfinite_token"] == patch.token
    assert said["attribution"].startswith("Synthetic imagery")


@pytest.mark.parametrize(("size", "image_format"), [(256, "png"), (512, "jpeg")])
def test_gdal_reads_mbtiles(patch: Recipe, tmp_path: Path, size: int, image_format: Any) -> None:
    plan, settings = corner(patch), MapTiles(min_zoom=12, max_zoom=12, size=size, image_format=image_format)
    write_mbtiles(plan, tmp_path / "a.mbtiles", tiles=settings)
    tiles = read_mbtiles(tmp_path / "a.mbtiles")
    with rasterio.open(tmp_path / "a.mbtiles") as file:
        assert file.crs.to_epsg() == 3857
        assert file.tags()["digital_source_type"] == MARK
        step = file.transform.a
        assert step == pytest.approx(2 * HALF / 2**12 / size)
        pixels = file.read([1, 2, 3])
        # The raster is cut to the bounds, and begins within a map tile.
        first, top = (file.transform.c + HALF) / step, (HALF - file.transform.f) / step
    compared = 0
    for (_, x, y), data in tiles.items():
        picture, mask = decoded(data)
        row, column = round(y * size - top), round(x * size - first)
        rows, columns = (slice(max(n, 0), n + size) for n in (row, column))
        there = pixels[:, rows, columns].astype(int)
        height, width = there.shape[1:]
        here = np.s_[max(-row, 0) : max(-row, 0) + height, max(-column, 0) : max(-column, 0) + width]
        differences = np.abs(there - picture[(slice(None), *here)])[:, mask[here]]
        # Two decoders of JPEG interpolate colours differently.
        assert differences.mean() <= (0 if image_format == "png" else 2)
        compared += mask[here].sum()
    assert compared > 0.9 * pixels[0].size


def test_gdal_on_the_command_line_reads_mbtiles(patch: Recipe, tmp_path: Path) -> None:
    if shutil.which("gdalinfo") is None:
        pytest.skip("there is no gdalinfo here (Debian: apt-get install gdal-bin)")
    write_mbtiles(corner(patch), tmp_path / "a.mbtiles")
    command = ["gdalinfo", "-json", str(tmp_path / "a.mbtiles")]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert said["stac"]["proj:epsg"] == 3857
    assert said["metadata"][""]["ZOOM_LEVEL"] == "12"
    assert said["metadata"][""]["geoinfinite_token"] == patch.token


def test_both_archives_hold_the_same_and_the_same_bytes_each_time(patch: Recipe, tmp_path: Path) -> None:
    plan, store = corner(patch), tmp_path / "a.zarr"
    write_zarr(plan, store)
    for write, _, name in BOTH:
        write(plan, tmp_path / name, store=store)
        before = (tmp_path / name).read_bytes()
        write(plan, tmp_path / name, overwrite=True)
        assert (tmp_path / name).read_bytes() == before
    assert read_pmtiles(tmp_path / "a.pmtiles") == read_mbtiles(tmp_path / "a.mbtiles")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mbtiles", "a.pmtiles", "a.zarr", "patch.tif"]


@pytest.mark.parametrize(("write", "read", "name"), BOTH)
def test_a_killed_archive_begins_again_from_the_pixels_that_were_drawn(
    patch: Recipe, tmp_path: Path, write: Write, read: Callable[[Path], Any], name: str
) -> None:
    plan = corner(patch)
    write(plan, tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    hidden = hidden_store(plan, tmp_path / name)
    write_zarr(plan, hidden)
    half = hidden / f"{name}.{'0a' * 16}.partial"
    half.write_bytes(whole[: len(whole) // 2])
    write(plan, tmp_path / name)
    assert (tmp_path / name).read_bytes() == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == [name, "patch.tif"]
    with pytest.raises(StoreError, match=rf"{name} exists; choose another path"):
        write(plan, tmp_path / name)


@pytest.mark.parametrize("case", [FileCase(32633, "uint16", 5), FileCase(4326, "float32", 1)], ids=str)
def test_other_kinds_of_pixels_are_shown_by_their_range(case: FileCase, tmp_path: Path) -> None:
    plan = case.plan(tmp_path)
    write_pmtiles(plan, tmp_path / "a.pmtiles")
    peak = {"uint16": 65535, "float32": 1.0}[case.dtype]
    for address, data in read_pmtiles(tmp_path / "a.pmtiles").items():
        pixels, mask = decoded(data)
        expected, seen = warped(plan, 1, address)
        shown = expected[:3] if case.bands >= 3 else expected[[0, 0, 0]]
        assert np.abs(pixels - shown * 255 / peak)[:, mask & seen].mean() < 1.5


def test_selected_bands_are_those_shown(patch: Recipe, tmp_path: Path) -> None:
    da = level_array(patch, 2, window=corner(patch).window)
    GeoInfiniteAccessor(da).to_pmtiles(tmp_path / "a.pmtiles", progress=False)
    picked = da.sel(band=["blue", "red", "green"])
    GeoInfiniteAccessor(picked).to_mbtiles(tmp_path / "b.mbtiles", progress=False, size=256)
    whole, other = read_pmtiles(tmp_path / "a.pmtiles"), read_mbtiles(tmp_path / "b.mbtiles")
    assert list(sorted(whole)) == sorted(other)
    for address, data in whole.items():
        assert (decoded(data)[0][[2, 0, 1]] == decoded(other[address])[0]).all()


def test_zooms_follow_from_the_window(patch: Recipe, ring: Recipe) -> None:
    found = MapArchive.of(plan_window(patch, 3, Window(0, 1280, 0, 1792)), MapTiles())
    # 12.3 km wide on the scale of the equator, in pixels of 6.9 m: between map tiles of 9.8 and 19.6 km.
    assert (found.min_zoom, found.max_zoom) == (11, 14)
    assert MapArchive.of(corner(patch), MapTiles(size=512)).max_zoom == 11
    assert MapArchive.of(corner(patch), MapTiles(max_zoom=9)).min_zoom == 9
    assert MapArchive.of(corner(patch), MapTiles(min_zoom=15)).max_zoom == 15
    assert MapArchive.of(plan_window(ring, 1, Window(0, 48, 0, 96)), MapTiles()).min_zoom == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 300}, "size=300 is not a side that map tiles have; take 256 or 512"),
        ({"image_format": "gif"}, "image_format='gif' is not one of png, webp, jpeg; take one"),
        ({"min_zoom": -1}, "min_zoom=-1 must be an integer from 0 to 24; take another"),
        ({"max_zoom": 2.5}, "max_zoom=2.5 must be an integer from 0 to 24; take another"),
        ({"min_zoom": 7, "max_zoom": 3}, "min_zoom=7 is above max_zoom=3; swap them"),
    ],
)
def test_settings_that_no_archive_has_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        MapTiles(**settings)


def test_too_many_map_tiles_are_refused_and_the_remedy_works(patch: Recipe) -> None:
    with pytest.raises(
        BudgetError, match=r"more than 4,194,304 map tiles; take max_zoom=(\d+) or less"
    ) as said:
        MapArchive.of(corner(patch), MapTiles(max_zoom=24))
    allowed = int(str(said.value).split("max_zoom=")[1].split()[0])
    assert MapArchive.of(corner(patch), MapTiles(max_zoom=allowed)).max_zoom == allowed
    with pytest.raises(BudgetError, match=f"take max_zoom={allowed} or less"):
        MapArchive.of(corner(patch), MapTiles(max_zoom=allowed + 1))


def test_a_window_without_a_map_tile_is_refused_and_the_remedy_works(patch: Recipe, tmp_path: Path) -> None:
    plan = plan_window(patch, 2, Window(30, 33, 41, 43))
    with pytest.raises(StoreError, match="than a pixel of zoom 5 and has no map tile; take max_zoom=7"):
        write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(max_zoom=5))
    assert not (tmp_path / "a.pmtiles").exists()
    write_pmtiles(plan, tmp_path / "a.pmtiles")
    assert read_pmtiles(tmp_path / "a.pmtiles")
    with pytest.raises(BudgetError, match="map tiles; take a smaller window or a lower min_zoom"):
        MapArchive.of(plan_window(patch, 2, Window(0, 320, 0, 448)), MapTiles(min_zoom=24))


def test_a_large_directory_has_leaves_that_lead_to_every_tile(tmp_path: Path) -> None:
    directory, total = Directory(), 30_000
    with (tmp_path / "contents").open("wb") as stream:
        for number in range(total):
            # Every seventh is water; the two at the end of each seventh follow each other.
            data = b"water" if number % 7 in (0, 6) else b"%d " % number * (number % 5 + 1)
            directory.add(WebTile.at(9, number), data, stream)
    root, leaves = directory.serialized()
    assert len(root) < 16384 - 127
    contents, found = (tmp_path / "contents").read_bytes(), {}
    assert len(contents) == directory.size
    for leaf in deserialize_directory(root):
        assert leaf.run_length == 0
        for entry in deserialize_directory(leaves[leaf.offset : leaf.offset + leaf.length]):
            for step in range(entry.run_length):
                found[entry.tile_id + step] = contents[entry.offset : entry.offset + entry.length]
    first = (4**9 - 1) // 3
    assert sorted(found) == list(range(first, first + total))
    assert all(
        found[first + n] == (b"water" if n % 7 in (0, 6) else b"%d " % n * (n % 5 + 1)) for n in range(total)
    )
    assert contents.count(b"water") == 1
    assert len(directory.ids) < total


@pytest.mark.parametrize("level", [0, 1])
def test_coarse_levels_have_map_tiles_too(patch: Recipe, tmp_path: Path, level: int) -> None:
    window = Window(2, 13, 4, 21) if level == 0 else Window(9, 50, 18, 83)
    plan = plan_window(patch, level, window)
    write_pmtiles(plan, tmp_path / "a.pmtiles", tiles=MapTiles(max_zoom=11))
    check_in_place(plan, level, read_pmtiles(tmp_path / "a.pmtiles"), 1.5)
