"""Sheets: every tile of every layer in one of them, and each reads all that its tiles are fused from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import store_jobs
from drawings import cost
from hypothesis import given, settings
from hypothesis import strategies as st
from store_plans import layered_plans

from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.sheets import Axis, StageSheets
from geoinfinite.stores.planning import Plan, plan_window


def tasks(sheets: StageSheets) -> Iterator[tuple[int, int, int]]:
    for number in range(len(sheets.layers) + 1):
        rows, columns = sheets.shape(number)
        yield from ((number, row, column) for row in range(rows) for column in range(columns))


@settings(max_examples=60, deadline=None)
@given(layered_plans(st.integers(20, 130)))
def test_every_tile_is_in_one_sheet(plan: Plan) -> None:
    for stage in plan.stages:
        sheets = StageSheets(stage)
        tiles = Counter(
            (place[0], *sheets.layers[place[0]].canonical((y, x)))
            for place in tasks(sheets)
            if place[0] < len(sheets.layers)
            for y in sheets.tiles(place)[0]
            for x in sheets.tiles(place)[1]
        )
        assert set(tiles.values()) <= {1}
        assert len(tiles) == cost(plan.recipe, stage.level, stage.window).tiles == stage.tiles


@settings(max_examples=60, deadline=None)
@given(layered_plans(st.integers(20, 130)), st.data())
def test_a_task_reads_the_sheets_of_the_tiles_that_it_is_fused_from(plan: Plan, data: st.DataObject) -> None:
    sheets = StageSheets(plan.stages[-1])
    every = list(tasks(sheets))
    for place in data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=20)):
        number = place[0]
        read = set(sheets.inputs(place))
        assert read <= set(every)
        assert all(place in set(sheets.readers(sheet)) for sheet in read)
        assert all(place in set(sheets.inputs(reader)) for reader in _readers(sheets, place))
        if number == 0:
            assert not read
            continue
        held = {
            sheets.layers[number - 1].canonical((y, x))
            for sheet in read
            for y in sheets.tiles(sheet)[0]
            for x in sheets.tiles(sheet)[1]
        }
        below = sheets.layers[number - 1]
        for window in _windows(sheets, place):
            # What is fused under one tile or shard alone, by the rule that single windows follow.
            need = below.need(window)
            assert {below.canonical(index) for index in need.indices} <= held


def _readers(sheets: StageSheets, place: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    return list(sheets.readers(place)) if place[0] < len(sheets.layers) else []


def _windows(sheets: StageSheets, place: tuple[int, int, int]) -> Iterator[Window]:
    if place[0] == len(sheets.layers):
        yield sheets.stage.shard_window(*place[1:])
    else:
        layer = sheets.layers[place[0]]
        rows, columns = sheets.tiles(place)
        yield from (layer.reads(layer.lattice.window((y, x))) for y in rows for x in columns)


@given(st.integers(-30, 30), st.integers(1, 40), st.integers(1, 9), st.integers(-200, 200))
def test_an_axis_finds_its_tiles(first: int, tiles: int, side: int, tile: int) -> None:
    axis = Axis(first, tiles, side, turn=tiles)
    members = [list(axis.members(sheet)) for sheet in range(axis.sheets)]
    assert [tile for m in members for tile in m] == list(range(first, first + tiles))
    assert all(len(m) == side for m in members[:-1])
    sheet, offset = axis.locate(tile)
    assert (members[sheet][offset] - tile) % tiles == 0
    assert sorted(axis.holding(range(tile, tile + tiles))) == list(range(axis.sheets))


def test_a_level_of_one_layer_has_no_sheets(ring: Recipe) -> None:
    plan = store_jobs.crossing(ring)
    assert store_jobs.sheets(plan) == []
    assert StageSheets(plan.stages[-1]).shape(0) == (plan.stages[-1].rows, plan.stages[-1].columns)


@pytest.mark.parametrize("shard", [24, 96, 4096])
def test_sheets_are_no_larger_than_shards(ring: Recipe, shard: int) -> None:
    world = store_jobs.layered(ring)
    sheets = StageSheets(plan_window(world, 3, Window(0, 700, 0, 900), shard=shard).stages[-1])
    sides = {max(map(len, sheets.tiles(p))) for p in tasks(sheets) if p[0] < len(sheets.layers)}
    assert max(sides) * 24 <= min(shard, 1024)
