"""Commands that draw: what they print, what they write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from command_line import BBOX, read
from rasterio.warp import transform_bounds

from geoinfinite.cli import main
from geoinfinite.engine.generate import generate
from geoinfinite.recipe.recipe import Recipe

pytestmark = [
    # A PNG has no place of its own, and rioxarray multiplies as affine 3 would rather not see it.
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
]


def expected(recipe: Recipe, level: int, bbox: tuple[float, float, float, float]) -> np.ndarray:
    return generate(recipe, level, recipe.grid.window(level, bbox))


@pytest.mark.parametrize("out", ["a.png", "a.tif", "a.zarr"])
def test_render_writes_the_pixels_of_generate(world: Recipe, out: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "ring.toml", "--level", "2", *BBOX, "--out", out]) == 0
    printed = capsys.readouterr().out.splitlines()
    pixels = xr.open_zarr(out, group="2").image.values if out == "a.zarr" else read(out)
    assert (pixels == expected(world, 2, (-7, 41, 9, 52))).all()
    assert printed[0] == (
        "drawing world 'ring' level 2: 18 x 13 px and 1 coarser level, 558 pixels, 8 tiles, 24 evaluations"
    )
    assert printed[-1].startswith(f"wrote {out} (")


def test_the_lines_that_open_what_was_written_are_exact(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    import rioxarray

    main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr", "--out", "a.tif"])
    lines = [line.split("open it with ")[1] for line in capsys.readouterr().out.splitlines()[-2:]]
    assert lines[0] == 'xr.open_zarr("a.zarr", group="2")'
    with eval(lines[0], {"xr": xr}) as store, eval(lines[1], {"rioxarray": rioxarray}) as picture:
        assert (store.image.values == picture.values).all()


@pytest.mark.parametrize("outs", [["a.png", "a.tif", "a.zarr"], ["a.tif", "a.png"]])
def test_several_outputs_are_drawn_once(
    world: Recipe, outs: list[str], capsys: pytest.CaptureFixture
) -> None:
    arguments = [word for out in outs for word in ("--out", out)]
    assert main(["render", "ring.toml", "--level", "2", *BBOX, *arguments]) == 0
    assert capsys.readouterr().err == "8/8 tiles, 558/558 pixels, 8 tiles drawn in 0:00:00\n"
    assert (read("a.png") == read("a.tif")).all()
    assert sorted(path.name for path in Path().iterdir()) == sorted([*outs, "ring.tif", "ring.toml"])


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


def test_a_finished_store_is_checked_and_not_drawn(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    store = ["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr"]
    assert main(store) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("a.zarr").rglob("*")}
    capsys.readouterr()
    assert main(store) == 0
    out, err = capsys.readouterr()
    assert out.startswith("a.zarr has all of its 2 shards: checking them\n")
    assert err == "8/8 tiles, 558/558 pixels, nothing drawn, in 0:00:00\n"
    assert {path: path.stat().st_mtime_ns for path in Path("a.zarr").rglob("*")} == before


def test_a_store_that_lacks_a_shard_is_finished(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    store = ["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.zarr"]
    assert main(store) == 0
    shard = Path("a.zarr/2/image/c/0/0/0")
    sound = shard.read_bytes()
    shard.unlink()
    capsys.readouterr()
    assert main(store) == 0
    assert capsys.readouterr().out.startswith("a.zarr has 1 of 2 shards: checking them, drawing the others\n")
    assert shard.read_bytes() == sound


def test_render_on_a_cluster_and_in_threads_is_the_same(world: Recipe) -> None:
    from distributed import LocalCluster

    render = ["render", "ring.toml", "--level", "2", *BBOX, "--quiet", "--out"]
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        assert main([*render, "a.tif", "--scheduler", cluster.scheduler_address]) == 0
    assert main([*render, "b.tif", "--workers", "1"]) == 0
    assert (read("a.tif") == read("b.tif")).all()


def test_help_and_planning_load_no_network(world: Recipe) -> None:
    code = """if True:
        import sys
        from geoinfinite.cli import main

        try:
            main(["--help"])
        except SystemExit:
            print({"xarray", "numpy", "dask", "rich"} & {*sys.modules})
        main(["plan", "earth", "--level", "3", "--bbox", "7", "45", "8", "46"])
        print({"torch", "diffusers"} & {*sys.modules})
    """
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.count("set()\n") == 2
    assert out.stdout.endswith("set()\n")


@pytest.mark.parametrize("target", ["real.bin", "ending-less"])
def test_a_link_to_a_file_of_another_ending_is_written_as_its_own_says(
    world: Recipe, target: str, capsys: pytest.CaptureFixture
) -> None:
    Path("a.tif").symlink_to(target)
    assert main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.tif"]) == 0
    assert Path("a.tif").is_symlink()
    assert (read(target) == expected(world, 2, (-7, 41, 9, 52))).all()
    assert main(["render", "ring.toml", "--level", "2", *BBOX, "--out", "a.tif", "--overwrite"]) == 0
