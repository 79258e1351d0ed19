"""What the files of a window contain besides pixels: georeference, bands, provenance in words and in XMP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from geoinfinite.arrays.dataarray import band_names
from geoinfinite.errors import StoreError
from geoinfinite.plane.quantise import Encoding
from geoinfinite.provenance import DIGITAL_SOURCE_TYPE, SYNTHETIC, version
from geoinfinite.recipe import worldfile
from geoinfinite.stores.planning import Plan


def picked_bands(plan: Plan, bands: Sequence[int] | None) -> list[int]:
    """Return which bands are written, by default all; raise `StoreError` for one that the world lacks."""
    total = plan.recipe.bands
    picked = list(range(total) if bands is None else bands)
    if not picked or not all(0 <= band < total for band in picked):
        raise StoreError(f"bands={picked} must be some of 0 to {total - 1}; leave it out for all")
    return picked


def descriptions(plan: Plan, bands: Sequence[int]) -> list[str]:
    """Return the names of bands."""
    names = band_names(plan.recipe.bands)
    return [str(names[band]) for band in bands]


def to_bytes(values: NDArray[Any], encoding: Encoding) -> NDArray[np.uint8]:
    """Return values of a dtype's range as 0..255.

    >>> to_bytes(np.array([0, 32768, 65535], np.uint16), Encoding("uint16"))
    array([  0, 128, 255], dtype=uint8)
    """
    if values.dtype == np.uint8:
        return values
    low, high = encoding.range
    scaled = (values.astype(np.float32) - low) * (255 / (high - low))
    eight_bit: NDArray[np.uint8] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return eight_bit


def tags(plan: Plan, bands: Sequence[int]) -> dict[str, str]:
    """Return the provenance tags of a file, with its bands, counted from 1, if they are not all."""
    w, total = plan.window, plan.recipe.bands
    numbers = " ".join(str(band + 1) for band in bands)
    return {
        "synthetic": SYNTHETIC,
        "geoinfinite_version": version(),
        "geoinfinite_token": plan.recipe.token,
        "geoinfinite_level": str(plan.level),
        "geoinfinite_window": f"{w.y0} {w.y1} {w.x0} {w.x1}",
        "geoinfinite_recipe": worldfile.dump(plan.recipe),
        **({} if list(bands) == list(range(total)) else {"geoinfinite_bands": f"{numbers} of {total}"}),
    }


def title(plan: Plan) -> str:
    """Return the name of a window: world, level, bounds and CRS."""
    bounds = " ".join(f"{v:.9g}" for v in plan.recipe.grid.bounds(plan.level, plan.window))
    return f"{plan.recipe.name}, level {plan.level}, {bounds} (W S E N in {plan.recipe.grid.crs})"


def png_text(plan: Plan, bands: Sequence[int]) -> dict[str, str]:
    """Return the texts of a PNG: its provenance tags, and its bounds in the title."""
    # The sidecar that would hold the place is not written: the title says it.
    about = {"Title": title(plan), "Description": SYNTHETIC, "Software": "geoinfinite"}
    return {**about, **tags(plan, bands)}


def xmp(plan: Plan) -> str:
    """Return the XMP of a window, see `xmp_titled`."""
    return xmp_titled(title(plan))


def xmp_titled(name: str) -> str:
    """Return the XMP of a picture: that a trained model made it, its title, the software.

    Programs that mark synthetic media read it in PNG, TIFF and JPEG. It is an ``x:xmpmeta`` element without
    the processing instructions that wrap a packet, see `xmp_packet`.
    """
    source = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    attributes = {
        "Iptc4xmpExt:DigitalSourceType": DIGITAL_SOURCE_TYPE,
        "xmp:CreatorTool": f"geoinfinite {version()}",
        "xmlns:Iptc4xmpExt": source,
        "xmlns:dc": "http://purl.org/dc/elements/1.1/",
        "xmlns:xmp": "http://ns.adobe.com/xap/1.0/",
    }
    said = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    texts = "".join(
        f'<dc:{key}><rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt></dc:{key}>'
        for key, text in (("title", name), ("description", SYNTHETIC))
    )
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">'
        f'<rdf:Description rdf:about="" {said}>{texts}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def xmp_packet(plan: Plan) -> str:
    """Return the XMP of a window as a packet, which readers also find by scanning a file."""
    return packet_titled(title(plan))


def packet_titled(name: str) -> str:
    """Return the XMP of a picture of a title as a packet."""
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{xmp_titled(name)}<?xpacket end="r"?>'


def georeference(plan: Plan, bands: int, dtype: Any) -> dict[str, Any]:
    """Return the size, dtype and georeference of a raster, as rasterio's arguments."""
    return {
        "count": bands,
        "height": plan.window.height,
        "width": plan.window.width,
        "dtype": dtype,
        "crs": plan.recipe.grid.crs,
        "transform": plan.recipe.grid.transform(plan.level, plan.window),
    }
