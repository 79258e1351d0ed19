"""The training images as layers: 8-bit RGB pictures of one ground sampling distance each.

`layers` gathers what the sources give, leaves out what cannot be fetched, and says on stderr what
is used. Held-out places are never in the training layers: Australia with Oceania and South America
of the Blue Marble, the eastern third or the whole of Landsat and NAIP scenes, and one NEON image.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rasterio.errors import RasterioError

from training import ground, marble
from training.layer import Bytes, Layer
from training.marble import BLUE_MARBLE_GSD
from training.sources import SourceUnavailable

__all__ = ["BLUE_MARBLE_GSD", "SHARES", "Layer", "layers", "present"]

SHARES = {"blue-marble": 0.4, "blue-marble-fine": 0.25, "landsat": 0.16, "fields": 0.08, "neon": 0.11}
"""Share of the training crops that each source gives when all are there."""
GROUND: tuple[Callable[[Path, Bytes, bool], list[Layer]], ...] = (
    ground.landsat_parana,
    ground.landsat_utah,
    ground.landsat_rockies,
    ground.landsat_raleigh,
    ground.landsat_olinda,
    ground.landsat_para,
    ground.prairie,
    ground.sentinel,
    ground.neon,
    ground.neon_fields,
)


def layers(cache: Path, held_out: bool) -> list[Layer]:
    """Return the training layers, or those of the held-out places; the globe at 7.4 km comes first.

    The weights of the layers that could be had sum to one.
    """
    globe = marble.open_globe(cache)
    found = list(marble.globe_layers(globe, held_out))
    found += _optional("marble_windows", partial(marble.window_layers, cache, held_out))
    for make in GROUND:
        found += _optional(make.__name__, partial(make, cache, globe, held_out))
    split = "held-out" if held_out else "training"
    print(f"{split} images: {_summary(found)}", file=sys.stderr)
    totals = {s: sum(layer.weight for layer in found if layer.source == s) for s in present(found)}
    whole = sum(SHARES[source] for source in totals)
    scale = {source: SHARES[source] / (whole * totals[source]) for source in totals}
    return [replace(layer, weight=layer.weight * scale[layer.source]) for layer in found]


def present(found: list[Layer]) -> list[str]:
    """Return the sources that have a layer, in the order of `SHARES`."""
    return [source for source in SHARES if any(layer.source == source for layer in found)]


def _optional(name: str, make: Callable[[], list[Layer]]) -> list[Layer]:
    try:
        return make()
    except (SourceUnavailable, RasterioError, OSError) as error:
        print(f"training images: {name} is left out: {error}", file=sys.stderr)
        return []


def _summary(found: list[Layer]) -> str:
    parts = []
    for source in present(found):
        chosen = [layer for layer in found if layer.source == source]
        area = sum(float(layer.usable.sum()) for layer in chosen) / 1e6
        scales = sorted(layer.gsd_m for layer in chosen)
        parts.append(f"{source} {len(chosen)} layers, {area:.1f} MP, {scales[0]:.3g}-{scales[-1]:.5g} m")
    return "; ".join(parts)
