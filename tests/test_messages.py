"""Error texts are part of the interface: one line with the argument, its value, the rule and the remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import small_worlds

from geoinfinite import errors
from geoinfinite.cli import main
from geoinfinite.engine import Resources, generate
from geoinfinite.errors import (
    BudgetError,
    Cancelled,
    GeoInfiniteError,
    ModelError,
    StoreError,
    WindowError,
    WorldError,
)
from geoinfinite.models.reference import SIDECAR, WEIGHTS, from_pretrained
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.files.cog import write_cog
from geoinfinite.stores.files.png import write_png
from geoinfinite.stores.planning import plan_window
from geoinfinite.stores.verification import verify
from geoinfinite.stores.writing import resume_store, write_zarr
from geoinfinite.world import World

SIDECAR_TEXT = json.dumps(
    {"kind": "earth-residual-flow", "bands": ["r", "g", "b"], "factor": 4, "margin": 6, "multiple": 16}
)
PLACE = ["--level", "2", "--bbox", "-7", "41", "9", "52"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Worlds, good and bad, in the current folder."""
    monkeypatch.chdir(tmp_path)
    ring = small_worlds.ring_world(tmp_path)
    text = worldfile.dump(ring)
    small_worlds.write_root(tmp_path / "bare.tif", small_worlds.revealing(4, 5), None, (5, 9), 1.0)
    for folder, weights in (("pickled", b"PK\3\4 a torch zip"), ("cut", b"\x40\0\0\0\0\0\0\0{")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / SIDECAR).write_text(SIDECAR_TEXT)
        (tmp_path / folder / WEIGHTS).write_bytes(weights)
        Path(f"{folder}.toml").write_text(text.replace('"analytic:gaussian"', f'"{folder}"'))
    Path("ring.toml").write_text(text)
    Path("typo.toml").write_text(text.replace("levels", "levles"))
    Path("absent.toml").write_text('[root]\nsource = "nowhere.tif"\n')
    Path("bare.toml").write_text('[root]\nsource = "bare.tif"\n')
    return ring


def said(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 500
    return text


RENDER = "render ring.toml --level 2 --out a.zarr --bbox"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("info typo.toml", r"typo.toml: grid.levles is not a key; did you mean grid.levels\? Keys: crs, "),
        ("info absent.toml", r"root.source='.*nowhere.tif' does not exist .*; name a raster file, or "),
        (
            "info bare.toml",
            "root.source='.*bare.tif' has no CRS, .*; write one into it: rio edit-info --crs ",
        ),
        ("info erth", "world 'erth' does not exist; name a .toml file or a bundled world: analytic, earth"),
        ("info pickled.toml", "pickled/.* is a pickle, which can run code .*; save the weights with safeten"),
        ("info cut.toml", "cut/.* is truncated or damaged .*; copy or download the checkpoint again"),
        (
            "models inspect no-such",
            r"model.ref='no-such' is no folder, and nothing is downloaded; name a fo",
        ),
        (f"{RENDER} 7 52 9 41", r"bbox=\(7, 52, 9, 41\) is inverted or empty: need south < north; the ord"),
        (f"{RENDER} 9 41 -7 52", r"bbox=\(9, 41, -7, 52\) is inverted: need west < east .*; the order is W"),
        (f"{RENDER} 7 41 9 92", r"bbox=\(7, 41, 9, 92\) reaches outside the grid, whose bounds are \(-180"),
        (f"{RENDER} 7 41 nan 52", r"bbox=\(7, 41, nan, 52\) is not finite; give west south east north"),
        (f"{RENDER} 7 41 9 52 --crs EPSG:0", "crs='EPSG:0' is not a coordinate reference system .*; write"),
        (f"{RENDER} 7 41 9 52 --level 4", "level=4 does not exist: this grid has levels 0 to 3"),
        (f"{RENDER} 7 41 9 52 --seed -1", r"seed=-1 must be an integer from 0 to 2\*\*64 - 1"),
        (
            f"{RENDER} 7 41 9 52 --out a.jpg",
            "--out=a.jpg: the ending '.jpg' is not one of .zarr, .tif, .tiff, ",
        ),
        (f"{RENDER} 7 41 9 52 --out ring.tif", "--out=ring.tif exists; choose another path, or add --over"),
        (f"{RENDER} 7 41 9 52 --out b.zarr", "--out names two stores, a.zarr and b.zarr; name one, and copy"),
        ("verify nowhere.zarr", "nowhere.zarr does not exist; name a store that geoinfinite wrote"),
        ("resume ring.tif", "ring.tif is not a store of geoinfinite; name another path"),
        ("info .", "is not a store of geoinfinite; name another path"),
    ],
)
def test_bad_input_on_the_command_line_gets_one_line_and_writes_nothing(
    command: str, message: str, capsys: pytest.CaptureFixture
) -> None:
    before = sorted(Path().rglob("*"))
    # tests/cli/test_exits.py tells the codes apart.
    assert main(command.split()) in (1, 4, 5)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert re.search(f"^geoinfinite: .*{message}", err)
    assert sorted(Path().rglob("*")) == before


def test_a_store_with_another_recipe_is_refused_and_kept(here: Recipe, capsys: pytest.CaptureFixture) -> None:
    render = ["render", "ring.toml", *PLACE, "--quiet", "--out", "a.zarr"]
    assert main(render) == 0
    before = {path: path.read_bytes() for path in Path("a.zarr").rglob("*") if path.is_file()}
    assert main([*render, "--seed", "12"]) == 1
    assert re.fullmatch(
        "geoinfinite: .*a.zarr holds another job: world.seed=11 there, 12 here; choose another path, .*\n",
        capsys.readouterr().err,
    )
    assert {path: path.read_bytes() for path in Path("a.zarr").rglob("*") if path.is_file()} == before


