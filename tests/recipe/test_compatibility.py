"""Combinations that cannot be drawn are refused when a world is loaded, and the remedy named loads."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import small_worlds
import tomli_w

from geoinfinite.errors import WorldError
from geoinfinite.models import reference
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

Tables: TypeAlias = dict[str, Any]
Fix: TypeAlias = Callable[[Tables, re.Match[str]], None]


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Wide", "Bandless"):
        monkeypatch.setitem(reference.ANALYTIC, f"analytic:{name.lower()}", f"odd_models:{name}")


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Tables], Recipe]:
    small_worlds.ring_world(tmp_path)

    def run(tables: Tables) -> Recipe:
        return Recipe(**worldfile.parse(tomli_w.dumps(tables), where="w.toml", folder=tmp_path))

    return run


def ring(sampler: Tables, ref: str = "analytic:gaussian", **tables: Any) -> Tables:
    """Tables of a world on a raster of 12 x 24 px once round the Earth."""
    settled = {"tile": 32, "stride": 24, "steps": 4, **sampler}
    base: Tables = {"root": {"source": "ring.tif"}, "grid": {"levels": 3}, "model": {"ref": ref}}
    return {**base, "sampler": {k: v for k, v in settled.items() if v is not None}, **tables}


def generated(ref: str = "analytic:planet", **tables: Any) -> Tables:
    grid = {"crs": "EPSG:32633", "origin": [0.0, 0.0], "resolution": 9.0, "shape": [20, 30], "levels": 2}
    base: Tables = {"root": {"source": "generated"}, "grid": grid, "model": {"ref": ref}}
    return {**base, **tables}


def take(*names: str) -> Fix:
    """Set keys of the sampler to the last number that the message says to take."""

    def fix(tables: Tables, said: re.Match[str]) -> None:
        value = ast.literal_eval(said["take"])
        for name in names:
            tables["sampler"][name] = value[-1] if isinstance(value, list) else value

    return fix


def set_to(section: str, **values: Any) -> Fix:
    def fix(tables: Tables, said: re.Match[str]) -> None:
        for part in section.split("."):
            tables = tables.setdefault(part, {})
        tables.update(values)

    return fix


def drop(section: str, key: str) -> Fix:
    return lambda tables, said: tables[section].pop(key)


def solver(tables: Tables, said: re.Match[str]) -> None:
    tables["sampler"]["solver"] = said["take"].split(", ")[-1]


CHARTED = {"preset": "charted", "chart": 48, "halo": 16}
SPOT = {"preset": "spotdiffusion", "stride": 32}

ROUND = {"crs": "EPSG:4326", "origin": [-180.0, 90.0], "resolution": 5.625, "shape": [32, 64]}
ROUND |= {"levels": 1, "periodic": True}


def take_at_level_0(tables: Tables, said: re.Match[str]) -> None:
    set_to("level.0.sampler", preset="earlysync", stride=ast.literal_eval(said["take"])[-1])(tables, said)


CASES: list[tuple[Tables, str, Fix]] = [
    (
        ring({"preset": "multidiffusion", "solver": "heun"}),
        "twice in a step.*; take one of (?P<take>.*)$",
        solver,
    ),
    (
        ring({"preset": "earlysync", "solver": "heun"}),
        "a state that is not fused.*one of (?P<take>.*)$",
        solver,
    ),
    (
        ring({"preset": "earlysync", "solver": "plms"}),
        "twice in its first step.*; take one of (?P<take>.*)$",
        solver,
    ),
    (ring(SPOT | {"solver": "heun"}), "sampler.preset='spotdiffusion'; take one of (?P<take>.*)$", solver),
    (ring(CHARTED | {"solver": "heun"}), "sampler.preset='charted'; take one of (?P<take>.*)$", solver),
    (
        ring({"solver": "euler", "eta": 0.5}),
        "eta=0.5 has no meaning.*'euler'; leave it out",
        drop("sampler", "eta"),
    ),
    (ring({"solver": "euler", "eta": 0.5}), "or take one of (?P<take>.*)$", solver),
    (ring({"solver": "ddim", "eta": 1.5}), "eta=1.5 must be between 0 .* and 1 ", set_to("sampler", eta=1.0)),
    (ring({"stride": 33}), "stride=33 must be between 1 and sampler.tile=32", set_to("sampler", stride=32)),
    (
        ring({"stride": 20}),
        r"stride=20 must divide the 96 .*stride take one of (?P<take>.*)$",
        take("stride"),
    ),
    (ring({"tile": 30}), "tile=30 must be a multiple of 4 for model.*; take (?P<take>.*)$", take("tile")),
    (
        ring({"stride": 22}),
        "stride=22 must be a multiple of grid.factor=4,.*; take (?P<take>.*)$",
        take("stride"),
    ),
    (
        ring({"tile": 34, "stride": 24}, "analytic:latent"),
        "tile=34 must be.*; take (?P<take>.*)$",
        take("tile"),
    ),
    (
        ring({"tile": 24, "stride": 24}, "analytic:wide"),
        "tile=24 must be a multiple of 16 .*take (?P<take>.*)$",
        take("tile"),
    ),
    (
        ring({"tile": 32, "stride": 28}, "analytic:wide"),
        "stride=28 must be a multiple of 8, the pixels per latent pixel of model.*; take (?P<take>.*)$",
        take("stride"),
    ),
    (ring(SPOT | {"stride": 24}), "stride=24 must equal sampler.tile=32", set_to("sampler", stride=32)),
    (
        ring(SPOT | {"tile": 40, "stride": 40}),
        r"stride=40 must divide.*tile and stride take one of (?P<take>.*)$",
        take("tile", "stride"),
    ),
    (
        ring(SPOT | {"tile": 30, "stride": 30}),
        r"tile=30 must be.*take (?P<take>\d+)$",
        take("tile", "stride"),
    ),
    (
        ring(CHARTED | {"chart": 40}),
        "stride=24 must divide chart . 2 halo - tile = 40, .*take sampler.chart=(?P<take>.*)$",
        take("chart"),
    ),
    (
        ring(CHARTED | {"chart": 64, "stride": 32}),
        r"chart=64 must divide the 96 columns .* chart take one of (?P<take>.*)$",
        take("chart"),
    ),
    (
        # Charts fit the turn, but the tiles in which latents are decoded do not.
        ring(CHARTED | {"chart": 48, "halo": 12, "stride": 20}, "analytic:latent"),
        r"stride=20 must divide the 96 columns .* stride take one of (?P<take>.*)$",
        take("stride"),
    ),
    (
        ring(CHARTED | {"halo": 25}),
        "chart=48 and sampler.halo=25 must give charts .* 0 <= 2 halo <= chart",
        set_to("sampler", halo=16),
    ),
    (ring(CHARTED | {"halo": -1}), "halo=-1 must give charts", set_to("sampler", halo=16)),
    (
        ring(CHARTED | {"chart": 16, "halo": 4}),
        "must give charts that hold a tile of 32",
        set_to("sampler", chart=48, halo=16),
    ),
    (
        ring(CHARTED | {"halo": 4, "chart": 48, "stride": 8}, "analytic:wide"),
        "halo=4 must be a multiple of 8, .*take (?P<take>.*)$",
        take("halo"),
    ),
    (
        ring({"preset": "infinitediffusion", "phases": 5}),
        "phases=5 must be between 1 and sampler.steps=4",
        set_to("sampler", phases=4),
    ),
    (
        ring({"preset": "infinitediffusion", "phases": 0}),
        "phases=0 must be between 1 and",
        set_to("sampler", phases=1),
    ),
    (
        ring({"preset": "infinitediffusion", "cuts": [1, 2]}),
        r"cuts=\[1, 2\] must be positive and add up to sampler.steps=4",
        set_to("sampler", cuts=[2, 2]),
    ),
    (
        ring({"preset": "infinitediffusion", "cuts": [5, -1]}),
        r"cuts=\[5, -1\] must be positive",
        set_to("sampler", cuts=[3, 1]),
    ),
    (
        ring({"preset": "earlysync", "synced": 4}),
        "synced=4 must be between 0 and sampler.steps - 1 = 3",
        set_to("sampler", synced=3),
    ),
    (
        ring({"preset": "earlysync", "steps": 1, "synced": 1}),
        "synced=1 must be between 0 and sampler.steps - 1 = 0",
        set_to("sampler", synced=0),
    ),
    (
        ring({"preset": "multidiffusion", "weights": "crop"}),
        'crop" keeps the middle .* take sampler.weights = "hann"',
        set_to("sampler", weights="hann"),
    ),
    (
        ring({"weights": "gauss"}),
        "weights='gauss' is not one of hann, linear, gaussian",
        set_to("sampler", weights="gaussian"),
    ),
    (
        ring({}, level={"3": {"sampler": {"steps": 2}}}),
        "level.3 does not exist: this grid has levels 0 to 2",
        set_to("grid", levels=4),
    ),
    (
        ring({}, level={"0": {"sampler": {"steps": 2}}}),
        "level.0 is root.source=.*; leave level.0 out",
        lambda tables, said: tables.pop("level"),
    ),
    (
        ring({}, level={"2": {"sampler": {"stride": 20}}}),
        "stride=20 must divide the 384 columns of level 2.*one of (?P<take>.*)$",
        lambda tables, said: tables["level"]["2"]["sampler"].update(
            stride=ast.literal_eval(said["take"])[-1]
        ),
    ),
    (
        ring({}, "bundled:earth-small"),
        r"^sampler.steps=4 is not what model.ref='bundled:earth-small' was trained for; .* = (?P<take>1)$",
        take("steps"),
    ),
    (
        ring({"steps": 1}, "bundled:earth-small", level={"2": {"sampler": {"steps": 2}}}),
        "^level.2.sampler.steps=2 is not what model.ref=.* for; set level.2.sampler.steps = 1$",
        set_to("level.2.sampler", steps=1),
    ),
    (
        {"root": {"source": "generated"}, "model": {"ref": "analytic:planet"}},
        r"grid.crs is missing; add it under \[grid\]",
        lambda tables, said: tables.update(grid=generated()["grid"]),
    ),
    (
        generated("analytic:gaussian"),
        r"'analytic:gaussian' is told a parent, .* under \[level.0.model\], such as ref = \"(?P<take>.*)\"$",
        lambda tables, said: set_to("level.0.model", ref=said["take"])(tables, said),
    ),
    (
        generated("analytic:bandless"),
        r"draws any number of bands.*name a model with bands for level 0 under \[level.0.model\]",
        set_to("level.0.model", ref="analytic:planet"),
    ),
    (
        generated(level={"0": {"sampler": {"consistency": "project"}}}),
        r"'project' needs a parent, .*; set consistency = \"none\" under \[level.0.sampler\]",
        set_to("level.0.sampler", consistency="none"),
    ),
    (
        ring({}, grid={"levels": 2, "factor": 2}),
        "factor=2 is not the factor 4 of .*; set grid.factor = 4",
        set_to("grid", factor=4),
    ),
    (
        ring({}, grid={"levels": 17}),
        r"grid.levels=17 is too deep: level 14 would .*; set grid.levels = (?P<take>\d+)$",
        lambda tables, said: tables["grid"].update(levels=int(said["take"])),
    ),
    (
        ring({"tile": 2**15}),
        "sampler.tile=32768 must be at most 16384",
        set_to("sampler", tile=16384),
    ),
    (
        generated(grid=ROUND),
        r"^level.0.sampler.stride=96 must divide the 64 columns .* take one of (?P<take>.*)$",
        take_at_level_0,
    ),
]


@pytest.mark.parametrize(("tables", "message", "fix"), CASES)
def test_the_refusal_is_one_line_and_its_remedy_loads(
    load: Callable[[Tables], Recipe], tables: Tables, message: str, fix: Fix
) -> None:
    with pytest.raises(WorldError, match=message) as caught:
        load(tables)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 500
    remedied = deepcopy(tables)
    fix(remedied, re.search(message, said))
    load(remedied)
