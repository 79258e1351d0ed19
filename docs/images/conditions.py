"""Draws the pictures of docs/conditions.md. Run ``python docs/images/conditions.py``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
import town
from affine import Affine
from PIL import Image, ImageDraw
from pyproj import Transformer
from rasterio.enums import ColorInterp

import geoinfinite as gi
from geoinfinite.conditions import Boxes, Known, Map, Place, Raster, Sketch, Text
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Slot

HERE = Path(__file__).parent
GAP = 6
CLASSES = "#e07a5f", "#81b29a", "#f2cc8f"
PLACE = {"crs": "EPSG:32632", "bounds": (500_000, 5_195_000, 507_680, 5_200_120), "resolution": 20.0}


def main() -> None:
    """Draw every picture into the folder of this file."""
    with tempfile.TemporaryDirectory() as folder:
        regions(Path(folder))
        sketch(Path(folder))
        known(Path(folder))
        maps(Path(folder))
        boxes(Path(folder))


def regions(folder: Path) -> None:
    """Draw two regions with texts of their own, a raster of strips, and both, in the closed form."""
    rings = {
        "dunes": [[9.008, 46.915], [9.03, 46.948], [9.048, 46.94], [9.035, 46.912]],
        "a harbour": [[9.05, 46.93], [9.09, 46.945], [9.085, 46.915]],
    }
    features = [
        {
            "type": "Feature",
            "properties": {"text": text},
            "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        }
        for text, ring in rings.items()
    ]
    source = folder / "regions.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    strips = np.zeros((3, 300, 400), np.uint8) + (np.arange(400) // 25 % 2 * 120 + 60).astype(np.uint8)
    hint = folder / "strips.tif"
    save(hint, strips, "EPSG:4326", Affine(3e-4, 6e-5, 8.99, 3e-5, -3e-4, 46.96))
    text = Text("prompt", "sea", source=str(source), column="text")
    raster = Raster("hint", str(hint), fill=(127,))
    world = gi.World.for_model("analytic:conditional", **PLACE)
    world = world.replace(sampler="independent")
    sampler = gi.samplers.IndependentTiles(
        solver="dpmpp_2m", schedule="karras", shift=1.0, steps=24, tile=64, stride=48, consistency="none"
    )
    panels = [
        picture(world.replace(conditions=conditions, sampler=sampler))
        for conditions in ([], [text], [raster], [text, raster])
    ]
    sheet(panels).save(HERE / "conditions-regions.jpg", quality=88)


def sketch(folder: Path) -> None:
    """Draw a draft that is left open in the east, and a closed-form world without it and with it."""
    y, x = np.mgrid[:256, :384]
    land = (((x - 120) / 90) ** 2 + ((y - 128) / 80) ** 2 < 1) & ~(np.hypot(x - 150, y - 110) < 30)
    draft = np.empty((4, 256, 384), np.uint8)
    draft[:3] = np.where(
        land, np.array([120, 150, 70])[:, None, None], np.array([10, 40, 110])[:, None, None]
    )
    draft[3] = np.where(x < 256, 255, 0)
    path = folder / "draft.tif"
    save(path, draft, "EPSG:32632", Affine(20, 0, 500_000, 0, -20, 5_200_120))
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    world = gi.World.for_model("analytic:conditional", **PLACE)
    sampler = gi.samplers.EarlySync(
        solver="dpmpp_2m", schedule="karras", shift=1.0, steps=24, tile=64, stride=48, consistency="none"
    )
    world = world.replace(sampler=sampler)
    steered = world.replace(conditions=[Sketch(str(path), cell=8)])
    seen = np.where(draft[3] > 0, draft[:3], 200).astype(np.uint8)
    sheet([seen, picture(world), picture(steered)]).save(HERE / "conditions-sketch.jpg", quality=88)


def known(folder: Path) -> None:
    """Draw Blue Marble with a hole, the hole completed by the bundled network, and what is there."""
    with rasterio.open(gi.World.load("earth").root.path) as raster:
        earth = raster.read()
    coarse = np.rint(earth.reshape(3, 675, 4, 1350, 4).mean(axis=(2, 4))).astype(np.uint8)
    save(folder / "root.tif", coarse, "EPSG:4326", Affine(4 / 15, 0, -180, 0, -4 / 15, 90))
    part, mask = earth[:, 680:840, 2560:2760], np.ones((160, 200), bool)
    mask[36:124, 52:140] = False
    lattice = Affine(1 / 15, 0, -180 + 2560 / 15, 0, -1 / 15, 90 - 680 / 15)
    save(folder / "known.tif", np.where(mask, part, 0), "EPSG:4326", lattice, mask)
    world = gi.World.for_model(
        "bundled:earth-small",
        root=str(folder / "root.tif"),
        conditions=[Known(str(folder / "known.tif"), level=1)],
    )
    drawn = gi.generate(world, 1, gi.Window(680, 840, 2560, 2760))
    assert (drawn[:, mask] == part[:, mask]).all()
    panels = [np.where(mask, part, 0), drawn, part]
    sheet([panel.repeat(2, axis=1).repeat(2, axis=2) for panel in panels]).save(
        HERE / "conditions-known.jpg", quality=88
    )


def maps(folder: Path) -> None:
    """Draw an invented town in every style."""
    path, grid = town.write(folder / "town.gpkg"), Grid(town.CRS, (town.WEST, town.NORTH), 0.8, (350, 470))
    slot = Slot("hint", "raster", channels=3, span=(0, 255))
    panels = [
        Map("hint", path, style=style).told(Place(grid, 0, grid.full(0)), slot).round().astype(np.uint8)
        for style in ("osm-carto-z17", "geosynth", "plain")
    ]
    sheet(panels).save(HERE / "conditions-maps.jpg", quality=90)


def boxes(folder: Path) -> None:
    """Draw objects of a file in degrees with a tile, and what the tile is told of them."""
    grid, tile = Grid(town.CRS, (town.WEST, town.NORTH), 0.5, (400, 600)), Window(40, 360, 60, 540)
    found = [(polygon, n % 3) for n, polygon in enumerate(town.ships())]
    to_degrees = Transformer.from_crs(town.CRS, "EPSG:4326", always_xy=True).transform
    placed = [
        shapely.transform(town.placed(ship), lambda p: np.stack(to_degrees(*p.T), 1)) for ship, _ in found
    ]
    path, classes = str(folder / "ships.fgb"), np.array([f"kind {n}" for _, n in found], object)
    facts = {"crs": "EPSG:4326", "geometry_type": "Polygon", "driver": "FlatGeobuf"}
    pyogrio.raw.write(path, shapely.to_wkb(placed), [classes], ["class"], **facts)
    told = Boxes("boxes", path, column="class").told(Place(grid, 0, tile), Slot("boxes", "boxes"))
    sheets = [Image.new("RGB", (1200, 800), "white") for _ in range(2)]
    all_of_it, seen = map(ImageDraw.Draw, sheets)
    for ship, number in found:
        all_of_it.polygon(list(map(tuple, shapely.get_coordinates(ship) * 4)), fill=CLASSES[number])
    seen.rectangle((0, 0, 1200, 800), fill="#eeeeee")
    for draw, fill in ((all_of_it, None), (seen, "white")):
        draw.rectangle((120, 80, 1080, 720), fill=fill, outline="black", width=4)
    on_sheet = 2 * np.array([told.outlines, told.corners]) + 2 * np.array([tile.x0, tile.y0])
    for outline, corners, said in zip(*on_sheet, told.classes, strict=True):
        seen.polygon(list(map(tuple, outline)), fill=CLASSES[int(said[-1])])
        seen.polygon(list(map(tuple, corners)), outline="black", width=3)
        seen.ellipse((*(corners[0] - 8), *(corners[0] + 8)), fill="black")
    small = [
        np.moveaxis(np.array(image.resize((600, 400), Image.Resampling.LANCZOS)), -1, 0) for image in sheets
    ]
    sheet(small).save(HERE / "conditions-boxes.jpg", quality=90)


def picture(world: gi.World) -> np.ndarray:
    """Level 0 of a world."""
    return gi.generate(world, 0, world.grid.full(0))


def save(path: Path, values: np.ndarray, crs: str, transform: Affine, mask: np.ndarray | None = None) -> None:
    """Write a GeoTIFF."""
    bands, height, width = values.shape
    profile = {"driver": "GTiff", "count": bands, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as raster:
        raster.write(values)
        if mask is not None:
            raster.write_mask(mask)


def sheet(panels: list[np.ndarray]) -> Image.Image:
    """Return pictures side by side."""
    gap = np.full((3, panels[0].shape[1], GAP), 255, np.uint8)
    row = [part for panel in panels for part in (panel, gap)][:-1]
    return Image.fromarray(np.moveaxis(np.concatenate(row, axis=2), 0, -1))


if __name__ == "__main__":
    main()
