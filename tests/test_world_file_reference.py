"""docs/reference/world-file.md lists every key of a world file as the code has it: type, default, range."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from pages import REPOSITORY

from geoinfinite.conditions import KINDS
from geoinfinite.errors import ModelError, WorldError
from geoinfinite.models.backend import BACKENDS
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers import PRESETS, SCHEDULES, SOLVERS, IndependentTiles
from geoinfinite.samplers.tiled import CONSISTENCIES, TiledSampler
from geoinfinite.tiling import PROFILES

TEXT = (REPOSITORY / "docs" / "reference" / "world-file.md").read_text(encoding="utf-8")
SECTIONS = {
    "grid": Grid,
    "root": Root,
    "model": ModelReference,
    "sampler": IndependentTiles,
    "numerics": Numerics,
}
TYPES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "float | str": "number or text",
    "datetime.date | str": "day",
    "tuple[float, float]": "two numbers",
    "tuple[int, int]": "two integers",
    "tuple[int, ...]": "integers",
    "tuple[str, ...]": "texts",
    "tuple[float, ...]": "numbers",
    "tuple[int | str, ...]": "integers or texts",
    "tuple[float | str, ...]": 'numbers, or `"unknown"`',
    "tuple[datetime.date | str, ...]": 'days, or `"unknown"`',
    "float | tuple[float, ...]": "number or numbers",
    "tuple[int | str, ...] | tuple[tuple[int | str, ...], ...]": (
        "integers or texts, or a list of them for each source"
    ),
    "tuple[tuple[int, tuple[float, ...]], ...]": "table of lists of numbers",
    "tuple[tuple[str, tuple[float, ...]], ...]": "table of lists of numbers",
}
"""What the page calls a type, by the annotation of its field."""
CHOICES = {
    "world.dtype": ("uint8", "uint16", "float32"),
    "model.backend": BACKENDS,
    "sampler.preset": tuple(PRESETS),
    "sampler.solver": (*SOLVERS, "checkpoint"),
    "sampler.schedule": (*SCHEDULES, "checkpoint"),
    "sampler.weights": tuple(PROFILES),
    "sampler.consistency": CONSISTENCIES,
}
REFUSED: dict[str, list[Any]] = {
    "world.name": ["n" * 4097],
    "grid.crs": ["EPSG:4978", "no CRS"],
    "grid.origin": [[float("nan"), 0.0], [1.0]],
    "grid.resolution": [0.0, -1.0],
    "grid.shape": [[0, 9], [9, 0], [3221094401, 9], [9, 12884770817]],
    "grid.levels": [0, 65, 16],
    "grid.periodic": [True],
    "root.source": [["generated"]],
    "root.scale": [0.0, float("inf")],
    "root.offset": [float("nan")],
    "model.ref": ["analytic:no-such", "no/such/folder"],
    "model.scheduler": ["NoSuchScheduler"],
    "sampler.shift": [0.0, 1e6 + 1],
    "sampler.tile": [0, 16400],
    "sampler.stride": [0, 132],
}
"""Values beyond those ranges of sections that are said in words."""
OF_PRESETS: dict[str, list[Any]] = {
    "infinitediffusion.phases": [0, 5],
    "infinitediffusion.cuts": [[0, 4], [3]],
    "earlysync.synced": [-1, 4],
    "charted.chart": [0, 2**16 + 4],
    "charted.halo": [-4, 244],
}
LONG = "x" * 65
OF_CONDITIONS: dict[str, list[Any]] = {
    "name": ["", LONG, "line\nbreak"],
    "source": ["", 3],
    "sources": [[], [""]],
    "column": ["", 3],
    "levels": [[64], [-1], "all"],
    "digest": ["sha256:12", "md5:" + 64 * "0"],
    "dates": [["2017-02-11"] * 2, ["2017-02-30"]],
    "date": ["2017-02-30"],
    "resolutions": [[0.0], [1e6 + 1], [1.0, 2.0]],
    "cloud_cover": [-0.1, 1.1],
    "bands": [[0], [""], [1.5]],
    "scale": [float("inf")],
    "offset": [float("nan")],
    "fill": [[float("nan")]],
    "colours": [(("water", (float("nan"),)),), ((1, (float("nan"),)),)],
    "background": [(float("nan"),)],
    "unknown": [3],
    "prompt": ["x" * 4097],
    "style_file": [3],
    "folder": ["", 3],
}
VALID: dict[str, dict[str, Any]] = {
    "boxes": {"name": "slot", "source": "a.gpkg", "column": "class"},
    "embedding": {"name": "slot", "source": "a.tif"},
    "frames": {"name": "slot", "sources": ("a.tif",), "dates": ("2017-02-11",)},
    "known": {"source": "a.tif"},
    "location": {"name": "slot"},
    "map": {
        "name": "slot",
        "source": "a.gpkg",
        "style": "plain",
        "column": "c",
        "colours": (("water", (1,)),),
    },
    "metadata": {"name": "slot"},
    "raster": {"name": "slot", "source": "a.tif"},
    "seeds": {"source": "a.gpkg"},
    "shoreline": {"name": "slot"},
    "sketch": {"source": "a.tif"},
    "text": {"name": "slot", "prompt": "forest", "source": "a.gpkg", "column": "text"},
}
WORLD: dict[str, Any] = {
    "world": {},
    "grid": {"crs": "EPSG:32632", "origin": [4e5, 5e6], "resolution": 10.0, "shape": [64, 96], "levels": 2},
    "root": {"source": "generated"},
    "model": {"ref": "analytic:gaussian"},
    "level": {"0": {"model": {"ref": "analytic:planet"}}},
    "sampler": {},
    "numerics": {},
}


@dataclass(frozen=True)
class Row:
    key: str
    type: str
    default: str
    range: str

    @property
    def choices(self) -> tuple[str, ...]:
        names = re.findall(r"`([\w-]+)`", self.range)
        return tuple(names) if self.range == ", ".join(f"`{name}`" for name in names) else ()

    @property
    def beyond(self) -> list[float]:
        """Numbers just beyond a range such as "1 to 4096"; none of a range that is said in words."""
        found = re.fullmatch(r"([\d.]+) to ([\d.]+)(?: each)?", self.range)
        if found is None:
            return []
        low, high = (float(edge) if "." in edge else int(edge) for edge in found.groups())
        return [low - 1, high + 1] if self.type.startswith("integer") else [low - 1e-9, high * 1.001]


def rows(heading: str) -> dict[str, Row]:
    text = TEXT.partition(f"\n{heading}\n")[2]
    text = re.split(r"\n##", text)[0]
    found = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    return {key: Row(key, *cells) for key, *cells in found}


def documented(kind: type) -> list[tuple[str, str, str]]:
    """Name, type and default of every field, in the words of the page."""
    found = []
    for field in dataclasses.fields(kind):
        wanted = TYPES[str(field.type).removesuffix(" | None")]
        if field.default is dataclasses.MISSING:
            default = "required"
        elif field.default in (None, (), "") and not (kind in PRESETS.values() and field.default == ()):
            default = "none"
        else:
            value = list(field.default) if isinstance(field.default, tuple) else field.default
            default = f"`{tomli_w.dumps({'v': value}).removeprefix('v = ').strip()}`".replace("\n", "")
        found.append((field.name, wanted, default.replace("[    0,]", "[0]")))
    return found


def loaded(section: str, key: str, value: Any) -> Recipe:
    tables = {name: dict(table) for name, table in WORLD.items()}
    if key == "preset" or section in PRESETS:
        tables["sampler"]["preset"] = value if key == "preset" else section
    if section in PRESETS:
        section = "sampler"
    tables[section][key] = value
    if key == "periodic":
        tables[section] |= {"crs": "EPSG:4326", "origin": [-180.0, 90.0]}
    text = tomli_w.dumps(tables)
    return Recipe(**worldfile.parse(text, where="a world", folder=Path.cwd()))


OWN_WORDS = {
    "grid": {"crs", "origin", "resolution", "shape", "periodic"},
    "model": {"ref"},
}
"""Keys whose default is said in words: another part of the file gives it."""


@pytest.mark.parametrize("section", SECTIONS)
def test_keys_types_and_defaults_of_a_section_are_those_of_the_code(section: str) -> None:
    found = {key: row for key, row in rows(f"## [{section}]").items() if key not in {"preset", *PRESETS}}
    wanted = documented(SECTIONS[section])
    assert [(row.key, row.type) for row in found.values()] == [(key, kind) for key, kind, _ in wanted]
    for key, _, default in wanted:
        if key not in OWN_WORDS.get(section, ()):
            assert found[key].default == default, key


def test_defaults_that_depend_on_something_else_are_those_of_the_code() -> None:
    assert tomllib.loads(f"v = {rows('## [model]')['ref'].default.strip('`')}")["v"] == (
        dataclasses.fields(Recipe)[2].default_factory().ref  # type: ignore[misc]
    )
    of_world = {field.name: field.default for field in dataclasses.fields(Recipe)}
    for row in rows("## [world]").values():
        assert tomllib.loads(f"v = {row.default.strip('`')}")["v"] == of_world[row.key]
    assert rows("## [sampler]")["preset"].default == f'`"{IndependentTiles.preset}"`'


@pytest.mark.parametrize("name", KINDS)
def test_keys_types_and_defaults_of_a_condition_are_those_of_the_code(name: str) -> None:
    found = [(row.key, row.type, row.default) for row in rows(f"### {name}").values()]
    assert found == documented(KINDS[name])


def test_keys_that_only_some_presets_have() -> None:
    common = {field.name for field in dataclasses.fields(TiledSampler)}
    wanted = [
        (preset, *described)
        for preset, kind in PRESETS.items()
        for described in documented(kind)
        if described[0] not in common
    ]
    text = TEXT.split("Three presets have keys")[1].split("\n## ")[0]
    pattern = r"^\| `(\w+)` \| `(\w+)` \| (.+?) \| (.+?) \| .+ \| .+ \|$"
    assert re.findall(pattern, text, re.MULTILINE) == wanted
    assert {f"{preset}.{key}" for preset, key, *_ in wanted} == set(OF_PRESETS)
    for kind in PRESETS.values():
        assert f"{kind().stride} for" in text or kind is IndependentTiles
    assert rows("## [sampler]")["stride"].default == f"`{IndependentTiles().stride}`"


@pytest.mark.parametrize("where", CHOICES)
def test_choices_of_a_section_are_those_of_the_code(where: str) -> None:
    section, key = where.split(".")
    assert rows(f"## [{section}]")[key].choices == CHOICES[where]


def _of_sections() -> list[tuple[str, str, Any]]:
    cases = []
    for section in ("world", *SECTIONS):
        for key, row in rows(f"## [{section}]").items():
            if key in PRESETS:
                continue
            beyond = row.beyond or (["no-such"] if row.choices else REFUSED.get(f"{section}.{key}"))
            # A key whose range no value of this test leaves is a fault of the test.
            assert beyond, f"{section}.{key} has the range {row.range!r}; add refused values to REFUSED"
            cases += [(section, key, value) for value in beyond]
    return [*cases, *((*w.split("."), v) for w, values in OF_PRESETS.items() for v in values)]


@pytest.mark.parametrize(("section", "key", "value"), _of_sections())
def test_a_value_beyond_the_range_of_a_section_is_refused_by_name(section: str, key: str, value: Any) -> None:
    with pytest.raises((WorldError, ModelError), match=rf"\b{key}\b"):
        loaded(section, key, value)


def _of_conditions() -> list[tuple[str, str, Any]]:
    cases = []
    for kind in KINDS:
        for key, row in rows(f"### {kind}").items():
            wanted = row.beyond
            if row.range.endswith(" each") and wanted:
                wanted = [[value] for value in wanted]  # type: ignore[misc]
            beyond = wanted or (["no-such"] if row.choices else OF_CONDITIONS.get(key))
            assert beyond, f"{kind}.{key} has the range {row.range!r}; add refused values to OF_CONDITIONS"
            if row.range == "text" or key == "style_file":
                beyond = [3]
            if (kind == "raster" and key == "colours") or (kind, key) == ("map", "colours"):
                beyond = [beyond[1 if kind == "raster" else 0]]
            cases += [(kind, key, value) for value in beyond]
    return cases


@pytest.mark.parametrize(("kind", "key", "value"), _of_conditions())
def test_a_value_beyond_the_range_of_a_condition_is_refused_by_name(kind: str, key: str, value: Any) -> None:
    made = KINDS[kind](**VALID[kind])
    assert all(hasattr(made, name) for name in VALID[kind])
    with pytest.raises(WorldError, match=f"{key}|style" if kind == "map" else key):
        KINDS[kind](**(VALID[kind] | {key: value}))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("world", "seed", 2**64 - 1),
        ("world", "name", "n" * 4096),
        ("grid", "factor", 4),
        ("numerics", "micro_batch", 4096),
        ("sampler", "steps", 10_000),
        ("sampler", "guidance", 1000.0),
        ("sampler", "eta", 1.0),
        ("sampler", "shift", 1e6),
        ("sampler", "tile", 2**14),
        ("charted", "chart", 2**16),
        ("charted", "halo", 240),
    ],
)
def test_values_at_the_end_of_a_range_are_taken(section: str, key: str, value: Any) -> None:
    companions = {"eta": ("solver", "ddim"), "chart": ("stride", 32), "halo": ("stride", 32)}
    tables = {name: dict(table) for name, table in WORLD.items()}
    target = tables["sampler" if section in PRESETS else section]
    target[key] = value
    if section in PRESETS:
        target["preset"] = section
    if key in companions:
        target[companions[key][0]] = companions[key][1]
    recipe = Recipe(**worldfile.parse(tomli_w.dumps(tables), where="a world", folder=Path.cwd()))
    parts: dict[str, Any] = {"world": recipe, "grid": recipe.grid, "numerics": recipe.numerics}
    assert getattr(parts.get(section, recipe.sampler), key) == value
