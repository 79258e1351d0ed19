"""Fields of vectors from rasters: where their cells lie, what is in them, and what is refused."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import grounds
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from affine import Affine

from geoinfinite.conditions import Embedding, Place, embed, field_of_classes
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

ORIGIN, STEP = (476_543.21, 5_234_567.89), 0.6
PLAIN = Affine(STEP, 0, ORIGIN[0], 0, -STEP, ORIGIN[1])


def corners(pictures: np.ndarray) -> np.ndarray:
    """A vector of five channels: two pixels of a cell, off its middle, and their difference."""
    first, other = pictures[:, 0, 0, 1], pictures[:, -1, -1, 0]
    return np.stack([first, other, first - other, pictures[:, 1, 1, 2], pictures[:, 1, 0, 0]], axis=1)


def by_hand(values: np.ndarray, cell: int) -> np.ndarray:
    """The vectors of `corners` as ``(channel, row, column)``, cell by cell."""
    rows, columns = (side // cell for side in values.shape[1:])
    parts = [
        values[None, :, cell * r : cell * (r + 1), cell * c : cell * (c + 1)]
        for r in range(rows)
        for c in range(columns)
    ]
    return np.concatenate([corners(p) for p in parts]).T.reshape(5, rows, columns)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as field:
        return field.read()


def scene(folder: Path, shape: tuple[int, ...] = (3, 79, 143), **more: Any) -> tuple[str, np.ndarray]:
    values = grounds.noise(shape)
    return grounds.write(folder / "scene.tif", values, "EPSG:32632", PLAIN, **more), values


def test_a_cell_has_the_vector_of_its_own_pixels(tmp_path: Path) -> None:
    """Bit for bit, in more than one block, where sides are no multiples of a cell."""
    source, values = scene(tmp_path)
    path = embed(source, corners, tmp_path / "field.tif", cell=4, batch=7)
    np.testing.assert_array_equal(read(path), by_hand(values * np.float32(1 / 255), 4))
    with rasterio.open(path) as field:
        assert field.crs.to_epsg() == 32632
        assert field.transform == Affine(4 * STEP, 0, ORIGIN[0], 0, -4 * STEP, ORIGIN[1])
        assert (field.dtypes[0], field.count, field.shape) == ("float32", 5, (19, 35))


def test_a_tile_of_a_world_is_told_the_vector_of_what_is_there(tmp_path: Path) -> None:
    source, values = scene(tmp_path)
    path = embed(source, corners, tmp_path / "field.tif", cell=8)
    grid = Grid("EPSG:32632", ORIGIN, STEP, (72, 136))
    slot = Slot("embedding", "embedding", channels=5, cells=1)
    for row, column in ((0, 0), (3, 16), (8, 5)):
        window = Window(8 * row, 8 * row + 8, 8 * column, 8 * column + 8)
        told = Embedding("embedding", str(path)).told(Place(grid, 0, window), slot)
        (wanted,) = corners(values[None, :, *window.slices(grid.full(0))] * np.float32(1 / 255))
        np.testing.assert_array_equal(told[:, 0, 0], wanted)


def test_a_thousand_channels_in_coarse_tiles_of_a_thousand_metres(tmp_path: Path) -> None:
    """As ZoomLDM takes them: one vector a 256 m, four along the side of a tile of 128 px of 8 m."""
    source = grounds.write(
        tmp_path / "s.tif", grounds.noise((3, 96, 130)), "EPSG:32632", Affine(16, 0, 4e5, 0, -16, 5e6)
    )
    spread = np.random.default_rng(2).normal(size=(3 * 16 * 16, 1024)).astype(np.float32)
    path = embed(source, lambda t: t.reshape(len(t), -1) @ spread, tmp_path / "f.tif", cell=16)
    slot = Slot("embedding", "embedding", channels=1024, cell_m=256.0)
    place = Place(Grid("EPSG:32632", (4e5, 5e6), 8.0, (192, 260)), 0, Window(64, 192, 96, 224))
    condition = Embedding("embedding", str(path))
    condition.check(slot, place.grid, 0)
    np.testing.assert_array_equal(condition.told(place, slot), read(path)[:, 2:6, 3:7])


def test_a_file_of_too_many_bands_is_no_field(tmp_path: Path) -> None:
    source = grounds.write(tmp_path / "m.tif", np.zeros((8193, 1, 1), np.uint8), "EPSG:32632", PLAIN)
    with pytest.raises(WorldError, match="has 8193 bands, of 8192 at most"):
        Embedding("embedding", source).check(
            Slot("embedding", "embedding", channels=8193), Grid("EPSG:32632", ORIGIN, STEP, (8, 8)), 0
        )


def test_the_encoder_takes_batches_and_sees_no_cell_twice(tmp_path: Path) -> None:
    source, _ = scene(tmp_path)
    sizes = []

    def encoder(pictures: np.ndarray) -> np.ndarray:
        sizes.append(pictures.shape)
        assert pictures.dtype == np.float32
        return corners(pictures)

    fields = [
        read(embed(source, encoder, tmp_path / "f.tif", cell=8, resolution=r, batch=batch))
        for r, batch in ((None, 3), (None, 1), (STEP, 5))
    ]
    np.testing.assert_array_equal(fields[0], fields[1])
    np.testing.assert_allclose(fields[0], fields[2], atol=1e-6)
    assert sum(shape[0] for shape in sizes) == 3 * 9 * 17
    assert {shape[1:] for shape in sizes} == {(3, 8, 8)}
    assert max(shape[0] for shape in sizes) == 5


@pytest.mark.parametrize("unknown", ["nodata", "mask"])
def test_cells_that_are_not_known_wholly_are_nan(tmp_path: Path, unknown: str) -> None:
    """Also where the first blocks know nothing at all; neighbours of what is not known keep their bits."""
    known = np.ones((80, 144), bool)
    known[:72, :68], known[76, 131] = False, False
    values = grounds.noise((3, 80, 144))
    more: dict[str, Any] = {"mask": known}
    if unknown == "nodata":
        values[:, ~known], more = 0, {"nodata": 0}
    source = grounds.write(tmp_path / "scene.tif", values, "EPSG:32632", PLAIN, **more)
    wanted = by_hand(values * np.float32(1 / 255), 4)
    wanted[:, ~known.reshape(20, 4, 36, 4).all(axis=(1, 3))] = np.nan
    assert np.isnan(wanted).any(axis=0).sum() == 18 * 17 + 1
    np.testing.assert_array_equal(read(embed(source, corners, tmp_path / "f.tif", cell=4)), wanted)


def test_other_resolutions_are_interpolated_where_the_pixels_are(tmp_path: Path) -> None:
    """Means of a plane are its values in the middles of the cells."""
    rows, columns = np.mgrid[:60, :90].astype(np.float32)
    plane = np.stack([columns * 3 - rows, rows * 2 + columns])
    source = grounds.write(tmp_path / "p.tif", plane, "EPSG:32632", Affine(5, 0, 4e5, 0, -5, 5e6))
    for resolution, cell in ((2.0, 8), (7.5, 4), (5.0, 3)):
        path = embed(
            source, lambda t: t.mean(axis=(2, 3)), tmp_path / "f.tif", cell=cell, resolution=resolution
        )
        side = resolution * cell / 5
        field = read(path)
        assert field.shape == (2, int(60 / side), int(90 / side))
        y, x = ((np.arange(n) + 0.5) * side - 0.5 for n in field.shape[1:])
        inside = np.s_[:, 1:-1, 1:-1]  # Beyond the middle of its outer pixels the plane is flat.
        wanted = np.stack([3 * x[None] - y[:, None], 2 * y[:, None] + x[None]])
        np.testing.assert_allclose(field[inside], wanted[inside], atol=1e-3)


def test_a_turned_raster_is_known_where_its_pixels_lie(tmp_path: Path) -> None:
    turned = Affine.translation(4e5, 5e6) * Affine.rotation(25) * Affine.scale(5, -5)
    rows, columns = np.mgrid[:70, :100].astype(np.float32)
    source = grounds.write(tmp_path / "t.tif", np.stack([columns, rows]), "EPSG:32632", turned)
    path = embed(source, lambda t: t.mean(axis=(2, 3)), tmp_path / "f.tif", cell=4)
    field = read(path)
    with rasterio.open(path) as opened:
        middles = [
            ~turned * (opened.transform * (c + 0.5, r + 0.5))
            for r in range(opened.height)
            for c in range(opened.width)
        ]
    there = np.moveaxis(np.array(middles).reshape(*field.shape[1:], 2), -1, 0)
    known = np.isfinite(field).all(axis=0)
    # A cell of 4 pixels reaches less than 3 from its middle, whichever way it is turned.
    within = ((there > 3) & (there < np.array([97, 67])[:, None, None])).all(axis=0)
    beyond = ((there < 1.9) | (there > np.array([98.1, 68.1])[:, None, None])).any(axis=0)
    assert within.sum() > 300
    assert known[within].all()
    assert not known[beyond].any()
    np.testing.assert_allclose(field[:, within], there[:, within] - 0.5, atol=1e-3)


def test_arrays_in_memory_are_as_good_as_files(tmp_path: Path) -> None:
    source, _ = scene(tmp_path)
    with rioxarray.open_rasterio(source) as data:
        upside_down = data.isel(y=slice(None, None, -1)).load()
    fields = [
        read(embed(given, corners, tmp_path / "f.tif", cell=4))
        for given in (source, Path(source), upside_down)
    ]
    np.testing.assert_array_equal(fields[0], fields[1])
    np.testing.assert_array_equal(fields[0], fields[2])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.tif", "scene.tif"]


def test_palettes_are_colours_and_wide_integers_are_mapped_too(tmp_path: Path) -> None:
    indices = (np.arange(8 * 12) % 3).reshape(1, 8, 12).astype(np.uint8)
    colours = {0: (10, 20, 30, 255), 1: (200, 100, 0, 255), 2: (255, 255, 255, 255)}
    source = grounds.write(tmp_path / "i.tif", indices, "EPSG:32632", PLAIN, colours=colours)
    seen = np.array([colours[i][:3] for i in indices.ravel()]).T.reshape(3, 8, 12)
    wanted = by_hand((seen * np.float32(1 / 255)).astype(np.float32), 4)
    np.testing.assert_array_equal(read(embed(source, corners, tmp_path / "f.tif", cell=4)), wanted)
    wide = np.arange(3 * 8 * 12).reshape(3, 8, 12).astype(np.uint16) * 200
    source = grounds.write(tmp_path / "w.tif", wide, "EPSG:32632", PLAIN)
    field = read(embed(source, corners, tmp_path / "f.tif", cell=4))
    np.testing.assert_allclose(field, by_hand(wide / 65535, 4), atol=1e-6)


def test_memory_does_not_grow_with_the_raster(tmp_path: Path) -> None:
    """A raster of 12 MB as bytes, and of 50 MB as pictures, in pieces of 16 cells."""
    source, _ = scene(tmp_path, (3, 1024, 4096), tiled=True)
    tracemalloc.start()
    try:
        path = embed(source, lambda tiles: tiles.mean(axis=(2, 3)), tmp_path / "f.tif", cell=64)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10e6
    assert read(path).shape == (3, 16, 64)


def test_a_network_is_wrapped(tmp_path: Path) -> None:
    """The remedy that the error states."""
    torch = pytest.importorskip("torch")
    source, values = scene(tmp_path)
    network = torch.nn.Conv2d(3, 6, 4).requires_grad_(True)

    class Means(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return network(x).mean(dim=(2, 3))

    with pytest.raises(
        WorldError, match=r"embed\(encoder=Means\) is a network, which takes tensors; wrap it"
    ):
        embed(source, Means(), tmp_path / "f.tif", cell=8)
    means = Means()
    path = embed(
        source, lambda tiles: means(torch.from_numpy(tiles)).numpy(force=True), tmp_path / "f.tif", cell=8
    )
    picture = torch.from_numpy(values[None, :, 16:24, 40:48] / np.float32(255))
    np.testing.assert_allclose(read(path)[:, 2, 5], means(picture)[0].detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cell": 80},
            r"cell=80: embed\(raster='.*scene.tif'\) has 79 x 143 pixels of 0.6, less than one cell",
        ),
        ({"cell": 0}, r"embed\(cell=0\) must be a whole number of at least 1"),
        ({"cell": 2.5}, r"embed\(cell=2.5\) must be a whole number of at least 1"),
        ({"batch": True}, r"embed\(batch=True\) must be a whole number of at least 1"),
        (
            {"resolution": -1.0},
            r"embed\(resolution=-1.0\) must be a positive number of CRS units; leave it out",
        ),
        ({"resolution": float("inf")}, r"embed\(resolution=inf\) must be a positive number"),
        ({"path": "f.png"}, r"embed\(path='f.png'\): the ending is not one of .tif, .tiff"),
        (
            {"path": "nowhere/f.tif"},
            r"path='nowhere/f.tif': the folder does not exist; make it: mkdir -p nowh",
        ),
        ({"raster": 7}, r"embed\(raster=7\) must be the path of a raster, or a DataArray"),
        ({"raster": "none.tif"}, r"embed\(raster='none.tif'\) does not exist"),
        (
            {"raster": xr.DataArray(np.ones((8, 8)), dims=("y", "x"))},
            r"embed\(raster\): data has no CRS; give",
        ),
        ({"encoder": lambda t: t}, r"shape \(8, 3, 8, 8\) for 8 cells; it must be \(cell, channel\)"),
        ({"encoder": lambda t: t[1:, :, 0, 0]}, r"shape \(7, 3\) for 8 cells; it must be"),
        (
            {"encoder": lambda t: t.mean((2, 3)) / 0},
            r"the vector of the cell around 8.6\d+, 47.2\d+ is not fin",
        ),
    ],
    ids=lambda said: said if isinstance(said, str) else ", ".join(said),
)
def test_what_makes_no_field_is_one_clear_error(
    tmp_path: Path, settings: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = scene(tmp_path)
    monkeypatch.chdir(tmp_path)
    given = {"raster": source, "encoder": corners, "path": "f.tif", "cell": 8} | settings
    with np.errstate(divide="ignore"), pytest.raises(WorldError, match=message) as caught:
        embed(given.pop("raster"), given.pop("encoder"), given.pop("path"), **given)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def test_vectors_of_a_field_have_one_length(tmp_path: Path) -> None:
    source, _ = scene(tmp_path)
    lengths = iter([3] * 40 + [2] * 1000)
    with pytest.raises(
        WorldError, match="vectors of 2 channels after vectors of 3; all vectors of a field have"
    ):
        embed(source, lambda t: t[:, : next(lengths), 0, 0], tmp_path / "f.tif", cell=4)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def test_a_raster_that_knows_nothing_makes_no_field(tmp_path: Path) -> None:
    source = grounds.write(tmp_path / "n.tif", np.zeros((3, 40, 40), np.uint8), "EPSG:32632", PLAIN, nodata=0)
    with pytest.raises(WorldError, match=r"cell=4: no cell of embed\(raster='.*n.tif'\) is known wholly"):
        embed(source, corners, tmp_path / "f.tif", cell=4)


def test_an_encoder_that_fails_leaves_the_field_that_was_there(tmp_path: Path) -> None:
    source, _ = scene(tmp_path)
    path = embed(source, corners, tmp_path / "f.tif", cell=4)
    before, calls = path.read_bytes(), iter(range(50))
    with pytest.raises(RuntimeError, match="StopIteration"):
        embed(source, lambda t: corners(t) + next(calls), path, cell=4)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.tif", "scene.tif"]


def test_a_cell_has_the_vector_of_its_most_frequent_class(tmp_path: Path) -> None:
    """Counted one by one; of equals the least; a cell with a pixel of no class is NaN."""
    classes = np.random.default_rng(6).choice([10, 30, 80, 255], (1, 81, 130), p=[0.3, 0.3, 0.395, 0.005])
    source = grounds.write(tmp_path / "c.tif", classes.astype(np.uint8), "EPSG:32632", PLAIN, nodata=255)
    vectors = {10: [1, 0.5], 30: [-2, 7], 80: [0.25, 1e-3]}
    path = field_of_classes(source, vectors, tmp_path / "f.tif", cell=4)
    field = read(path)
    assert field.shape == (2, 20, 32)
    for row in range(20):
        for column in range(32):
            counts = Counter(classes[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].ravel().tolist())
            most = min(number for number, count in counts.items() if count == max(counts.values()))
            wanted = (np.nan, np.nan) if 255 in counts else vectors[most]
            np.testing.assert_array_equal(field[:, row, column], np.float32(wanted))


def test_cells_of_classes_may_be_smaller_than_their_pixels(tmp_path: Path) -> None:
    """A map of 10 m, cells of 4 m."""
    classes = grounds.noise((1, 9, 14)) % 3
    source = grounds.write(tmp_path / "c.tif", classes, "EPSG:32632", Affine(10, 0, 4e5, 0, -10, 5e6))
    data = rioxarray.open_rasterio(source)
    path = field_of_classes(
        data.sel(band=1), {0: [0], 1: [1], 2: [2]}, tmp_path / "f.tif", cell=4, resolution=1
    )
    middles = [((np.arange(n) + 0.5) * 4 / 10).astype(int) for n in (22, 35)]
    straddles = [(4 * np.arange(n) // 10) != ((4 * np.arange(n) + 3) // 10) for n in (22, 35)]
    whole = ~straddles[0][:, None] & ~straddles[1][None]
    assert whole.sum() > 300
    np.testing.assert_array_equal(read(path)[0][whole], classes[0][np.ix_(*middles)][whole])


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (
            {0: [1, 2], 1: [3, 4]},
            "vectors of the classes 0, 1, and none of class 2, which most of a cell is of",
        ),
        (
            {0: [1, 2], 1: [3]},
            r"vectors of the shapes \[\(1,\), \(2,\)\]; all must be lists of finite numbers",
        ),
        ({0: [1, float("nan")]}, "all must be lists of finite numbers"),
        ({}, r"vectors of the shapes \[\]; all must be"),
        ({"sea": [1]}, r"vectors=\{'sea': \[1\]\}\) must give numbers of classes their vectors, such as"),
        ([1, 2], r"vectors=\[1, 2\]\) must give numbers of classes their vectors, such as"),
    ],
    ids=str,
)
def test_classes_without_vectors(tmp_path: Path, vectors: Any, message: str) -> None:
    classes = np.repeat(np.arange(3, dtype=np.uint8), 4)[None, None].repeat(4, axis=1)
    source = grounds.write(tmp_path / "c.tif", classes, "EPSG:32632", PLAIN)
    with pytest.raises(WorldError, match=message):
        field_of_classes(source, vectors, tmp_path / "f.tif", cell=4)


def test_a_picture_is_no_map_of_classes(tmp_path: Path) -> None:
    source, _ = scene(tmp_path)
    with pytest.raises(WorldError, match=r"field_of_classes\(classes='.*'\) has 3 bands of uint8, and a map"):
        field_of_classes(source, {0: [1]}, tmp_path / "f.tif")
