"""The order of a job: every task once and after what it reads, few sheets at a time, nothing in vain."""

from __future__ import annotations

from typing import Any

import pytest
import store_jobs
from dry_runs import Run, Shelf, cone, every_shard, every_task, last_stage
from hypothesis import given, settings
from hypothesis import strategies as st
from store_plans import WORLDS, layered_plans

from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.jobs.graph import JobGraph
from geoinfinite.stores.jobs.order import TaskOrder
from geoinfinite.stores.jobs.outcomes import Task
from geoinfinite.stores.jobs.parts import Part, Share
from geoinfinite.stores.jobs.sheets import TaskId
from geoinfinite.stores.planning import plan_window

SIDES = st.integers(24, 60)


def graphs() -> st.SearchStrategy[JobGraph]:
    return st.tuples(layered_plans(SIDES), st.booleans()).map(
        lambda p: JobGraph(p[0]) if p[1] else last_stage(p[0])
    )


@settings(max_examples=20, deadline=None)
@given(graphs(), st.integers(1, 300))
def test_every_task_once_after_what_it_reads(graph: JobGraph, ahead: int) -> None:
    run = Run(graph).go(ahead=ahead)
    assert len(run.done) == len(set(run.done))
    assert set(run.done) == every_task(graph)
    assert run.held == set()
    assert len(run.asked) == len(set(run.asked))


