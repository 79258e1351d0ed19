"""Data sets read back by other libraries: the same classes, corners and places."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import chip_boxes
import numpy as np
import pytest
import shapely
import yaml
from chip_boxes import LEVEL

from geoinfinite.chips import FILTERS, ChipSet, MaskLabels, Split, WriteSettings, select, write
from geoinfinite.chips.dota import EASY_SHARE
from geoinfinite.errors import WorldError
from geoinfinite.recipe.recipe import Recipe

COUNT = 8


@pytest.fixture
def chips(patch: Recipe, tmp_path: Path) -> ChipSet:
    source = chip_boxes.write(tmp_path / "boxes.gpkg")
    masks = MaskLabels(source, ("ship", "oil tank"))
    content = chip_boxes.content(source, size=64, masks=masks)
    return select(patch, content, count=COUNT, split=Split.parse("0.5/0.5"))


@pytest.fixture
def written(chips: ChipSet, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "out"
    report = write(chips, folder, WriteSettings(format=request.param, filters=FILTERS))
    assert report.complete
    return folder


def labels(chips: ChipSet) -> dict[str, tuple]:
    """The labels of every chip, by its name."""
    found = {}
    for name, window in zip(chips.ids, chips.windows, strict=True):
        found[name] = chips.content.boxes.of(chips.source.grid, LEVEL, window)
    return found


def supervision() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import supervision

    return supervision


@pytest.mark.parametrize("written", ["yolo-obb"], indirect=True)
def test_yolo_obb_is_read_by_supervision(written: Path, chips: ChipSet) -> None:
    wanted, seen = labels(chips), 0
    assert any(label.is_cut for found in wanted.values() for label in found)
    for split in ("train", "val"):
        data = supervision().DetectionDataset.from_yolo(
            str(written / "images" / split),
            str(written / "labels" / split),
            str(written / "data.yaml"),
            is_obb=True,
        )
        assert data.classes == list(chips.classes)
        for path, image, found in data:
            expected = wanted[Path(path).stem]
            seen += 1
            assert image.shape == (64, 64, 3)
            assert found.class_id.tolist() == [label.number for label in expected]
            corners = found.data["xyxyxyxy"] if len(expected) else np.zeros((0, 4, 2))
            np.testing.assert_allclose(corners, [label.corners for label in expected] or corners, atol=1e-4)
    assert seen == COUNT


@pytest.mark.parametrize("written", ["yolo-obb"], indirect=True)
def test_yolo_obb_has_what_trainers_check(written: Path, chips: ChipSet) -> None:
    said = yaml.safe_load((written / "data.yaml").read_text())
    assert said["names"] == dict(enumerate(chips.classes))
    assert (written / said["train"]).is_dir()
    assert (written / said["val"]).is_dir()
    texts = sorted((written / "labels").rglob("*.txt"))
    assert [p.stem for p in texts] == [p.stem for p in sorted((written / "images").rglob("*.png"))]
    rows = np.array([line.split() for p in texts for line in p.read_text().splitlines()], float)
    assert rows.shape[1] == 9
    assert rows[:, 1:].min() >= 0
    assert rows[:, 1:].max() <= 1


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("written", ["coco"], indirect=True)
def test_coco_is_read_by_pycocotools(written: Path, chips: ChipSet, capsys: pytest.CaptureFixture) -> None:
    from pycocotools.coco import COCO

    wanted, seen, numbers = labels(chips), 0, []
    for split in ("train", "val"):
        # Its own reading leaves the file open.
        coco = COCO()
        coco.dataset = json.loads((written / "annotations" / f"{split}.json").read_text())
        coco.createIndex()
        assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == list(chips.classes)
        for image in coco.loadImgs(coco.getImgIds()):
            name = Path(image["file_name"]).stem
            assert (written / "images" / split / image["file_name"]).is_file()
            found = coco.loadAnns(coco.getAnnIds(image["id"]))
            seen += 1
            numbers += [one["id"] for one in found]
            assert [one["category_id"] - 1 for one in found] == [label.number for label in wanted[name]]
            for one, label in zip(found, wanted[name], strict=True):
                x0, y0, x1, y1 = label.part.bounds
                np.testing.assert_allclose(one["bbox"], (x0, y0, x1 - x0, y1 - y0), atol=1e-3)
                assert one["area"] == pytest.approx(label.part.area, abs=1e-3)
                # What pycocotools rasterises covers about the area that is said.
                assert coco.annToMask(one).sum() == pytest.approx(label.part.area, rel=0.3, abs=12)
                assert one["feature"] == label.feature
    assert seen == COUNT
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert "index created" in capsys.readouterr().out


@pytest.mark.parametrize("written", ["coco"], indirect=True)
def test_coco_is_read_by_supervision_and_has_a_column_for_every_filter(written: Path, chips: ChipSet) -> None:
    path = written / "annotations" / "train.json"
    data = supervision().DetectionDataset.from_coco(str(written / "images" / "train"), str(path))
    wanted = labels(chips)
    names = [name for name in data.classes if name in chips.classes]
    assert names == list(chips.classes)
    for image, _, found in data:
        expected = wanted[Path(image).stem]
        np.testing.assert_allclose(
            found.xyxy, np.array([label.part.bounds for label in expected]).reshape(-1, 4), atol=1e-3
        )
    for image in json.loads(path.read_text())["images"]:
        assert FILTERS.keys() <= image.keys()


@pytest.mark.parametrize("written", ["dota"], indirect=True)
def test_dota_is_read_by_hotcoco(written: Path, chips: ChipSet) -> None:
    from hotcoco import COCO

    wanted, seen = labels(chips), 0
    # The format has no blanks.
    names = ["-".join(name.split()) for name in chips.classes]
    assert "oil-tank" in names
    for split in ("train", "val"):
        data = COCO.from_dota(
            str(written / split / "labelTxt"), str(written / split / "images"), categories=names
        )
        for image in data.dataset["images"]:
            expected = wanted[Path(image["file_name"]).stem]
            seen += 1
            assert (image["width"], image["height"]) == (64, 64)
            found = [a for a in data.dataset["annotations"] if a["image_id"] == image["id"]]
            assert len(found) == len(expected)
            for one, label in zip(found, expected, strict=True):
                assert data.loadCats([one["category_id"]])[0]["name"] == "-".join(label.name.split())
                x, y, across, up, angle = one["obb"]
                sides = (
                    np.hypot(*(label.corners[1] - label.corners[0])),
                    np.hypot(*(label.corners[2] - label.corners[1])),
                )
                np.testing.assert_allclose((x, y), label.corners.mean(axis=0), atol=0.02)
                np.testing.assert_allclose(sorted((across, up)), sorted(sides), atol=0.1)
                along = label.corners[1] - label.corners[0]
                assert abs(np.sin(2 * (angle - np.arctan2(along[1], along[0])))) < 0.05
    assert seen == COUNT


@pytest.mark.parametrize("written", ["dota"], indirect=True)
def test_dota_is_written_as_it_is_described(written: Path, chips: ChipSet) -> None:
    wanted = labels(chips)
    difficulties = set()
    for path in written.rglob("labelTxt/*.txt"):
        source, gsd, *lines = path.read_text().splitlines()
        assert source == "imagesource:geoinfinite"
        assert float(gsd.removeprefix("gsd:")) == pytest.approx(4.6875, rel=0.01)
        assert len(lines) == len(wanted[path.stem])
        for line, label in zip(lines, wanted[path.stem], strict=True):
            *corners, name, difficult = line.split()
            np.testing.assert_allclose(np.array(corners, float).reshape(4, 2), label.corners, atol=1e-4)
            assert (name, int(difficult)) == ("-".join(label.name.split()), int(label.share < EASY_SHARE))
            difficulties.add(difficult)
    assert difficulties == {"0", "1"}


@pytest.mark.parametrize("written", ["geoparquet"], indirect=True)
def test_geoparquet_is_read_by_geopandas(written: Path, chips: ChipSet) -> None:
    import geopandas
    import pyarrow.parquet

    table = geopandas.read_parquet(written / "chips.parquet").set_index("id")
    source, wanted = chips.source, labels(chips)
    assert table.crs == source.grid.crs
    assert set(table.token) == {source.token}
    assert set(table.seed) == {str(source.seed)}
    assert set(table.level) == {LEVEL}
    for name, window, split in zip(chips.ids, chips.windows, chips.splits, strict=True):
        row = table.loc[name]
        assert row.split == split
        assert [row.y0, row.y1, row.x0, row.x1] == [window.y0, window.y1, window.x0, window.x1]
        np.testing.assert_allclose(row.geometry.bounds, source.grid.bounds(LEVEL, window))
        assert chip_boxes.picture(written / row.picture).shape == (*window.shape, 3)
        assert [box["class"] for box in row.boxes] == [label.name for label in wanted[name]]
        for box, label in zip(row.boxes, wanted[name], strict=True):
            np.testing.assert_array_equal(np.reshape(box["corners"], (4, 2)), label.corners)
            assert shapely.from_wkb(box["part"]).equals(label.part)
    assert FILTERS.keys() <= set(table.columns)
    said = json.loads(pyarrow.parquet.read_schema(written / "chips.parquet").metadata[b"geo"])
    assert said["version"] == "1.1.0"
    assert said["columns"]["geometry"]["geometry_types"] == ["Polygon"]


@pytest.mark.parametrize("written", ["coco", "dota"], indirect=True)
def test_masks_lie_beside_their_pictures(written: Path, chips: ChipSet) -> None:
    values = set()
    for name, window in zip(chips.ids, chips.windows, strict=True):
        (path,) = (p for p in written.rglob(f"{name}.png") if p.parent.name == "masks" or "masks" in p.parts)
        found = chip_boxes.picture(path)
        np.testing.assert_array_equal(found, chips.content.masks.of(chips.source.grid, LEVEL, window))
        values |= set(np.unique(found))
    assert values == {0, 1, 2}


def test_a_format_needs_boxes(patch: Recipe, tmp_path: Path) -> None:
    chips = select(patch, chip_boxes.content("unused", boxes=None), count=1)
    with pytest.raises(
        WorldError, match="format='coco' holds boxes, and the chips have none; name a file of"
    ):
        write(chips, tmp_path / "out", WriteSettings(format="coco"))
    with pytest.raises(
        WorldError, match="format='voc' is not one of yolo-obb, coco, dota, geoparquet; choose"
    ):
        write(chips, tmp_path / "out", WriteSettings(format="voc"))
    assert not (tmp_path / "out").exists()
