"""Map tiles on the curve and on the ground, as pmtiles and morecantile have them."""

from __future__ import annotations

import morecantile
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pmtiles.tile import tileid_to_zxy, zxy_to_tileid

from geoinfinite.stores.files.pmtiles import tile_id
from geoinfinite.stores.files.web_tiles import WebTile, mercator, tile_range, walk

WEB = morecantile.tms.get("WebMercatorQuad")


@st.composite
def web_tiles(draw: st.DrawFn) -> WebTile:
    zoom = draw(st.integers(0, 24))
    place = st.integers(0, 2**zoom - 1)
    return WebTile(zoom, draw(place), draw(place))


@given(web_tiles())
def test_numbers_are_those_of_pmtiles(tile: WebTile) -> None:
    assert tile_id(tile) == zxy_to_tileid(tile.zoom, tile.x, tile.y)
    assert tileid_to_zxy(tile_id(tile)) == (tile.zoom, tile.x, tile.y)
    assert WebTile.at(tile.zoom, tile.curve_position) == tile


@given(web_tiles())
def test_places_are_those_of_morecantile(tile: WebTile) -> None:
    expected = WEB.xy_bounds(morecantile.Tile(tile.x, tile.y, tile.zoom))
    assert tile.bounds == pytest.approx(tuple(expected), abs=1e-6)


WIDTHS = st.floats(1e-3, 60)


def on_an_edge(longitude: float, latitude: float, zoom: int) -> bool:
    """Whether a place lies on the edge of a map tile, but for rounding."""
    tile = WEB.tile(longitude, latitude, zoom)
    left, bottom, right, top = WEB.bounds(tile)
    return min(longitude - left, right - longitude, latitude - bottom, top - latitude) < 1e-6


@given(st.floats(-179.9, 179.8), st.floats(-84.9, 84.8), WIDTHS, WIDTHS, st.integers(0, 9))
def test_ranges_are_the_tiles_of_a_box(
    west: float, south: float, width: float, height: float, zoom: int
) -> None:
    east, north = min(west + width, 179.95), min(south + height, 84.95)
    # Which map tile a box that ends on an edge is in, is a matter of rounding.
    assume(not any(on_an_edge(*side, zoom) for side in ((west, south), (east, north))))
    expected = sorted((tile.x, tile.y) for tile in WEB.tiles(west, south, east, north, [zoom]))
    walked = [(tile.x, tile.y) for tile in walk(zoom, tile_range((west, south, east, north), zoom))]
    assert sorted(walked) == expected


def test_a_walk_follows_the_curve_over_both_sides_of_the_antimeridian() -> None:
    ranges = tile_range((171, -12, 193, 4), 6)
    walked = list(walk(6, ranges))
    assert {(tile.x, tile.y) for tile in walked} == {
        (x % 64, y) for x in range(62, 67) for y in range(31, 35)
    }
    positions = [tile.curve_position for tile in walked]
    assert positions == sorted(set(positions))


def test_the_whole_earth_is_every_tile_once() -> None:
    assert tile_range((-180, -90, 180, 90), 3) == [(0, 0, 8, 8)]
    assert tile_range((-10, -90, 350, 90), 3) == [(0, 0, 8, 8)]
    assert len(list(walk(3, tile_range((-180, -90, 180, 90), 3)))) == 64


def test_edges_on_a_tile_do_not_reach_into_the_next() -> None:
    assert tile_range((0, 0, 45, 66.51326044311186), 3) == [(4, 2, 1, 2)]


def test_mercator_ends_where_web_maps_do() -> None:
    assert mercator(190, 90) == pytest.approx((21_150_703.25, 20_037_508.34), abs=0.1)
    assert mercator(-7, 46)[1] == pytest.approx(5_780_349.22, abs=0.01)
