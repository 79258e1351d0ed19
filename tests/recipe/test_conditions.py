"""Conditions in recipes and world files: which fills which slot, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grounds
import pytest

import geoinfinite as gi
from geoinfinite.conditions import Metadata, Raster, Text
from geoinfinite.engine import resolve
from geoinfinite.errors import WorldError
from geoinfinite.recipe.fillings import check_filled, fillings
from geoinfinite.told import Slot

BOUNDS = 500_000, 5_196_000, 504_000, 5_200_000
PROMPT = "[[condition]]\nkind = 'text'\nname = 'prompt'\nprompt"
PLACE: dict[str, Any] = {"crs": "EPSG:32632", "bounds": BOUNDS, "resolution": 20}


def world(*conditions: Any, **changes: Any) -> gi.World:
    made = gi.World.for_model("analytic:conditional", **PLACE, conditions=conditions)
    return made.replace(**changes) if changes else made


def test_a_world_file_keeps_its_conditions(tmp_path: Path) -> None:
    path = grounds.source(tmp_path, "EPSG:4326")
    made = world(
        Text("prompt", "a harbour", guidance=3.0),
        Raster("hint", path, fill=(1, 2, 3), colours={1: (0, 0, 255), 7: (9, 9, 9)}, resampling="nearest"),
        Metadata("metadata", date="2017-02-11", cloud_cover=0.5, unknown=("lon",)),
    )
    made.save(tmp_path / "world.toml")
    again = gi.World.load(tmp_path / "world.toml")
    assert again == made
    assert again.token == made.token


def test_paths_start_at_the_world_file_and_colours_may_be_a_table(tmp_path: Path) -> None:
    classes = grounds.noise((1, 420, 420)) % 2
    grounds.write(tmp_path / "map.tif", classes, "EPSG:4326", grounds.about("EPSG:4326", 2e-4))
    world().save(tmp_path / "world.toml")
    text = (tmp_path / "world.toml").read_text()
    text += """
        [[condition]]
        kind = "raster"
        name = "hint"
        source = "map.tif"
        resampling = "nearest"
        fill = 0
        colours = { 0 = [10, 20, 30], 1 = [200, 0, 0] }
    """
    (tmp_path / "world.toml").write_text(text)
    (condition,) = gi.World.load(tmp_path / "world.toml").conditions
    assert condition.path == tmp_path / "map.tif"
    assert dict(condition.colours) == {0: (10, 20, 30), 1: (200, 0, 0)}


def test_a_condition_that_names_a_level_goes_before_one_that_names_none() -> None:
    everywhere, here = Text("prompt", "sea"), Text("prompt", "dunes", levels=(1,))
    slot = Slot("prompt", "text")
    found = [fillings([everywhere, here], [slot], n)[0].condition for n in (0, 1, 2)]
    assert found == [everywhere, here, everywhere]
    with pytest.raises(WorldError, match=r"condition.prompt stands 2 times for level 1; leave one"):
        fillings([here, Text("prompt", "ice", levels=(1,))], [slot], 1)


def test_a_slot_that_must_be_filled_names_the_lines_to_add() -> None:
    slots = Slot("hint", "raster"), Slot("metadata", "metadata", required=False)
    with pytest.raises(WorldError, match=r"model.ref='x' is told .hint. .*, and no condition says it"):
        check_filled([], slots, 0, "x")
    check_filled([], slots[1:], 0, "x")


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            [Text("promt", "x")],
            r"condition.promt fills no slot on any level of this world: there",
        ),
        ([Text("prompt", "x", levels=(3,))], r"condition.prompt fills no slot on levels \[3\] of this world"),
        (
            [Text("hint", "x")],
            r"condition.hint.kind='text' cannot fill the slot 'hint'",
        ),
        ([Text("prompt", "x"), Text("prompt", "y")], r"condition.prompt stands 2 times for level 0"),
        (["prompt"], r"conditions=\('prompt',\): 'prompt' is no condition; make one"),
    ],
)
def test_conditions_that_do_not_fit(conditions: list[Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        world(*conditions)


def test_guidance_with_nothing_to_leave_out_is_refused() -> None:
    sampler = gi.samplers.IndependentTiles(consistency="none", guidance=4.0)
    with pytest.raises(WorldError, match=r"sampler.guidance=4 has no condition to leave out"):
        world(sampler=sampler)
    assert len(resolve(world(Text("prompt", "x"), sampler=sampler), 0).drawn.steering.terms) == 2
    with pytest.raises(WorldError, match=r"sampler.guidance=-1 must be at least 0"):
        gi.samplers.IndependentTiles(guidance=-1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[condition]\nkind = 'text'", r"condition = .* is no list of tables; conditions"),
        (
            "[[condition]]\nname = 'prompt'",
            r"condition.prompt.kind=None is not one of boxes",
        ),
        (
            "[[condition]]\nkind = 'text'\nname = 'prompt'",
            r"condition.prompt.prompt is missing",
        ),
        (f"{PROMPT} = 'x'\npromt = 1", r"condition.prompt.promt is not a key"),
        (f"{PROMPT} = [[[[[[1]]]]]]", r"condition.prompt.prompt=.* is nested deeper"),
        (
            "[[condition]]\nkind = 'text'\nname = 3\nprompt = 'x'",
            r"condition.name=3 is not the name",
        ),
    ],
)
def test_tables_that_have_no_meaning(tmp_path: Path, lines: str, message: str) -> None:
    world().save(tmp_path / "world.toml")
    with pytest.raises(WorldError, match=message):
        gi.World.loads(f"{(tmp_path / 'world.toml').read_text()}\n{lines}\n")


def test_a_message_stays_short_whatever_was_written(tmp_path: Path) -> None:
    path = grounds.regions(tmp_path)
    with pytest.raises(WorldError, match=r"is no attribute of") as caught:
        world(Text("prompt", "x", source=path, column="y" * 5000))
    assert len(str(caught.value)) < 900