def test_a_level_does_not_wait_for_the_one_before(ring: Recipe) -> None:
    plan = store_jobs.crossing(ring)
    done = Run(JobGraph(plan)).go().done
    first_fine = next(i for i, task in enumerate(done) if task.stage == 1)
    last_coarse = max(i for i, task in enumerate(done) if task.stage == 0)
    assert first_fine < last_coarse
    assert first_fine < plan.stages[0].shards


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_a_task_reads_the_shards_under_it(world: str) -> None:
    """Compared with a search through all pixels."""
    recipe = store_jobs.layered(WORLDS[world], "spotdiffusion")
    rows, columns = recipe.grid.shape_at(2)
    plan = plan_window(recipe, 2, Window(3, min(150, rows), 5, min(170, columns)), shard=36)
    graph, stage = JobGraph(plan), plan.stages[0]
    period = recipe.grid.period(1)
    for shard in sorted(every_shard(graph)):
        if shard.stage == 0:
            continue
        window = plan.stages[1].shard_window(shard.row, shard.column)
        parent = window.coarsen(4)
        under = {
            ((y - stage.window.y0) // stage.shard, column // stage.shard)
            for y in range(parent.y0, parent.y1)
            for x in range(parent.x0, parent.x1)
            if (column := (x - stage.window.x0) if period is None else (x - stage.window.x0) % period) >= 0
        }
        read = {(t.row, t.column) for t in graph.inputs(shard) if t.stage == 0}
        assert under <= read
        assert read <= {(t.row, t.column) for t in every_shard(graph)}


def bound(graph: JobGraph) -> int:
    """Sheets of two rows of shards: of every layer, as many rows as such a row's cone is high."""
    total = 0
    for index, cut in enumerate(graph.stages):
        reached: list[set[TaskId]] = []
        for row in range(cut.stage.rows):
            ring = {(len(cut.layers), row, c) for c in range(cut.stage.columns)}
            found: set[TaskId] = set()
            while ring:
                ring = {sheet for task in ring for sheet in cut.inputs(task)}
                found |= ring
            reached.append(found)
        for number in range(len(cut.layers)):
            high = max(len({p[1] for p in found if p[0] == number}) for found in reached)
            total += 2 * high * graph.stages[index].shape(number)[1]
    return total


@settings(max_examples=20, deadline=None)
@given(graphs())
def test_few_sheets_are_kept_at_a_time(graph: JobGraph) -> None:
    assert Run(graph).go().most <= bound(graph)


@pytest.mark.parametrize("world", sorted(WORLDS))
@pytest.mark.parametrize("case", ["multidiffusion", "spotdiffusion", "earlysync"])
def test_the_number_of_sheets_kept_does_not_grow_with_the_rows(world: str, case: str) -> None:
    most, total = [], []
    for rows in (4, 8, 16):
        recipe = store_jobs.layered(WORLDS[world], case)
        plan = plan_window(recipe, 3, Window(5, 5 + 32 * rows, 3, 100), shard=32)
        run = Run(last_stage(plan)).go()
        most.append(run.most)
        total.append(len(run.done))
    assert total[2] > 2.5 * total[0]
    assert len(set(most)) == 1


@settings(max_examples=25, deadline=None)
@given(graphs(), st.data())
def test_a_job_goes_on_where_it_was_stopped(graph: JobGraph, data: st.DataObject) -> None:
    """Killed again and again, it repeats at most what was in flight, and what was damaged."""
    shelves, committed, done = [Shelf() for _ in graph.stages], set[Task](), list[Task]()
    for _ in range(data.draw(st.integers(1, 3))):
        ahead = data.draw(st.integers(1, 9))
        tasks = data.draw(st.integers(0, len(every_task(graph))))
        done += Run(graph, shelves, committed).go(tasks, ahead).done
    assert len(done) == len(set(done))
    for shelf in shelves:
        shelf.read.clear()
    run = Run(graph, shelves, committed).go()
    read = [(i, task) for i, shelf in enumerate(shelves) for task in shelf.read]
    assert len(read) == len(set(read))
    assert len(run.asked) == len(set(run.asked))
    assert set(done) & set(run.done) == set()
    assert set(done) | set(run.done) == every_task(graph)
    assert run.held == set()


@settings(max_examples=25, deadline=None)
@given(graphs(), st.data())
def test_damage_is_drawn_again_down_its_cone(graph: JobGraph, data: st.DataObject) -> None:
    """Whatever is lost of sheets and shards, every shard is made again from sheets that are there."""
    shelves, committed = [Shelf() for _ in graph.stages], set[Task]()
    Run(graph, shelves, committed).go(data.draw(st.integers(0, len(every_task(graph)))))
    for shelf in shelves:
        if shelf.held:
            shelf.damaged |= set(data.draw(st.lists(st.sampled_from(sorted(shelf.held)), max_size=4)))
            shelf.held -= set(data.draw(st.lists(st.sampled_from(sorted(shelf.held)), max_size=4)))
    lost = set(data.draw(st.lists(st.sampled_from(sorted(committed)), max_size=4))) if committed else set()
    committed -= lost
    run = Run(graph, shelves, committed).go(ahead=data.draw(st.integers(1, 40)))
    assert lost <= set(run.done)
    assert len(run.done) == len(set(run.done))
    assert len(run.asked) == len(set(run.asked))
    assert committed == every_shard(graph)
    assert run.held == set()


@settings(max_examples=15, deadline=None)
@given(graphs(), st.integers(2, 7), st.randoms(use_true_random=False))
def test_parts_make_the_whole_in_any_order(graph: JobGraph, count: int, random: Any) -> None:
    parts, committed, done = [Part(i, count) for i in range(1, count + 1)], set[Task](), list[Task]()
    random.shuffle(parts)
    for part in parts:
        run = Run(graph, committed=committed, part=part).go()
        done += run.done
        # Rows of coarser shards that others may read: their sheets stay until the part has ended.
        assert all(sheet.stage == 0 for sheet in run.held)
        share = Share(graph, part)
        assert set(share.shards) <= committed
        assert all(share.concerns(shard) for shard in run.asked)
    shards = [task for task in done if graph.is_shard(task)]
    assert len(shards) == len(set(shards))
    assert committed == every_shard(graph)


@settings(max_examples=15, deadline=None)
@given(graphs(), st.integers(2, 7))
def test_parts_that_know_nothing_of_each_other_make_the_whole(graph: JobGraph, count: int) -> None:
    found = set[Task]()
    for i in range(1, count + 1):
        found |= Run(graph, part=Part(i, count)).go().committed
    assert found == every_shard(graph)


def test_a_finished_job_draws_nothing_and_reads_no_sheet(ring: Recipe) -> None:
    graph = JobGraph(store_jobs.strip(store_jobs.layered(ring)))
    run = Run(graph, committed=every_shard(graph)).go()
    assert run.done == [sheet for shelf in run.shelves for sheet in shelf.read] == []
    assert len(run.asked) == len(every_shard(graph))


def test_one_lost_shard_costs_no_more_than_its_cone(ring: Recipe) -> None:
    graph = last_stage(store_jobs.strip(store_jobs.layered(ring)))
    lost = graph.shard(0, 1, 2)
    run = Run(graph, committed=every_shard(graph) - {lost}).go()
    assert set(run.done) == cone(graph, lost)


def test_names_of_sheets_that_do_not_exist_are_passed_over(ring: Recipe) -> None:
    graph = last_stage(store_jobs.strip(store_jobs.layered(ring)))
    strange: set[TaskId] = {(99, 0, 0), (0, 4_000, 0), (0, 0, 4_000), (len(graph.stages[0].layers), 0, 0)}
    run = Run(graph, [Shelf(set(strange))]).go()
    assert set(run.done) == every_task(graph)
    assert run.shelves[0].held == strange


def test_a_failed_task_is_named_to_those_that_read_it(ring: Recipe) -> None:
    graph = JobGraph(store_jobs.crossing(ring))
    order = TaskOrder(Share(graph), graph, [Shelf(), Shelf()], lambda shard: False)
    tasks = iter(order)
    (parent, _), (second, _) = next(tasks), next(tasks)
    order.fail(parent)
    order.finish(second)
    readers = [task for task in every_shard(graph) if parent in graph.inputs(task)]
    assert readers
    for task in every_shard(graph):
        assert order.missing(task) == (parent if task in readers else None)


def test_a_deep_stack_of_layers_needs_no_deep_stack_of_calls(ring: Recipe) -> None:
    world = store_jobs.layered(ring)
    world = world.replace(sampler=type(world.sampler)(steps=1200, tile=32, stride=24))
    graph = JobGraph(plan_window(world, 1, Window(0, 8, 0, 8), shard=24))
    order = TaskOrder(Share(graph), graph, [Shelf()], lambda shard: False)
    first, after = next(iter(order))
    assert first.layer == 0
    assert after == ()
