"""Rasters as level 0: what is read of them, what is refused, and that every remedy named is one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

import rasters
from geoinfinite import World
from geoinfinite.conditions import Known
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.root import Root

ALL = Window(0, 12, 0, 24)
Maker = Callable[[Path], Path]


def with_alpha(path: Path) -> Path:
    alpha = np.full((1, 12, 24), 255, np.uint8)
    alpha[0][rasters.HOLE] = 0
    return rasters.write(path, np.concatenate([rasters.values(), alpha]), photometric="RGB", alpha="yes")


def internally_masked(path: Path) -> Path:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        return rasters.write(path, rasters.values(), rasters.masked)


def png_with_metadata(path: Path) -> Path:
    pixels = rasters.values()
    pixels[:, *rasters.HOLE] = 0
    return rasters.write(path.with_suffix(".png"), pixels, driver="PNG", nodata=0)


def nans() -> np.ndarray:
    return rasters.holed("float32", np.nan) / np.float32(255)


MASKED: dict[str, Maker] = {
    "internal mask": internally_masked,
    "mask beside": lambda path: rasters.write(path, rasters.values(), rasters.masked),
    "alpha band": with_alpha,
    "nodata of one band": lambda path: rasters.write(path, rasters.holed(), nodata=0),
    "NaN": lambda path: rasters.write(path, nans()),
    "NaN that is nodata": lambda path: rasters.write(path, nans(), nodata=np.nan),
    "nodata in metadata beside": png_with_metadata,
}


@pytest.mark.parametrize("kind", MASKED)
def test_masked_pixels_are_not_known_and_are_refused_until_filled(tmp_path: Path, kind: str) -> None:
    path = MASKED[kind](tmp_path / "root.tif")
    raster = Root(str(path)).raster()
    with raster.open() as dataset:
        _, known = raster.read(dataset, Window(0, 12, 20, 34))
    expected = np.ones((12, 24), bool)
    expected[rasters.HOLE] = False
    assert (known == np.roll(expected, -20, axis=1)[:, :14]).all()
    assert raster.bands == 3
    message = r"has 8 masked pixels .* within rows 0..12, columns 0..24; .*, or fill them: rio"
    with pytest.raises(WorldError, match=message) as said:
        Root(str(path)).read(ALL)
    filled = rasters.advised(str(said.value), path)
    pixels = Root(str(filled)).read(ALL)
    with rasterio.open(path) as before:
        assert (pixels[:, expected] == before.read([1, 2, 3])[:, expected]).all()


@pytest.mark.parametrize("declared", [None, -1.0, np.nan])
@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinite_pixels_are_filled_by_the_command_named(
    tmp_path: Path, infinity: float, declared: float | None
) -> None:
    values = rasters.holed("float32", infinity) / np.float32(255)
    values[2, 9, 20] = np.nan if declared is None else declared
    path = rasters.write(tmp_path / "root.tif", values, nodata=declared)
    with pytest.raises(WorldError, match=r"has 9 masked pixels .* fill them: rio calc") as said:
        Root(str(path)).read(ALL)
    filled = Root(str(rasters.advised(str(said.value), path))).read(ALL)
    expected = np.ones((12, 24), bool)
    expected[rasters.HOLE] = expected[9, 20] = False
    assert (filled[:, expected] == values[:, expected]).all()
    assert (filled[0] == values[0]).all()
    assert ((filled >= 0) & (filled <= 1)).all()


def test_pixels_of_a_scaled_root_are_its_values(tmp_path: Path) -> None:
    stored = rasters.values(dtype="uint16") * 30
    path = rasters.write(tmp_path / "root.tif", stored)
    read = Root(str(path), scale=1e-4, offset=0.01).read(Window(2, 7, 3, 9))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, stored[:, 2:7, 3:9] * 1e-4 + 0.01, rtol=1e-6)


def test_values_outside_the_range_are_refused_and_the_scale_named_brings_them_in(tmp_path: Path) -> None:
    values = rasters.values(dtype="float32") * np.float32(0.0121) - np.float32(0.37)
    path = rasters.write(tmp_path / "root.tif", values)
    with pytest.raises(WorldError, match=r"holds values from -0.3579 to 2.2557, and those of a") as said:
        Root(str(path)).read(Window(0, 3, 0, 3))
    scale, offset = map(float, re.findall(r"root\.\w+ = (\S+)", str(said.value)))
    read = Root(str(path), scale=scale, offset=offset).read(ALL)
    assert (read.min(), read.max()) == (0, 1)
    wanted = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(read, wanted, atol=1e-6)


def test_a_scale_in_the_tags_wants_a_statement(tmp_path: Path) -> None:
    def tag(raster: Any) -> None:
        raster.scales, raster.offsets = [1e-4] * 3, [0.01] * 3

    stored = rasters.values(dtype="uint16") * 30
    path = rasters.write(tmp_path / "root.tif", stored, tag)
    with pytest.raises(WorldError, match=r"with scale 0.0001 and offset 0.01; to draw from the") as said:
        Root(str(path)).raster()
    scale, offset, alone = map(float, re.findall(r"root\.\w+ = ([^\s,]+)", str(said.value)))
    np.testing.assert_allclose(Root(str(path), scale, offset).read(ALL), stored * 1e-4 + 0.01, rtol=1e-6)
    assert (Root(str(path), scale=alone).read(ALL) == stored).all()


def test_scales_that_differ_from_band_to_band_are_all_named(tmp_path: Path) -> None:
    scales, offsets = [1e-4, 3e-4, 1.0], [0.01, 0.0, -0.25]

    def tag(raster: Any) -> None:
        raster.scales, raster.offsets = scales, offsets

    stored = (rasters.values(dtype="uint16") * [[[30]], [[10]], [[1]]] % 3000).astype("uint16")
    stored[2] = stored[2] > 40
    path = rasters.write(tmp_path / "root.tif", stored, tag)
    each = r"0\.0001 and 0\.01 \(band 1\), 0\.0003 and 0 \(band 2\), 1 and -0\.25 \(band 3\)"
    with pytest.raises(WorldError, match=f"{each}.*root.scale is one for all") as said:
        Root(str(path)).raster()
    assert (Root(str(path), scale=1.0).read(ALL) == stored).all()
    with rasterio.open(rasters.advised(str(said.value), path)) as file:
        assert file.dtypes[0] == "float32"
        expected = stored * np.reshape(scales, (3, 1, 1)) + np.reshape(offsets, (3, 1, 1))
        np.testing.assert_allclose(file.read(), expected, rtol=1e-6)
        assert Root(str(file.name)).raster().scaling is None


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    colours = {i: (40 * i, 255 - 9 * i, 7 * i, 255) for i in range(5)}
    indices = rasters.values(1) % 5
    path = rasters.write(
        tmp_path / "root.tif", indices, lambda r: r.write_colormap(1, colours), photometric="palette"
    )
    expected = np.moveaxis(np.array([colours[i][:3] for i in range(5)], np.uint8)[indices[0]], -1, 0)
    assert (Root(str(path)).read(ALL) == expected).all()


OBLONG = Affine(30.0, 0, 4e5, 0, -20.0, 5e6)
SOUTH_UP = Affine(30.0, 0, 4e5, 0, 30.0, 5e6)
ROTATED = Affine.translation(4e5, 5e6) * Affine.rotation(20) * Affine.scale(30, -30)


def as_vrt(path: Path) -> Path:
    rasters.write(path.with_name("inner.tif"), rasters.values())
    with rasterio.open(path.with_name("inner.tif")) as inner:
        rasterio.shutil.copy(inner, path, driver="VRT")
    return path


REFUSED: list[tuple[Maker, str]] = [
    (lambda p: rasters.write(p, rasters.values(), crs=None), "has no CRS, .*; write one into it"),
    (
        lambda p: rasters.write(p, rasters.values(), crs='LOCAL_CS["plan",UNIT["metre",1]]'),
        "has no CRS on the Earth .*; write one into it",
    ),
    (lambda p: rasters.write(p, rasters.values(), crs="EPSG:4978"), "has no CRS on the Earth"),
    (lambda p: rasters.write(p, rasters.values(), transform=Affine.identity()), "has no place in its CRS"),
    (lambda p: rasters.write(p, rasters.values(), transform=OBLONG), "has oblong pixels; make them square"),
    (lambda p: rasters.write(p, rasters.values(), transform=SOUTH_UP), "is rotated or not north-up; warp it"),
    (lambda p: rasters.write(p, rasters.values(), transform=ROTATED), "is rotated or not north-up; warp it"),
    (
        lambda p: rasters.write(p, np.zeros((520, 2, 3), "uint8")),
        "has 520 bands, of 512 at most; choose",
    ),
    (
        lambda p: rasters.write(p, rasters.values(), crs="EPSG:4326"),
        r"has latitudes from 5.20734e\+06 to 5.2077e\+06, beyond the poles of EPSG:4326: .* write that",
    ),
    (as_vrt, "is not a raster that can be read: not GeoTIFF, PNG or JPEG, .*; convert it"),
]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_cannot_be_level_0_becomes_it_by_the_command_named(
    tmp_path: Path, make: Maker, message: str
) -> None:
    path = make(tmp_path / "root.tif")
    with pytest.raises(WorldError, match=message) as said:
        Root(str(path)).raster()
    assert "\n" not in str(said.value)
    assert len(str(said.value)) < 500
    assert Root(str(rasters.advised(str(said.value), path))).raster().shape > (1, 1)


def test_one_huge_block_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "root.tif"
    side = {"blockxsize": 16_384, "blockysize": 16_384, "width": 20_000, "height": 20_000}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        dtype="uint8",
        crs="EPSG:32633",
        transform=rasters.NORTH_UP,
        tiled=True,
        interleave="pixel",
        SPARSE_OK=True,
        **side,
    ):
        pass
    with pytest.raises(WorldError, match=r"blocks of 805306368 bytes, .*: rio convert SRC DST --co TIL"):
        Root(str(path)).raster()


def test_pixels_that_were_never_written_are_not_called_a_bad_copy_only(tmp_path: Path) -> None:
    path, strip = tmp_path / "root.tif", {"blockysize": 16_000, "compress": "deflate", "SPARSE_OK": True}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        dtype="uint8",
        crs="EPSG:32633",
        transform=rasters.NORTH_UP,
        width=16_000,
        height=16_000,
        **strip,
    ):
        pass
    with pytest.raises(WorldError, match=r"cannot be read .* or these pixels were never written; copy"):
        Root(str(path)).read(Window(0, 3, 0, 3))


@pytest.mark.parametrize(
    ("kept", "message"), [(0.7, "cannot be read at .* truncated"), (0.01, "it is damaged"), (0, "is empty")]
)
def test_cut_files_say_that_they_are_damaged(tmp_path: Path, kept: float, message: str) -> None:
    whole = rasters.write(tmp_path / "root.tif", np.tile(rasters.values(), (1, 9, 9)), compress="deflate")
    cut = whole.with_name("cut.tif")
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    with pytest.raises(WorldError, match=message):
        Root(str(cut)).read(Window(0, 108, 0, 216))


@pytest.mark.parametrize("kept", [0.6, 0.98])
def test_a_cut_file_whose_mask_is_gone_is_damaged_too(tmp_path: Path, kept: float) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        whole = rasters.write(
            tmp_path / "root.tif",
            np.tile(rasters.values(), (1, 9, 9)),
            lambda raster: raster.write_mask(np.arange(108 * 216).reshape(108, 216) % 7 > 0),
        )
    whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    with pytest.raises(WorldError, match=r"root.source=.* is truncated or damaged .*; copy it again"):
        Root(str(whole)).raster()
    with pytest.raises(WorldError, match=r"known.source=.* is truncated or damaged .*; copy it again"):
        Known(str(whole)).header()


WMS = "<GDAL_WMS><Service name='WMS'><ServerUrl>http://127.0.0.1:{}/?</ServerUrl></Service></GDAL_WMS>"
REMOTE = (
    "<VRTDataset rasterXSize='24' rasterYSize='12'><VRTRasterBand dataType='Byte' band='1'><SimpleSource>"
    "<SourceFilename>/vsicurl/http://127.0.0.1:{}/a.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
)


@pytest.mark.parametrize("text", [WMS, REMOTE])
@pytest.mark.parametrize("where", ["root.tif", "root.tif.msk", "root.tif.MSK"])
def test_no_file_makes_the_library_ask_the_network(tmp_path: Path, text: str, where: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        rasters.write(tmp_path / "root.tif", rasters.values())
        (tmp_path / where).write_text(text.format(server.getsockname()[1]))
        with pytest.raises(WorldError, match=r"is not a raster that can be read|is not a TIFF, as masks"):
            Root(str(tmp_path / "root.tif")).read(ALL)
        with pytest.raises(TimeoutError, match="timed out"):
            server.accept()


def change_mask(path: Path) -> None:
    with rasterio.open(path, "r+") as raster:
        mask = np.full(raster.shape, 255, np.uint8)
        mask[0, 0] = 0
        raster.write_mask(mask)


def change_world_file(path: Path) -> None:
    path.with_suffix(".pgw").write_text("30.0\n0\n0\n-30.0\n500015.0\n6000000.0\n")


def change_nodata(path: Path) -> None:
    path.with_name(f"{path.name}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='2'><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>"
    )


@pytest.mark.parametrize("change", [change_mask, change_nodata])
def test_what_lies_beside_a_raster_is_in_its_digest(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = rasters.write(tmp_path / "root.tif", rasters.values())
    root = Root(str(path))
    raster, before = root.raster(), root.digest()
    assert root.read(ALL).shape == (3, 12, 24)
    change(path)
    assert root.digest() != before
    with pytest.raises(WorldError, match=r"has .* masked pixels"):
        root.read(ALL)
    with pytest.raises(WorldError, match="was changed while in use; load the world again"):
        raster.open()


def test_a_world_file_moves_a_picture_and_changes_its_digest(tmp_path: Path) -> None:
    path = rasters.write(tmp_path / "root.png", rasters.values(), driver="PNG")
    Path(f"{path}.aux.xml").write_text("<PAMDataset><SRS>EPSG:32633</SRS></PAMDataset>")
    change_world_file(path)
    root = Root(str(path))
    before = root.digest()
    assert root.raster().origin == (500_000.0, 6_000_015.0)
    path.with_suffix(".pgw").write_text("30.0\n0\n0\n-30.0\n500045.0\n6000000.0\n")
    assert root.raster().origin == (500_030.0, 6_000_015.0)
    assert root.digest() != before


def test_statistics_that_viewers_leave_beside_a_raster_change_nothing(tmp_path: Path) -> None:
    path = rasters.write(tmp_path / "root.tif", rasters.values())
    before = Root(str(path)).digest()
    Path(f"{path}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><Histograms><HistItem><HistMin>1</HistMin></HistItem>"
        "</Histograms><Metadata><MDI key='STATISTICS_MEAN'>99.5</MDI></Metadata></PAMRasterBand></PAMDataset>"
    )
    assert Root(str(path)).digest() == before


def test_a_file_put_in_its_place_is_noticed_though_size_and_time_agree(tmp_path: Path) -> None:
    path = rasters.write(tmp_path / "root.tif", rasters.values())
    raster, stat = Root(str(path)).raster(), path.stat()
    other = rasters.write(tmp_path / "other.tif", rasters.values()[:, ::-1])
    assert other.stat().st_size == stat.st_size
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    with pytest.raises(WorldError, match="was changed while in use"):
        raster.open()


@pytest.mark.parametrize(
    ("north", "rows", "fits"), [(90.5, 181, True), (90.0, 180, True), (91.0, 181, False)]
)
def test_the_middle_of_a_row_may_lie_on_a_pole_and_not_beyond(
    tmp_path: Path, north: float, rows: int, fits: bool
) -> None:
    place = Affine(1.0, 0, -7.0, 0, -1.0, north)
    pixels = np.resize(rasters.values(), (3, rows, 24))
    root = Root(str(rasters.write(tmp_path / "root.tif", pixels, crs="EPSG:4326", transform=place)))
    if fits:
        assert root.raster().shape == (rows, 24)
    else:
        with pytest.raises(WorldError, match="from -90 to 91, beyond the poles of EPSG:4326; write") as said:
            root.raster()
        rasters.advised(str(said.value), root.path)
        assert root.raster().origin == (-7.0, 90.0)


def test_a_crs_is_kept_as_the_raster_gives_it(tmp_path: Path) -> None:
    said = "+proj=utm +zone=33 +ellps=GRS80 +units=m"
    path = rasters.write(tmp_path / "root.tif", rasters.values(), crs=said)
    with rasterio.open(path) as raster:
        assert rasterio.crs.CRS.from_user_input(Root(str(path)).raster().crs) == raster.crs
    assert Root(str(rasters.write(path, rasters.values(), crs="EPSG:25833"))).raster().crs == "EPSG:25833"


@pytest.mark.parametrize(
    ("crs", "flat"),
    [("EPSG:4979", "EPSG:4326"), ("EPSG:7415", "EPSG:28992"), ("EPSG:32633+5773", "EPSG:32633")],
)
def test_of_a_crs_with_heights_the_horizontal_part_is_taken(tmp_path: Path, crs: str, flat: str) -> None:
    place = Affine(0.5, 0, 4.0, 0, -0.5, 50.0)
    path = rasters.write(tmp_path / "root.tif", rasters.values(), crs=crs, transform=place)
    text = f'[root]\nsource = "{path}"\n[grid]\nlevels = 2\n[model]\nref = "analytic:gaussian"\n'
    world = World.loads(text)
    assert world.grid.crs == flat
    assert world.array(1).rio.crs == rasterio.crs.CRS.from_string(flat)


def test_a_turn_in_grads_is_once_round_the_earth(tmp_path: Path) -> None:
    grads, degrees = Affine(400 / 24, 0, -200, 0, -400 / 24, 100), Affine(15, 0, -180, 0, -15, 90)
    for place, once in ((grads, True), (degrees, False)):
        path = rasters.write(tmp_path / "root.tif", rasters.values(), crs="EPSG:4807", transform=place)
        assert Root(str(path)).raster().periodic is once


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [("uint16", r'set world.dtype = "uint16"$'), ("int16", 'dtype = "float32", root.scale = .* root.')],
)
def test_another_dtype_is_taken_as_the_message_says(tmp_path: Path, dtype: str, remedy: str) -> None:
    path = rasters.write(tmp_path / "root.tif", rasters.values(dtype=dtype))
    text = f'[world]\n[root]\nsource = "{path}"\n[model]\nref = "analytic:gaussian"\n'
    with pytest.raises(WorldError, match=remedy) as said:
        World.loads(text)
    stated = re.findall(r"(world|root)\.(\w+) = ([^\s,]+)", str(said.value))
    for section in ("world", "root"):
        lines = "".join(f"{key} = {value}\n" for part, key, value in stated if part == section)
        text = text.replace(f"[{section}]\n", f"[{section}]\n{lines}")
    loaded = World.loads(text)
    assert loaded.root.read(ALL).dtype == loaded.dtype


@pytest.mark.parametrize("setting", [{"scale": 0.0}, {"scale": float("nan")}, {"offset": float("inf")}])
def test_scales_are_finite_numbers(setting: dict[str, float]) -> None:
    with pytest.raises(WorldError, match="must be a finite number, scale not 0"):
        Root("a.tif", **setting)
    with pytest.raises(WorldError, match="has no meaning for a generated root; leave it out"):
        Root("generated", **setting)


def test_a_relative_path_is_the_same_file_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rasters.write(tmp_path / "root.tif", rasters.values())
    monkeypatch.chdir(tmp_path)
    raster = Root("root.tif").raster()
    monkeypatch.chdir("/")
    with raster.open() as dataset:
        values, _ = raster.read(dataset, Window(0, 2, 0, 3))
    assert (values == rasters.values()[:, :2, :3]).all()


@pytest.mark.parametrize("dtype", ["complex64", "complex_int16"])
def test_complex_numbers_are_refused_with_a_remedy_that_works(tmp_path: Path, dtype: str) -> None:
    path, real = tmp_path / "a.tif", rasters.values()
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        height=12,
        width=24,
        dtype=dtype,
        crs="EPSG:32633",
        transform=rasters.NORTH_UP,
    ) as raster:
        raster.write(real + 1j * real[:, ::-1])
    with pytest.raises(WorldError, match=r"holds complex numbers \(complex.*: rio convert") as said:
        Root(str(path)).raster()
    advised = Root(str(rasters.advised(str(said.value), path))).raster()
    assert advised.stored_dtype == "float32"
    with rasterio.open(advised.path) as raster:
        assert (raster.read() == real).all()


def test_near_infrared_that_a_file_calls_alpha_becomes_a_band_by_the_command_named(tmp_path: Path) -> None:
    four = rasters.values(4)
    four[3] = 255
    four[3][rasters.HOLE] = 0
    path = rasters.write(tmp_path / "four.tif", four)
    assert Root(str(path)).raster().bands == 3
    with pytest.raises(
        WorldError, match=r"near infrared and no mask, say so: (rio edit-info --colorinterp .*)"
    ) as said:
        Root(str(path)).read(ALL)
    rasters.advised(str(said.value).split("say so: ")[1], path)
    assert (Root(str(path)).read(ALL) == four).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("tiles", [1, 20])
def test_an_alpha_band_that_varies_is_not_left_out_without_a_word(
    tmp_path: Path, dtype: str, tiles: int
) -> None:
    four = np.tile(rasters.values(4, dtype=dtype), (1, tiles, tiles))
    path = rasters.write(tmp_path / "four.tif", four, photometric="RGB", alpha="yes")
    message = r"has an alpha band that is no mask: it takes values from \d+ to 250; if it is near infrared"
    with pytest.raises(WorldError, match=message) as said:
        Root(str(path)).raster()
    near_infrared, left_out = str(said.value).split("; if it is nothing, leave it out: ")
    three = rasters.advised(left_out, path)
    whole = Window(0, 12 * tiles, 0, 24 * tiles)
    assert (Root(str(three)).read(whole) == four[:3]).all()
    three.unlink()
    rasters.advised(near_infrared, path)
    assert (Root(str(path)).read(whole) == four).all()


def test_a_mask_with_soft_edges_is_one(tmp_path: Path) -> None:
    four = np.concatenate([rasters.values(), np.full((1, 12, 24), 255, np.uint8)])
    four[3, :, :9] = np.linspace(30, 240, 9)
    path = rasters.write(tmp_path / "four.tif", four, photometric="RGB", alpha="yes")
    assert (Root(str(path)).read(ALL) == four[:3]).all()
    four[3] = 127
    path = rasters.write(tmp_path / "even.tif", four, photometric="RGB", alpha="yes")
    assert (Root(str(path)).read(ALL) == four[:3]).all()
