"""A window as a cloud-optimised GeoTIFF."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
import rasterio.windows
from rasterio.enums import ColorInterp

from geoinfinite.plane.window import Window
from geoinfinite.progress import Progress
from geoinfinite.provenance import SYNTHETIC
from geoinfinite.stores import layout
from geoinfinite.stores.files.assembling import Assembly, Target, assembled
from geoinfinite.stores.files.content import descriptions, georeference, picked_bands, tags, xmp
from geoinfinite.stores.files.overviews import block_means, overview_factors
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

BLOCK = 512
"""Side in pixels of the blocks of a GeoTIFF."""
STEP = 2 * BLOCK
"""Side in pixels of what is held in memory while a file is written; a power of two."""
CACHE_BYTES = 2**26
"""Memory that GDAL may keep blocks in while it copies."""
_COLOURS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]


def write_cog(
    plan: Plan,
    path: str | Path,
    *,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
    bands: Sequence[int] | None = None,
) -> Path:
    """Write a plan's finest level as a cloud-optimised GeoTIFF with averaged overviews.

    Its tags and XMP say that it is synthetic and carry the recipe. Memory does not grow with the window;
    files beyond 4 GiB are BigTIFFs. An overview is the mean of the pixels, rounded once: where the window
    begins on a block, the one that is ``factor`` times coarser is the parent level, to the bit for integer
    dtypes. Every pixel is valid, so there is no mask. A killed run leaves no half file, and the same call
    goes on where it was. Raises `StoreError` if ``path`` exists, unless ``overwrite``. With ``store``, a Zarr
    store of the same plan, pixels are drawn into it where it lacks them, and it is kept. ``bands`` are those
    that are written, counted from 0, by default all of them.
    """
    target, picked = Target.of(path, overwrite=overwrite), picked_bands(plan, bands)
    with (
        assembled(plan, target, store=store, progress=progress) as assembly,
        assembly.published(target) as unfinished,
        contextlib.ExitStack() as scratch,
        rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES),
    ):
        factors = overview_factors(plan.window.shape, BLOCK, STEP)
        flat, *overviews = (scratch.enter_context(assembly.scratch()) for _ in (1, *factors))
        _write_flat(plan, assembly, [flat, *overviews], picked)
        together = scratch.enter_context(assembly.scratch())
        rasterio.shutil.copy(flat, together, driver="VRT")
        _add(together, xmp(plan), overviews)
        rasterio.shutil.copy(
            together, unfinished, driver="COG", compress="DEFLATE", predictor="YES", blocksize=BLOCK,
            bigtiff="IF_SAFER",
        )  # fmt: skip
    return target.path


def _write_flat(plan: Plan, assembly: Assembly, paths: Sequence[Path], bands: list[int]) -> None:
    """Copy bands of the finest level, and their overviews, into plain tiled GeoTIFFs, a part at a time."""
    image = layout.open_image(assembly.objects, plan.level)
    factors = [2**k for k in range(len(paths))]
    with contextlib.ExitStack() as opened:
        whole, *coarser = (
            opened.enter_context(rasterio.open(path, "w", **_profile(plan, bands, image.dtype, factor)))
            for path, factor in zip(paths, factors, strict=True)
        )
        _describe(whole, plan, bands)
        for part in Window(0, plan.window.height, 0, plan.window.width).split(STEP):
            pixels = image[:, part.y0 : part.y1, part.x0 : part.x1]
            for number, band in enumerate(bands, 1):
                whole.write(pixels[band], number, window=_place(part, 1, pixels[band].shape))
                means = block_means(pixels[band], factors[1:])
                for raster, factor, mean in zip(coarser, factors[1:], means, strict=True):
                    raster.write(mean, number, window=_place(part, factor, mean.shape))


def _place(part: Window, factor: int, shape: tuple[int, ...]) -> rasterio.windows.Window:
    return rasterio.windows.Window(part.x0 // factor, part.y0 // factor, shape[1], shape[0])


def _profile(plan: Plan, bands: Sequence[int], dtype: Any, factor: int) -> dict[str, Any]:
    whole = georeference(plan, len(bands), dtype)
    return {
        **whole,
        "height": -(-whole["height"] // factor),
        "width": -(-whole["width"] // factor),
        "driver": "GTiff",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "interleave": "pixel",
        "photometric": "RGB" if _has_colours(plan, bands) else "MINISBLACK",
        "bigtiff": "IF_SAFER",
    }


def _has_colours(plan: Plan, bands: Sequence[int]) -> bool:
    return list(bands) == [0, 1, 2] and plan.recipe.bands == 3


def _describe(raster: Any, plan: Plan, bands: Sequence[int]) -> None:
    raster.descriptions = descriptions(plan, bands)
    plain = [ColorInterp.gray, *[ColorInterp.undefined] * (len(bands) - 1)]
    raster.colorinterp = _COLOURS if _has_colours(plan, bands) else plain
    raster.update_tags(
        TIFFTAG_IMAGEDESCRIPTION=SYNTHETIC, TIFFTAG_SOFTWARE="geoinfinite", **tags(plan, bands)
    )


def _add(virtual: Path, packet: str, overviews: Sequence[Path]) -> None:
    """Add XMP and overviews to a virtual raster; rasterio itself has no way to say either."""
    tree = ET.parse(virtual)
    for band in tree.getroot().iter("VRTRasterBand"):
        for path in overviews:
            overview = ET.SubElement(band, "Overview")
            ET.SubElement(overview, "SourceFilename", relativeToVRT="1").text = path.name
            ET.SubElement(overview, "SourceBand").text = band.get("band")
    text = ET.tostring(tree.getroot(), encoding="unicode")
    # As text: ElementTree would give the namespaces of XMP other prefixes, and some programs look for these.
    domain = f'<Metadata domain="xml:XMP" format="xml">{packet}</Metadata>'
    virtual.write_text(text.replace("<VRTRasterBand", f"{domain}<VRTRasterBand", 1), encoding="utf-8")
