"""The sweep: every task once and after what it reads, few sheets at a time, and no more than is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
import store_jobs
from hypothesis import given, settings
from hypothesis import strategies as st
from store_plans import WORLDS, layered_plans

from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.sheets import Place, StageSheets
from geoinfinite.stores.sweep import Sweep

SIDES = st.integers(24, 60)


@dataclass
class Shelf:
    """Sheets that are there by name only."""

    held: set[Place] = field(default_factory=set)
    damaged: set[Place] = field(default_factory=set)
    read: list[Place] = field(default_factory=list)

    def places(self) -> Iterable[Place]:
        return list(self.held)

    def holds(self, place: Place) -> bool:
        self.read.append(place)
        return place in self.held and place not in self.damaged

    def drop(self, place: Place) -> None:
        self.held.discard(place)


@dataclass
class Run:
    """A stage whose tasks do nothing but check that what they read is there."""

    sheets: StageSheets
    shelf: Shelf = field(default_factory=Shelf)
    committed: set[tuple[int, int]] = field(default_factory=set)
    asked: list[tuple[int, int]] = field(default_factory=list)
    done: list[Place] = field(default_factory=list)
    kept: list[Place] = field(default_factory=list)
    most: int = 0

    def go(self, tasks: int | None = None, ahead: int = 1) -> Run:
        """Do so many tasks, ``ahead`` of them handed out before the first of them ends."""

        def committed(row: int, column: int) -> bool:
            self.asked.append((row, column))
            return (row, column) in self.committed

        sweep = Sweep(self.sheets, self.shelf, committed)
        handed: deque[Place] = deque()
        ended: set[Place] = set()
        for number, (place, after) in enumerate(sweep):
            if number == tasks:
                return self
            assert set(after) <= {*handed, *ended}
            # Whatever it reads is there, or will be once those before it have ended.
            missing = set(self.sheets.inputs(place)) - self.shelf.held - set(handed)
            assert not missing or place[1:] in self.committed
            handed.append(place)
            if len(handed) == ahead:
                self._end(sweep, handed.popleft(), ended)
        while handed:
            self._end(sweep, handed.popleft(), ended)
        return self

    def _end(self, sweep: Sweep, place: Place, ended: set[Place]) -> None:
        is_shard = place[0] == len(self.sheets.layers)
        if is_shard and place[1:] in self.committed:
            self.kept.append(place)
        else:
            assert set(self.sheets.inputs(place)) <= self.shelf.held
            self.done.append(place)
            if is_shard:
                self.committed.add(place[1:])
            else:
                self.shelf.damaged.discard(place)
                self.shelf.held.add(place)
        ended.add(place)
        self.most = max(self.most, len(self.shelf.held))
        sweep.finish(place)


def every_task(sheets: StageSheets) -> set[Place]:
    return {
        (number, row, column)
        for number in range(len(sheets.layers) + 1)
        for row in range(sheets.shape(number)[0])
        for column in range(sheets.shape(number)[1])
    }


def stages() -> st.SearchStrategy[StageSheets]:
    return layered_plans(SIDES).map(lambda plan: StageSheets(plan.world, plan.stages[-1]))


@settings(max_examples=50, deadline=None)
@given(stages(), st.integers(1, 300))
def test_every_task_once_after_what_it_reads(sheets: StageSheets, ahead: int) -> None:
    run = Run(sheets).go(ahead=ahead)
    assert len(run.done) == len(set(run.done))
    assert set(run.done) == every_task(sheets)
    assert run.shelf.held == set()
    assert len(run.asked) == len(set(run.asked))


def bound(sheets: StageSheets) -> int:
    """Sheets of two rows of shards: of every layer, as many rows as such a row's cone is high."""
    total = 0
    reached: list[set[Place]] = []
    for row in range(sheets.stage.rows):
        ring = {(len(sheets.layers), row, c) for c in range(sheets.stage.columns)}
        cone: set[Place] = set()
        while ring:
            ring = {sheet for place in ring for sheet in sheets.inputs(place)}
            cone |= ring
        reached.append(cone)
    for number in range(len(sheets.layers)):
        high = max(len({p[1] for p in cone if p[0] == number}) for cone in reached)
        total += 2 * high * sheets.shape(number)[1]
    return total


@settings(max_examples=50, deadline=None)
@given(stages())
def test_few_sheets_are_kept_at_a_time(sheets: StageSheets) -> None:
    assert Run(sheets).go().most <= bound(sheets)


