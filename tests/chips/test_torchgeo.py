"""torchgeo reads chips that are GeoTIFFs, masks with them, at their places."""

from __future__ import annotations

from pathlib import Path

import chip_boxes
import numpy as np
import pytest

import geoinfinite as gi
from geoinfinite.chips import MaskLabels, WriteSettings, select, write
from geoinfinite.recipe.recipe import Recipe

datasets = pytest.importorskip(
    "torchgeo.datasets", reason="torchgeo needs torchvision, which has no build for the CPU-only torch of CI"
)


def test_torchgeo_finds_pictures_and_masks_by_their_places(patch: Recipe, tmp_path: Path) -> None:
    class Images(datasets.RasterDataset):
        filename_glob = "*.tif"

    class Masks(Images):
        is_image = False

    source = chip_boxes.write(tmp_path / "boxes.gpkg")
    content = chip_boxes.content(source, size=64, masks=MaskLabels(source, ("ship", "crane")))
    chips = select(patch, content, count=5)
    write(chips, tmp_path / "out", WriteSettings(picture="tif"))
    both = Images(tmp_path / "out/images/train") & Masks(tmp_path / "out/masks/train")
    level, covered = chips.source.level, 0
    for window in chips.windows:
        left, bottom, right, top = patch.grid.bounds(level, window)
        sample = both[left:right, bottom:top]
        image, mask = sample["image"].numpy(), sample["mask"].numpy().squeeze()
        np.testing.assert_array_equal(image, gi.generate(patch, level, window))
        np.testing.assert_array_equal(mask, content.masks.of(patch.grid, level, window))
        covered += (mask > 0).sum()
    assert covered > 0
