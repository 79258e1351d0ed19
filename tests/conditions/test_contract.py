"""The conditions of this package keep the contract that they ask of others."""

from __future__ import annotations

from typing import Any

import grounds

from geoinfinite.conditions import Embedding, Metadata, Raster, Text
from geoinfinite.testing import ConditionContract
from geoinfinite.told import Slot
from geoinfinite.told.schemas import DIFFUSIONSAT


class TestRaster(ConditionContract):
    slot = grounds.HINT

    def condition(self, tmp_path: Any) -> Raster:
        return Raster("hint", grounds.source(tmp_path, "EPSG:3857"), fill=(0,))


class TestText(ConditionContract):
    slot = Slot("prompt", "text")
    grid = grounds.GRIDS["EPSG:32632"]

    def condition(self, tmp_path: Any) -> Text:
        return Text("prompt", "grey", source=grounds.regions(tmp_path), column="text")


class TestMetadata(ConditionContract):
    slot = Slot("metadata", "metadata", bands=DIFFUSIONSAT.names)

    def condition(self, tmp_path: Any) -> Metadata:
        return Metadata("metadata", "diffusionsat", date="2017-02-11", cloud_cover=0.1)


class TestEmbedding(ConditionContract):
    slot = Slot("embedding", "embedding", channels=3, cells=4)

    def condition(self, tmp_path: Any) -> Embedding:
        return Embedding("embedding", grounds.source(tmp_path, "EPSG:4326"))
