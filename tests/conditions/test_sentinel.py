"""Hints in the numbers of Sentinel-2 products: bands by name, values as they are, ranges of DiffusionSat."""

from __future__ import annotations

from pathlib import Path

import grounds
import numpy as np
import pytest
from grounds import GRIDS

from geoinfinite.conditions import Place, Raster
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot
from geoinfinite.told.sentinel import BANDS, DEVIATIONS, MEANS, SENTINEL2, normalised

HINT = Slot("hint", "raster", bands=BANDS, channels=10, encoding=SENTINEL2)
GRID = GRIDS["EPSG:32632"]
PLACE = Place(GRID, 0, Window(11, 75, 23, 87))
PRODUCT = (
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B8A",
    "B09",
    "B10",
    "B11",
    "B12",
)
TRANSFORM = grounds.about("EPSG:32632", 17.0)


def product() -> np.ndarray:
    """Thirteen bands, of which each has hundreds of its own."""
    return (grounds.noise((13, 420, 420)) % 100 + 500 * np.arange(13)[:, None, None]).astype(np.uint16)


def test_bands_become_bytes_by_their_means_and_deviations() -> None:
    """By hand: B4 of 2000 is 863.7 over its mean, 2794.2 of 3860.9 over the lowest: 184.55 of 255."""
    levels = np.array([0, 500, 1500, 2000, 4000], np.float32)
    told = normalised(np.broadcast_to(levels, (10, 1, 5))) * 255
    by_hand = {
        "B4": [52, 85, 151, 184, 255],
        "B2": [11, 60, 158, 207, 255],
        "B8": [36, 62, 113, 139, 243],
        "B12": [54, 83, 142, 171, 255],
    }
    for band, wanted in by_hand.items():
        np.testing.assert_allclose(told[BANDS.index(band), 0], wanted, atol=1e-4)


def test_four_deviations_are_the_range_and_bytes_are_rounded_down() -> None:
    for band in MEANS:
        mean, deviation = MEANS[band], DEVIATIONS[band]
        steps = mean + deviation * np.array([-3, -1.999999, -1, 0.0001, 1, 1.999999, 3])
        told = normalised(steps.reshape(1, 1, 7), (band,)) * 255
        np.testing.assert_allclose(told.ravel(), [0, 0, 63, 127, 191, 254, 255], atol=1e-4)


def test_frames_before_the_bands_are_kept() -> None:
    values = np.random.default_rng(0).uniform(0, 4000, (3, 10, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(normalised(values), [normalised(frame) for frame in values])
    assert normalised(values).dtype == np.float32


@pytest.mark.parametrize("names", [PRODUCT, tuple(name.replace("B0", "b") for name in PRODUCT)])
def test_bands_are_taken_by_name_from_the_product(tmp_path: Path, names: tuple[str, ...]) -> None:
    values, order = product(), np.random.default_rng(2).permutation(13)
    path = grounds.write(
        tmp_path / "s2.tif", values[order], "EPSG:32632", TRANSFORM, names=[names[i] for i in order]
    )
    condition = Raster("hint", path)
    condition.check(HINT, GRID, 0)
    told = condition.told(PLACE, HINT)
    np.testing.assert_array_equal(told.min(axis=(1, 2)) // 500, [3, 2, 1, 4, 5, 6, 7, 8, 11, 12])


def test_values_are_the_product_s_own_unless_a_scale_leads_to_them(tmp_path: Path) -> None:
    values = product()
    numbers = grounds.write(tmp_path / "n.tif", values, "EPSG:32632", TRANSFORM, names=PRODUCT)
    shares = grounds.write(
        tmp_path / "r.tif", (values / 10_000).astype(np.float32), "EPSG:32632", TRANSFORM, names=PRODUCT
    )
    told = Raster("hint", numbers, resampling="nearest").told(PLACE, HINT)
    assert set(np.unique(told[0])) <= set(np.unique(values[3]))
    scaled = Raster("hint", shares, resampling="nearest", scale=10_000).told(PLACE, HINT)
    np.testing.assert_allclose(scaled, told, rtol=1e-6)
    since_2022 = Raster("hint", numbers, resampling="nearest", offset=-1000).told(PLACE, HINT)
    np.testing.assert_array_equal(since_2022, told - 1000)


def test_files_that_are_no_product_are_refused(tmp_path: Path) -> None:
    values = product()

    def written(name: str, some: np.ndarray, names: tuple[str, ...] | None = None) -> str:
        return grounds.write(tmp_path / name, some, "EPSG:32632", TRANSFORM, names=names)

    few = written("few.tif", values[:10], PRODUCT[:10])
    with pytest.raises(WorldError, match=r"'B11' is no band of '.*few.tif', which has 10 bands and 'B01', "):
        Raster("hint", few).check(HINT, GRID, 0)
    Raster("hint", few, bands=(4, 3, 2, 5, 6, 7, 8, 9, 1, 10)).check(HINT, GRID, 0)
    bytes_ = written("bytes.tif", (values // 50).astype(np.uint8), PRODUCT)
    with pytest.raises(WorldError, match=r"holds bytes, .* the numbers of Sentinel-2 products, .* the scale"):
        Raster("hint", bytes_).check(HINT, GRID, 0)
    Raster("hint", bytes_, scale=50).check(HINT, GRID, 0)
    nameless = written("nameless.tif", values)
    remedy = (4, 3, 2, 5, 6, 7, 8, 9, 12, 13)
    message = rf"gives 13 bands, .* is told 10, in the order B4, B3, .*bands = {list(remedy)}".replace(
        "[", r"\["
    )
    with pytest.raises(WorldError, match=message):
        Raster("hint", nameless).check(HINT, GRID, 0)
    told = Raster("hint", nameless, bands=remedy).told(PLACE, HINT)
    by_name = Raster("hint", written("named.tif", values, PRODUCT)).told(PLACE, HINT)
    np.testing.assert_array_equal(told, by_name)


def test_bands_that_are_none_of_sentinel_2() -> None:
    with pytest.raises(WorldError, match=r"'B13' is no band of Sentinel-2; take some of B1, B2"):
        normalised(np.zeros((1, 2, 2), np.float32), ("B13",))
    with pytest.raises(WorldError, match=r"3 bands cannot be B4, B3, .*; give 10"):
        normalised(np.zeros((3, 2, 2), np.float32))
