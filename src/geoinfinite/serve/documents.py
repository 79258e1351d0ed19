"""What programs read before they ask for map tiles: TileJSON, WMTS, the settings of the map page."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from morecantile import TileMatrixSet

from geoinfinite.errors import BudgetError
from geoinfinite.plane.crs import transformer
from geoinfinite.provenance import SYNTHETIC
from geoinfinite.serve.asking import SIZE, matrices
from geoinfinite.serve.limits import Limits
from geoinfinite.serve.places import geographic_bounds, levels_of
from geoinfinite.serve.subject import Shown
from geoinfinite.views.canvas import Canvas, crs_of_tiles
from geoinfinite.views.map_tiles import MapPyramid, evaluations_of, locate

MERCATOR_END = 85.051129
"""Degrees north where web maps end."""
NOTICE = "Synthetic imagery, not an observation"


def zooms(shown: Shown, tms_name: str, limits: Limits) -> tuple[int, int]:
    """Return the first zoom whose map tiles are within the limits, and that of the finest pixels."""
    tms = matrices(tms_name)
    last = min(tms.maxzoom, limits.zoom)
    canvases = {z: _in_the_middle(shown.pyramid, tms, z) for z in range(tms.minzoom, last + 1)}
    affordable = (z for z, canvas in canvases.items() if _is_affordable(shown.pyramid, canvas, limits))
    first = next(affordable, last)
    finest = shown.pyramid.axes[shown.pyramid.levels[-1]]
    for z in range(first, last):
        across = canvases[z].centres_on(finest.crs)
        step = np.hypot(*(v[0, 1] - v[0, 0] for v in across))
        if not step > finest.size_of_pixel:
            return first, z
    return first, last


def _in_the_middle(pyramid: MapPyramid, tms: TileMatrixSet, zoom: int) -> Canvas:
    """Return a canvas as large as a map tile, around the middle of the image."""
    axes = pyramid.axes[pyramid.levels[0]]
    x, y = (axes.origin[axis] + axes.step[axis] * axes.shape[1 - axis] / 2 for axis in (0, 1))
    crs = crs_of_tiles(tms)
    east, north = transformer(axes.crs, crs).transform(x, y)
    half = tms.matrix(zoom).cellSize * SIZE / 2
    return Canvas(crs, (east - half, north - half, east + half, north + half), (SIZE, SIZE))


def _is_affordable(pyramid: MapPyramid, canvas: Canvas, limits: Limits) -> bool:
    try:
        reading = locate(pyramid, canvas)
    except BudgetError:
        return False
    return evaluations_of(pyramid.arrays[reading.key], reading.window) <= limits.evaluations


def tile_json(shown: Shown, template: str, first_and_last: tuple[int, int]) -> dict[str, Any]:
    """Return a TileJSON document."""
    west, south, east, north = geographic_bounds(shown.pyramid)
    south, north = max(south, -MERCATOR_END), min(north, MERCATOR_END)
    first, last = first_and_last
    return {
        "tilejson": "3.0.0",
        "name": shown.name,
        "description": SYNTHETIC,
        "attribution": NOTICE,
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": first,
        "maxzoom": last,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, first],
        "geoinfinite_token": shown.token,
        "geoinfinite_seed": shown.seed,
    }


def settings_of_page(
    shown: Shown, kind: str, first_and_last: tuple[int, int], limits: Limits
) -> dict[str, Any]:
    """Return what the map page needs to know of the image."""
    return {
        "name": shown.name,
        "kind": kind,
        "seed": shown.seed,
        "token": shown.token,
        "version": shown.version,
        "synthetic": SYNTHETIC,
        "bounds": geographic_bounds(shown.pyramid),
        "minzoom": first_and_last[0],
        "maxzoom": first_and_last[1],
        "levels": levels_of(shown),
        "download_px": limits.download_px,
    }


def wmts(shown: Shown, tms_name: str, template: str, zoom: tuple[int, int], address: str) -> str:
    """Return the capabilities of a WMTS, with one layer in one tile matrix set."""
    tms = matrices(tms_name)
    west, south, east, north = _within(geographic_bounds(shown.pyramid), list(tms.bbox))
    where = template.replace("{z}", "{TileMatrix}").replace("{x}", "{TileCol}").replace("{y}", "{TileRow}")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"
 xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">
 <ows:ServiceIdentification>
  <ows:Title>{escape(shown.name)}</ows:Title>
  <ows:Abstract>{escape(SYNTHETIC)}</ows:Abstract>
  <ows:ServiceType>OGC WMTS</ows:ServiceType>
  <ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>
 </ows:ServiceIdentification>
 <Contents>
  <Layer>
   <ows:Title>{escape(shown.name)}, seed {shown.seed}</ows:Title>
   <ows:Abstract>{escape(NOTICE)}</ows:Abstract>
   <ows:WGS84BoundingBox>
    <ows:LowerCorner>{west:.15g} {south:.15g}</ows:LowerCorner>
    <ows:UpperCorner>{east:.15g} {north:.15g}</ows:UpperCorner>
   </ows:WGS84BoundingBox>
   <ows:Identifier>image</ows:Identifier>
   <Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>
   <Format>image/png</Format>
   <TileMatrixSetLink><TileMatrixSet>{tms_name}</TileMatrixSet></TileMatrixSetLink>
   <ResourceURL format="image/png" resourceType="tile" template={quoteattr(where)}/>
  </Layer>
  <TileMatrixSet>
   <ows:Identifier>{tms_name}</ows:Identifier>
   <ows:SupportedCRS>{_urn(tms)}</ows:SupportedCRS>
{"".join(_matrix(tms, z) for z in range(zoom[0], zoom[1] + 1))}  </TileMatrixSet>
 </Contents>
 <ServiceMetadataURL xlink:href={quoteattr(address)}/>
</Capabilities>
"""


def _within(box: list[float], limits: list[float]) -> list[float]:
    """Return the part of a box that lies within another one, or the box where they do not meet."""
    west, south = (max(pair) for pair in zip(box[:2], limits[:2], strict=True))
    east, north = (min(pair) for pair in zip(box[2:], limits[2:], strict=True))
    return [west, south, east, north] if west < east and south < north else box


def _urn(tms: TileMatrixSet) -> str:
    code = tms.crs.to_epsg()
    return f"urn:ogc:def:crs:EPSG::{code}" if code else "urn:ogc:def:crs:OGC:1.3:CRS84"


def _matrix(tms: TileMatrixSet, zoom: int) -> str:
    matrix = tms.matrix(zoom)
    corner = " ".join(f"{value:.12g}" for value in matrix.pointOfOrigin)
    return f"""   <TileMatrix>
    <ows:Identifier>{zoom}</ows:Identifier>
    <ScaleDenominator>{matrix.scaleDenominator:.15g}</ScaleDenominator>
    <TopLeftCorner>{corner}</TopLeftCorner>
    <TileWidth>{SIZE}</TileWidth>
    <TileHeight>{SIZE}</TileHeight>
    <MatrixWidth>{matrix.matrixWidth}</MatrixWidth>
    <MatrixHeight>{matrix.matrixHeight}</MatrixHeight>
   </TileMatrix>
"""