def test_a_render_that_cannot_fit_is_refused(capsys: pytest.CaptureFixture) -> None:
    planet = ["--level", "7", "--bbox", "-180", "-90", "180", "90"]
    assert main(["render", "analytic", *planet, "--out", "a.zarr"]) == 1
    assert re.fullmatch(
        "geoinfinite: a.zarr would hold 12.5 PB of pixels before compression, .* has .* free; take a smaller "
        "--bbox or a lower --level\n",
        capsys.readouterr().err,
    )


BAD_CALLS: list[tuple[type[GeoInfiniteError], Callable[[Recipe], object], str]] = [
    (WindowError, lambda w: Window(3, 2, 0, 1), r"Window\(3, 2, 0, 1\) is inverted: need y0 <= y1 .*; swap"),
    (WindowError, lambda w: Window(0, 1.5, 0, 1), "y1=1.5: window edges are integers; round it first"),
    (WindowError, lambda w: generate(w, 4, Window(0, 1, 0, 1)), "level=4 does not exist: .* levels 0 to 3"),
    (WindowError, lambda w: generate(w, 1, Window(-1, 1, 0, 1)), "reaches outside the grid, .*; ask for a p"),
    (WindowError, lambda w: w.grid.window(1, (9, 4, 7, 5), "blah"), "crs='blah' is not a .*; write one"),
    (WindowError, lambda w: plan_window(w, 1, Window(3, 3, 0, 1)), "has no pixels; ask for at least one"),
    (WorldError, lambda w: w.replace(sed=1), r"replace\(sed=...\) is not a field of a world: grid, root, "),
    (WorldError, lambda w: w.replace(dtype="int8"), "dtype='int8' is not one of uint8, uint16, float32"),
    (WorldError, lambda w: worldfile.load("typo.toml", Recipe), "did you mean grid.levels"),
    (
        ModelError,
        lambda w: from_pretrained("pickled"),
        "is a pickle, which can run code .*; save the weights",
    ),
    (ModelError, lambda w: from_pretrained("cut"), "is truncated or damaged .*; copy or download"),
    (ModelError, lambda w: from_pretrained("cut", dtype="int4"), "model.dtype='int4' is not one of float32"),
    (StoreError, lambda w: verify("nowhere"), "nowhere does not exist; name a store that geoinfinite wrote"),
    (StoreError, lambda w: resume_store("cut"), "cut is not a store of geoinfinite; name another path"),
    (
        Cancelled,
        lambda w: generate(w, 1, Window(0, 9, 0, 9), resources=Resources(is_cancelled=lambda: True)),
        "drawing was cancelled; ask again for the pixels that are still wanted",
    ),
    (
        WindowError,
        lambda w: generate(w, 1, (0, 4, 0, 4)),
        r"window=\(0, 4, 0, 4\) is not a window; write Window\(",
    ),
    (WindowError, lambda w: w.grid.level_for(), "give one of the two, in metres or in CRS units per pixel"),
    (
        WindowError,
        lambda w: w.grid.window(1, (1, 2)),
        r"bounds=\(1, 2\) is not four numbers; give west",
    ),
    (WorldError, lambda w: World.loads("[root"), "text is not TOML: .*; see docs/worlds.md for an example"),
    (WorldError, lambda w: w.replace(model=7), r"replace\(model=7\) must be a ModelReference, or its name"),
    (
        StoreError,
        lambda w: write_zarr(plan_window(w, 1, Window(0, 9, 0, 9)), "ftp://b/a.zarr"),
        "'ftp://b/a.zarr': ftp:// is not known; take a path, s3://, gs://, az:// or memory://",
    ),
    (
        StoreError,
        lambda w: write_cog(plan_window(w, 1, Window(0, 9, 0, 9)), "s3://b/a.tif"),
        "'s3://b/a.tif' is a URL; files other than .zarr are written to a local path: write it there",
    ),
    (
        StoreError,
        lambda w: write_zarr(plan_window(w, 1, Window(0, 9, 0, 9)), "nowhere/a.zarr"),
        "the folder .*nowhere does not exist; create it, or choose another path",
    ),
    (
        StoreError,
        lambda w: plan_window(w, 1, Window(0, 9, 0, 9), shard=25),
        "shard=25 must be a multiple of sampler.stride=24; take 24",
    ),
    (
        BudgetError,
        lambda w: World.load("analytic").array(level=7).compute(),
        r"44,236,800 x 88,473,600 pixels of level 7 .* evaluations.* Select a part with \.sel",
    ),
    (
        BudgetError,
        lambda w: write_png(plan_window(huge(), 7, Window(0, 2**16, 0, 2**16)), "a.png"),
        "a PNG of 65536 x 65536 px is too large .*; write .tif or .zarr, or take level",
    ),
]


def huge() -> Recipe:
    return worldfile.load("analytic", Recipe)


@pytest.mark.parametrize(("kind", "call", "message"), BAD_CALLS)
def test_bad_input_from_python_says_the_same(
    kind: type[GeoInfiniteError], call: Callable[[Recipe], object], message: str, here: Recipe
) -> None:
    with pytest.raises(kind, match=message) as caught:
        call(here)
    said(caught.value)


def test_every_class_of_error_has_a_case() -> None:
    classes = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    # Warnings refuse nothing.
    classes -= {GeoInfiniteError, errors.CostWarning, errors.RunWarning}
    assert classes == {kind for kind, _, _ in BAD_CALLS}
    assert all(issubclass(kind, GeoInfiniteError) for kind in classes)
