"""Training layers: places, splits, radiometry and what happens when a source is missing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyproj import Transformer

from training import ground, imagery, marble, sources


@pytest.fixture
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
    inside = marble._held_out(x, y)
    step = 2 * math.pi * 6_378_137.0 / (256 * 256)
    half = math.pi * 6_378_137.0
    for row, column in ((0, 0), (1300, 40), (1310, 900), (1535, 1535), (1200, 700)):
        easting, northing = (x * 256 + column + 0.5) * step - half, half - (y * 256 + row + 0.5) * step
        lon, lat = geographic.transform(easting, northing)
        assert inside[row, column] == (-82 < lon < -34 and -56 < lat < 13)
    assert inside.any()
    assert not inside.all()


def test_windows_of_the_two_splits_are_as_documented() -> None:
    shares = [marble._held_out(*marble._corner(lon, lat)).mean() for lon, lat in marble.WINDOWS]
    assert max(shares[:-9]) < 0.25
    assert min(shares[-9:]) == 1.0


def test_globe_layers_share_no_pixel(globe: marble.Bytes) -> None:
    train, held = (list(marble.globe_layers(globe, split)) for split in (False, True))
    for one, other in zip(train, held, strict=True):
        assert not bool((one.usable & other.usable).any())
    assert not bool(train[0].usable[(90 + 25) * 15, (180 + 135) * 15])
    assert bool(held[0].usable[(90 + 10) * 15, (180 - 60) * 15])


def test_stitching_keeps_rows_and_columns(tmp_path: Path) -> None:
    paths = []
    for index in range(36):
        paths.append(tmp_path / f"{index}.png")
        Image.new("RGB", (256, 256), (index, 0, 200)).save(paths[-1])
    joined = marble._stitched(paths)
    assert joined.shape == (3, 1536, 1536)
    assert [int(joined[0, 300, 100]), int(joined[0, 100, 300])] == [6, 1]


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


def test_pyramid_masks_and_scales() -> None:
    colours = torch.arange(3 * 400 * 500).reshape(3, 400, 500).remainder(251).to(torch.uint8)
    usable = torch.ones(400, 500, dtype=torch.bool)
    usable[:3] = False
    fine, coarse = ground.pyramid("landsat", colours, usable, 30.0, (-1.0, 1.0), {0: 2.0, 1: 1.0, 3: 1.0})
    assert (fine.gsd_m, coarse.gsd_m) == (30.0, 60.0)
    mean = colours[:, 10:12, 20:22].double().mean((1, 2))
    pad = (240 - 200) // 2
    assert (coarse.pixels[:, 5 + pad, 10].double() - mean).abs().max() <= 0.5
    assert not bool(coarse.usable[pad : pad + 2].any())
    assert bool(coarse.usable[pad + 2].all())


def test_missing_sources_are_named_and_left_out(
    globe: marble.Bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without a network every source fails by itself; this is what that looks like, at once.
    monkeypatch.setattr(marble, "open_globe", lambda _: globe)
    for name in ("landsat", "utah", "rockies", "raleigh", "olinda", "para", "prairie", "neon", "neon_fields"):
        monkeypatch.setattr(sources, name, _unavailable)
    monkeypatch.setattr(sources, "marble_tiles", _unavailable)
    reflectances = np.random.default_rng(1).integers(200, 2000, (4, 300, 300))
    path = tmp_path / sources.SENTINEL
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(reflectances.tolist()))
    found = imagery.layers(tmp_path, held_out=False)
    assert imagery.present(found) == ["blue-marble", "fields"]
    assert sum(layer.weight for layer in found) == pytest.approx(1.0)
    assert _share(found, "fields") == pytest.approx(0.08 / 0.48)
    told = capsys.readouterr().err.splitlines()
    assert told.count("training images: landsat_utah is left out: no network") == 1
    assert told[-1].startswith("training images: blue-marble 2 layers, ")


def _unavailable(*_: object) -> list[Path]:
    raise sources.SourceUnavailable("no network")


def _share(found: list[imagery.Layer], source: str) -> float:
    return sum(layer.weight for layer in found if layer.source == source)
