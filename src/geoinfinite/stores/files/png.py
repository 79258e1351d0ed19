"""A window as a PNG to look at."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import rasterio
import rasterio.shutil

from geoinfinite.errors import BudgetError
from geoinfinite.progress import Progress
from geoinfinite.stores import layout
from geoinfinite.stores.files.assembling import Target, assembled
from geoinfinite.stores.files.content import georeference, picked_bands, png_text, to_bytes, xmp_packet
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan

LARGEST_PNG = 2**26
"""Pixels: beyond, most programs refuse to open a PNG, and it has no overviews to look at."""
_HEADER_BYTES = 8 + 25
"""Signature and IHDR: other chunks of text may follow them."""


def write_png(
    plan: Plan,
    path: str | Path,
    *,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
    bands: Sequence[int] | None = None,
) -> Path:
    """Write a plan's finest level as an 8-bit PNG: its first three bands as RGB, or the first one as grey.

    The range of other dtypes is mapped to 0..255. Its text and XMP say that it is synthetic and carry the
    recipe. Raises `BudgetError` for a window of more than `LARGEST_PNG` pixels and `StoreError` if
    ``path`` exists, unless ``overwrite``. ``store`` and ``bands`` are as in `write_cog`.
    """
    check_png(plan)
    target, picked = Target.of(path, overwrite=overwrite), picked_bands(plan, bands)
    picked = picked[:3] if len(picked) >= 3 else picked[:1]
    with (
        assembled(plan, target, store=store, progress=progress) as assembly,
        assembly.published(target) as unfinished,
    ):
        image = layout.open_image(assembly.objects, plan.level)
        with rasterio.MemoryFile() as memory:
            with memory.open(driver="GTiff", **georeference(plan, len(picked), "uint8")) as raster:
                raster.write(to_bytes(image[:][picked], plan.recipe.encoding))
                raster.update_tags(**png_text(plan, picked))
            with rasterio.Env(GDAL_PAM_ENABLED=False):
                rasterio.shutil.copy(memory.name, unfinished, driver="PNG", write_metadata_as_text="YES")
        unfinished.write_bytes(with_xmp(unfinished.read_bytes(), xmp_packet(plan)))
    return target.path


def with_xmp(png: bytes, packet: str) -> bytes:
    """Return a PNG with an XMP packet in it, as the ``iTXt`` chunk that the XMP specification names."""
    content = b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode()
    chunk = b"iTXt" + content
    length, check = len(content).to_bytes(4, "big"), zlib.crc32(chunk).to_bytes(4, "big")
    return png[:_HEADER_BYTES] + length + chunk + check + png[_HEADER_BYTES:]


def check_png(plan: Plan) -> None:
    """Raise `BudgetError` for a window that is too large for a PNG."""
    if plan.window.size > LARGEST_PNG:
        levels = math.ceil(math.log(plan.window.size / LARGEST_PNG, plan.recipe.grid.factor**2))
        raise BudgetError(
            f"a PNG of {plan.window.width} x {plan.window.height} px is too large to be opened (limit: "
            f"{LARGEST_PNG} px); write .tif or .zarr, or take level {max(0, plan.level - levels)}"
        )
