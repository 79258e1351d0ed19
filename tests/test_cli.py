"""The command line as a stranger meets it: exit codes, what is printed where, what is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import small_worlds
import xarray as xr
from rasterio.warp import transform_bounds

from geoinfinite.cli import main
from geoinfinite.engine import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

RUN = [sys.executable, "-c", "import sys; from geoinfinite.cli import main; sys.exit(main())"]
pytestmark = [
    # A PNG has no place of its own, and rioxarray multiplies as affine 3 would rather not see it.
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
]
BBOX = ["--bbox", "-7", "41", "9", "52"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A small world once round the Earth, as ``ring.toml`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    world = small_worlds.ring_world(tmp_path)
    (tmp_path / "ring.toml").write_text(worldfile.dump(world))
    return world


def expected(world: Recipe, level: int, bbox: tuple[float, float, float, float]) -> np.ndarray:
    return generate(world, level, world.grid.window(level, bbox))


def read(path: str) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read()


@pytest.mark.parametrize("out", ["a.png", "a.tif", "a.zarr"])
def test_render_writes_the_pixels_of_generate(world: Recipe, out: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "ring.toml", "--level", "2", *BBOX, "--out", out]) == 0
    printed = capsys.readouterr().out.splitlines()
    pixels = xr.open_zarr(out, group="2").image.values if out == "a.zarr" else read(out)
    assert (pixels == expected(world, 2, (-7, 41, 9, 52))).all()
    assert printed[0].startswith("drawing world 'ring' level 2: 18 x 13 px and 1 coarser level, ")
    assert printed[0].endswith(" evaluations")
    assert printed[-1].startswith(f"wrote {out} (")


def test_the_lines_that_open_what_was_written_are_exact(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    import rioxarray

    main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--out", "a.tif"])
    lines = [line.split("open it with ")[1] for line in capsys.readouterr().out.splitlines()[-2:]]
    assert lines[0] == 'xr.open_zarr("a.zarr", group="2")'
    with eval(lines[0], {"xr": xr}) as store, eval(lines[1], {"rioxarray": rioxarray}) as picture:
        assert (store.image.values == picture.values).all()


def test_several_outputs_are_drawn_once(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    outs = ["--out", "a.png", "--out", "a.tif", "--out", "a.zarr"]
    assert main(["render", "ring.toml", "--level", "2", *BBOX, *outs]) == 0
    assert capsys.readouterr().err.count("tiles/s") == 1
    assert (read("a.png") == read("a.tif")).all()
    assert sorted(path.name for path in Path().iterdir()) == [
        "a.png", "a.tif", "a.zarr", "ring.tif", "ring.toml",
    ]  # fmt: skip


def test_quiet_prints_nothing(world: Recipe, capfd: pytest.CaptureFixture) -> None:
    assert main(["render", "ring.toml", "--level", "1", *BBOX, "--out", "a.png", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


def test_a_bbox_may_be_negative_cross_the_antimeridian_and_have_a_crs(world: Recipe) -> None:
    def shape(*arguments: str) -> tuple[int, ...]:
        assert main(["render", "ring.toml", "--level", "2", "--out", "a.tif", "--overwrite", *arguments]) == 0
        return read("a.tif").shape[1:]

    assert shape("--bbox", "-71.5", "-33", "-70", "-32") == (2, 3)
    assert shape("--bbox", "175", "-5", "-175", "5") == (12, 12)
    utm = (300_000, 5_000_000, 900_000, 5_500_000)
    degrees = transform_bounds("EPSG:32632", "EPSG:4326", *utm)
    assert shape("--bbox", *map(str, utm), "--crs", "EPSG:32632") == world.grid.window(2, degrees).shape


def test_the_seed_makes_another_world(world: Recipe) -> None:
    main(["render", "ring.toml", "--level", "1", *BBOX, "--out", "a.tif", "--seed", "3", "--quiet"])
    other = expected(world.replace(seed=3), 1, (-7, 41, 9, 52))
    assert (read("a.tif") == other).all()
    assert (other != expected(world, 1, (-7, 41, 9, 52))).any()


def test_a_render_run_again_resumes_and_a_picture_asks(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    store = ["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--quiet"]
    assert main(store) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("a.zarr").rglob("*")}
    assert main(store) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("a.zarr").rglob("*")} == before
    assert main([*store, "--overwrite"]) == 1
    assert "a .zarr is resumed, never replaced" in capsys.readouterr().err
    picture = ["render", "ring.toml", "--level", "1", *BBOX, "--out", "a.png", "--quiet"]
    assert [main(picture), main(picture), main([*picture, "--overwrite"])] == [0, 1, 0]
    assert capsys.readouterr().err == (
        "geoinfinite: --out=a.png exists; choose another path, or add --overwrite\n"
    )


def test_plan_counts_what_render_draws(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", "ring.toml", "--level", "2", *BBOX]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("world 'ring' ")
    planned = printed.splitlines()[4].split()[-1]
    main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr"])
    assert f" {planned} evaluations" in capsys.readouterr().out


def test_plan_measures(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", "ring.toml", "--level", "2", "--measure"]) == 0
    assert " ms per evaluation here: " in capsys.readouterr().out.splitlines()[-1]


def test_info_describes_worlds_and_stores(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main(["info", "ring.toml"]) == 0
    printed = capsys.readouterr().out
    for fact in (
        world.token,
        "analytic:gaussian, float32, on cpu",
        "EPSG:4326, factor 4, once round the Earth",
    ):
        assert fact in printed
    rows = [line.split() for line in printed.splitlines()[-4:]]
    assert rows[0] == ["0", "1,670", "km", "12", "24", "root"]
    assert rows[2] == ["2", "104", "km", "192", "384", "model"]
    main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--quiet"])
    assert main(["info", "a.zarr"]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 written; complete" in printed
    assert worldfile.dump(world).rstrip() in printed


def test_models_are_listed_and_inspected(capsys: pytest.CaptureFixture) -> None:
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["bundled:earth-small", "analytic:gaussian"]
    assert main(["models", "inspect", "analytic:gaussian"]) == 0
    assert "multiples of 4 px" in capsys.readouterr().out


def test_verify_fails_on_a_damaged_store_and_resume_repairs_it(
    world: Recipe, capsys: pytest.CaptureFixture
) -> None:
    main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--quiet"])
    assert main(["verify", "a.zarr"]) == 0
    shard = Path("a.zarr/2/image/c/0/0/0")
    sound = shard.read_bytes()
    shard.write_bytes(sound[:40] + bytes([sound[40] ^ 1]) + sound[41:])
    assert main(["verify", "a.zarr"]) == 1
    assert "level 2 shard (0, 0)" in capsys.readouterr().out
    assert main(["resume", "a.zarr"]) == 0
    assert "1 shards drawn and 1 kept" in capsys.readouterr().out
    assert shard.read_bytes() == sound
    assert main(["verify", "a.zarr"]) == 0


def test_render_on_a_cluster_and_in_threads_is_the_same(world: Recipe) -> None:
    from distributed import LocalCluster

    render = ["render", "ring.toml", "--level", "2", *BBOX, "--quiet", "--out"]
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        assert main([*render, "a.tif", "--scheduler", cluster.scheduler_address]) == 0
    assert main([*render, "b.tif", "--workers", "1"]) == 0
    assert (read("a.tif") == read("b.tif")).all()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["draw"],
        ["render", "analytic"],
        ["render", "analytic", "--level", "1", "--bbox", "1", "2", "3", "--out", "a.png"],
        ["render", "analytic", "--level", "one", *BBOX, "--out", "a.png"],
        ["render", "analytic", "--level", "1", *BBOX, "--out", "a.png", "--workers", "0"],
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: " in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    plain = subprocess.run([*RUN, "info", "erth"], capture_output=True, text=True)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr.startswith("geoinfinite: world 'erth' does not exist; ")
    assert len(plain.stderr.splitlines()) == 1
    debug = subprocess.run([*RUN, "info", "erth", "--debug"], capture_output=True, text=True)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr


def test_help_and_planning_load_no_network(world: Recipe) -> None:
    code = """if True:
        import sys
        from geoinfinite.cli import main
        from geoinfinite.cli.parser import build_parser

        build_parser().format_help()
        main(["plan", "earth", "--level", "3", "--bbox", "7", "45", "8", "46"])
        print({"torch", "diffusers"} & {*sys.modules})
    """
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.endswith("set()\n")


def test_ctrl_c_says_how_to_go_on_and_resume_ends_with_the_same_store(world: Recipe) -> None:
    world = world.replace(sampler=replace(world.sampler, steps=15))
    Path("slow.toml").write_text(worldfile.dump(world))
    planet = ["--level", "3", "--bbox", "-180", "-90", "180", "90"]
    process = subprocess.Popen(
        [*RUN, "render", "slow.toml", *planet, "--out", "a.zarr"], stderr=subprocess.PIPE
    )
    while not list(Path().glob("a.zarr/2/image/c/0/*/*")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1].decode().splitlines()[-1]
    assert process.returncode == 130
    assert said.startswith("geoinfinite: interrupted: ")
    command = said.partition("resume with: geoinfinite ")[2].split()
    assert command == ["resume", str(Path("a.zarr").absolute())]
    assert main(["verify", "a.zarr"]) == 1
    assert main(command) == 0
    assert main(["verify", "a.zarr"]) == 0
    whole = xr.open_zarr("a.zarr", group="3").image.values
    window = Window(300, 420, 700, 900)
    y, x = window.slices(world.grid.full(3))
    assert (whole[:, y, x] == generate(world, 3, window)).all()


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([*RUN, "info", "analytic"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (process.returncode, process.stderr) == (1, b"")
