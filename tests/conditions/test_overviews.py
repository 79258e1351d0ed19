"""Overviews of strangers' rasters: none leads to another file, and none knows what the raster does not."""

from __future__ import annotations

from pathlib import Path

import grounds
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling

import rasters
from geoinfinite.conditions import Place, Raster
from geoinfinite.errors import CostWarning, WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.told import Slot

CRS, FINE = "EPSG:32632", Affine(5.0, 0, 500_000, 0, -5.0, 5_200_000)
FINE_TWICE = Affine(*(FINE[i] * (0.5 if i % 3 < 2 else 1) for i in range(6)))
GRID = Grid(CRS, (500_000.0, 5_200_000.0), 20.0, (40, 48), factor=4, levels=2)
MAP = Slot("map", "raster", channels=1, span=(0.0, 1.0))
ELSEWHERE = 99


def plain(folder: Path) -> Path:
    """Return a raster four times finer than the grid, without overviews."""
    values = np.full((1, 160, 192), 7, np.uint8)
    return Path(grounds.write(folder / "a.tif", values, CRS, FINE))


def elsewhere(folder: Path) -> Path:
    """Return another file, which nobody has named."""
    values = np.full((1, 80, 96), ELSEWHERE, np.uint8)
    return Path(grounds.write(folder / "private.tif", values, CRS, FINE))


def virtual(other: Path) -> str:
    return f"""<VRTDataset rasterXSize="96" rasterYSize="80"><VRTRasterBand dataType="Byte" band="1">
        <SimpleSource><SourceFilename>{other}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
        </VRTRasterBand></VRTDataset>"""


def sidecar(other: Path) -> str:
    return f"""<PAMDataset><Metadata domain="OVERVIEWS">
        <MDI key="OVERVIEW_FILE">{other}</MDI></Metadata></PAMDataset>"""


def told(path: Path) -> np.ndarray:
    return Raster("map", str(path), fill=0).told(Place(GRID, 0, GRID.full(0)), MAP) * 255


def external(path: Path, *factors: int) -> None:
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as raster:
        raster.build_overviews(factors, Resampling.average)


@pytest.mark.parametrize("ending", [".ovr", ".OVR", ".msk.ovr"])
def test_overviews_of_another_format_are_refused(tmp_path: Path, ending: str) -> None:
    path, other = plain(tmp_path), elsewhere(tmp_path)
    Path(f"{path}{ending}").write_text(virtual(other))
    with pytest.raises(WorldError, match=rf"a.tif{ending} is not a TIFF, .*; remove it or write it anew"):
        told(path)
    Path(f"{path}{ending}").unlink()
    assert np.unique(told(path)) == pytest.approx([7], abs=1e-4)


@pytest.mark.parametrize("ending", [".ovr.ovr", ".ovr.msk", ".ovr.OVR"])
def test_overviews_of_overviews_are_refused(tmp_path: Path, ending: str) -> None:
    path, other = plain(tmp_path), elsewhere(tmp_path)
    external(path, 2)
    Path(f"{path}{ending}").write_text(virtual(other))
    with pytest.raises(WorldError, match=rf"a.tif{ending} is no part of a raster's overviews; remove it"):
        told(path)
    Path(f"{path}{ending}").unlink()
    assert np.unique(told(path)) == pytest.approx([7], abs=1e-4)


def test_a_link_to_overviews_elsewhere_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    path, other = plain(tmp_path), elsewhere(tmp_path)
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(other))
    with pytest.raises(WorldError, match=r"a.tif says that its overviews lie in another file") as caught:
        told(path)
    remedied = rasters.advised(str(caught.value), path)
    assert remedied != path
    assert np.unique(told(remedied)) == pytest.approx([7], abs=1e-4)


@pytest.mark.parametrize("ending", ["", ".ovr", ".msk"])
def test_and_beside_the_file(tmp_path: Path, ending: str) -> None:
    path, other = plain(tmp_path), elsewhere(tmp_path)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as raster:
        raster.write_mask(np.full(raster.shape, 255, np.uint8))
    external(path, 2)
    assert np.unique(told(path)) == pytest.approx([7], abs=1e-4)
    Path(f"{path}{ending}.aux.xml").write_text(sidecar(other))
    # A header is read anew when a file beside the raster changes; this one lies beside an overview.
    Path(f"{path}.ovr").touch()
    with pytest.raises(WorldError, match=rf"a.tif{ending} says that its overviews lie in another file"):
        told(path)


def test_an_hfa_file_beside_a_raster_holds_no_overviews(tmp_path: Path) -> None:
    path = plain(tmp_path)
    external(path, 2, 4)
    (tmp_path / "a.aux").write_bytes(b"\\relax")
    assert np.unique(told(path)) == pytest.approx([7], abs=1e-4)


def test_a_mask_that_overviews_lack_is_heeded(tmp_path: Path) -> None:
    path = plain(tmp_path)
    mask = np.full((160, 192), 255, np.uint8)
    mask[:80] = 0
    external(path, 2, 4)
    with rasterio.open(path, "r+") as raster:
        raster.write_mask(mask)
    np.testing.assert_allclose(told(path)[0], np.repeat([0.0, 7.0], 20)[:, None] * np.ones(48), atol=1e-4)


@pytest.mark.parametrize("inside", [True, False])
def test_a_mask_that_overviews_have_is_heeded(tmp_path: Path, inside: bool) -> None:
    path = Path(grounds.write(tmp_path / "b.tif", np.full((1, 320, 384), 7, np.uint8), CRS, FINE_TWICE))
    mask = np.full((320, 384), 255, np.uint8)
    mask[:160] = 0
    options = {"GDAL_TIFF_INTERNAL_MASK": inside, "TIFF_USE_OVR": not inside}
    with rasterio.Env(**options), rasterio.open(path, "r+") as raster:
        raster.write_mask(mask)
    with rasterio.Env(**options), rasterio.open(path, "r+") as raster:
        raster.build_overviews([2, 4, 8], Resampling.average)
    found = told(path)[0]
    np.testing.assert_allclose(found, np.repeat([0.0, 7.0], 20)[:, None] * np.ones(48), atol=1e-4)


def test_the_content_of_overviews_is_content(tmp_path: Path) -> None:
    path = plain(tmp_path)
    condition = Raster("map", str(path))
    before = condition.described()
    external(path, 2)
    assert condition.described() != before
    assert Path(f"{path}.ovr") in condition.files()


def test_a_file_without_overviews_says_so(tmp_path: Path) -> None:
    values = grounds.noise((1, 320, 384))
    path = Path(grounds.write(tmp_path / "b.tif", values, CRS, FINE_TWICE))
    with pytest.warns(CostWarning, match="8 times finer than level 0, .*rio overview --build"):
        told(path)