@pytest.mark.parametrize("world", sorted(WORLDS))
@pytest.mark.parametrize("case", ["multidiffusion", "spotdiffusion", "earlysync"])
def test_the_number_of_sheets_kept_does_not_grow_with_the_rows(world: str, case: str) -> None:
    most, total = [], []
    for rows in (4, 8, 16):
        recipe = store_jobs.layered(WORLDS[world], case)
        plan = plan_window(recipe, 3, Window(5, 5 + 32 * rows, 3, 100), shard=32)
        run = Run(StageSheets(recipe, plan.stages[-1])).go()
        most.append(run.most)
        total.append(len(run.done))
    assert total[2] > 2.5 * total[0]
    assert len(set(most)) == 1


@settings(max_examples=60, deadline=None)
@given(stages(), st.data())
def test_a_sweep_goes_on_where_it_was_stopped(sheets: StageSheets, data: st.DataObject) -> None:
    """Killed again and again, it repeats at most what was in flight, and what was damaged."""
    shelf, committed, done = Shelf(), set[tuple[int, int]](), list[Place]()
    for _ in range(data.draw(st.integers(1, 3))):
        ahead = data.draw(st.integers(1, 9))
        tasks = data.draw(st.integers(0, len(every_task(sheets))))
        done += Run(sheets, shelf, committed).go(tasks, ahead).done
    assert len(done) == len(set(done))
    shelf.read.clear()
    run = Run(sheets, shelf, committed).go()
    assert len(shelf.read) == len(set(shelf.read))
    assert len(run.asked) == len(set(run.asked))
    assert set(done) & set(run.done) == set()
    assert set(done) | set(run.done) == every_task(sheets)
    assert shelf.held == set()


@settings(max_examples=60, deadline=None)
@given(stages(), st.data())
def test_damage_is_drawn_again_down_its_cone(sheets: StageSheets, data: st.DataObject) -> None:
    """Whatever is lost of sheets and shards, the sweep makes every shard again from sheets that are there."""
    shelf, committed = Shelf(), set[tuple[int, int]]()
    Run(sheets, shelf, committed).go(data.draw(st.integers(0, len(every_task(sheets)))))
    if shelf.held:
        shelf.damaged |= set(data.draw(st.lists(st.sampled_from(sorted(shelf.held)), max_size=4)))
        shelf.held -= set(data.draw(st.lists(st.sampled_from(sorted(shelf.held)), max_size=4)))
    lost = set(data.draw(st.lists(st.sampled_from(sorted(committed)), max_size=4))) if committed else set()
    committed -= lost
    run = Run(sheets, shelf, committed).go(ahead=data.draw(st.integers(1, 40)))
    shards = {p[1:] for p in run.done if p[0] == len(sheets.layers)}
    assert lost <= shards
    assert len(run.done) == len(set(run.done))
    assert len(run.asked) == len(set(run.asked))
    assert len(committed) == sheets.stage.shards
    assert shelf.held == set()


def test_a_finished_stage_draws_nothing_and_reads_no_sheet(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    sheets = StageSheets(world, store_jobs.strip(world).stages[-1])
    whole = {(r, c) for r in range(sheets.stage.rows) for c in range(sheets.stage.columns)}
    run = Run(sheets, committed=whole).go()
    assert run.done == run.shelf.read == []
    assert len(run.kept) == len(whole) == len(run.asked)


def test_one_lost_shard_costs_no_more_than_its_cone(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    sheets = StageSheets(world, store_jobs.strip(world).stages[-1])
    whole = {(r, c) for r in range(sheets.stage.rows) for c in range(sheets.stage.columns)}
    run = Run(sheets, committed=whole - {(1, 2)}).go()
    cone, ring_of = set[Place](), {(len(sheets.layers), 1, 2)}
    while ring_of:
        cone |= ring_of
        ring_of = {sheet for place in ring_of for sheet in sheets.inputs(place)}
    assert set(run.done) == cone


def test_names_of_sheets_that_do_not_exist_are_passed_over(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    sheets = StageSheets(world, store_jobs.strip(world).stages[-1])
    strange: set[Place] = {(99, 0, 0), (0, 4_000, 0), (0, 0, 4_000), (len(sheets.layers), 0, 0)}
    run = Run(sheets, Shelf(set(strange))).go()
    assert set(run.done) == every_task(sheets)
    assert run.shelf.held == strange


def test_a_deep_stack_of_layers_needs_no_deep_stack_of_calls(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    world = world.replace(sampler=type(world.sampler)(steps=1200, tile=32, stride=24))
    plan = plan_window(world, 1, Window(0, 8, 0, 8), shard=24)
    sheets = StageSheets(world, plan.stages[-1])
    sweep = Sweep(sheets, Shelf(), lambda row, column: False)
    first, after = next(iter(sweep))
    assert first[0] == 0
    assert after == ()
