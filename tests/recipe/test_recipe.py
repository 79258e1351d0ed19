import pickle
import subprocess
import sys
from dataclasses import replace as dataclass_replace
from pathlib import Path

import pytest
import small_worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoinfinite.errors import ModelError, WorldError
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.samplers.presets import IndependentTiles

samplers = st.builds(
    IndependentTiles,
    solver=st.sampled_from(["euler", "heun"]),
    steps=st.integers(1, 50),
    tile=st.sampled_from([32, 48, 64]),
    stride=st.sampled_from([8, 16, 24, 32]),
    weights=st.sampled_from(["hann", "linear", "gaussian", "uniform", "crop"]),
    consistency=st.sampled_from(["mean", "none"]),
)


def read_back(world: Recipe, folder: Path) -> Recipe:
    return Recipe(**worldfile.parse(worldfile.dump(world), where="test", folder=folder))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(sampler=samplers, seed=st.integers(0, 2**63 - 1), name=st.text(max_size=20), batch=st.integers(1, 99))
def test_worlds_survive_their_file(ring: Recipe, tmp_path: Path, sampler, seed, name, batch) -> None:
    world = ring.replace(sampler=sampler, seed=seed, name=name, numerics=Numerics(micro_batch=batch))
    assert read_back(world, tmp_path) == world
    assert read_back(world, tmp_path).token == world.token
    assert pickle.loads(pickle.dumps(world)) == world


def test_every_field_that_decides_pixels_changes_the_token(ring: Recipe) -> None:
    others = [
        ring.replace(seed=12),
        ring.replace(name="gnir"),
        ring.replace(grid=dataclass_replace(ring.grid, levels=3)),
        *(
            ring.replace(sampler=dataclass_replace(ring.sampler, **change))
            for change in (
                {"steps": 4},
                {"solver": "heun"},
                {"tile": 64},
                {"stride": 16},
                {"weights": "linear"},
                {"consistency": "none"},
            )
        ),
        ring.replace(numerics=Numerics(micro_batch=3)),
    ]
    assert len({w.token for w in [ring, *others]}) == len(others) + 1


def test_the_token_follows_the_roots_content_not_its_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = small_worlds.ring_world(tmp_path / "a"), small_worlds.ring_world(tmp_path / "b")
    assert one.root != two.root
    assert one.token == two.token
    path = Path(two.root.source)
    values = small_worlds.revealing(12, 24)
    values[2, 11, 23] ^= 1
    small_worlds.write_root(path, values, "EPSG:4326", (-180.0, 90.0), 15.0)
    assert one.token != two.token


def test_the_token_is_the_same_in_another_process(ring: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "ring.toml"
    path.write_text(worldfile.dump(ring))
    code = (
        "import sys; from geoinfinite.recipe import worldfile; from geoinfinite.recipe.recipe import Recipe; "
        "print(worldfile.load(sys.argv[1], Recipe).token)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ring.token


def test_a_world_needs_no_more_than_a_raster(tmp_path: Path) -> None:
    small_worlds.write_root(
        tmp_path / "mine.tif", small_worlds.revealing(9, 7), "EPSG:32631", (5e5, 6e6), 30.0
    )
    (tmp_path / "mine.toml").write_text(
        '[grid]\nlevels = 2\n[root]\nsource = "mine.tif"\n[model]\nref = "analytic:gaussian"\n'
    )
    world = worldfile.load(tmp_path / "mine.toml", Recipe)
    assert (world.grid.crs, world.grid.origin, world.grid.shape) == ("EPSG:32631", (5e5, 6e6), (9, 7))
    assert world.grid.periodic is False


BASE = '[root]\nsource = "ring.tif"\n[model]\nref = "analytic:gaussian"\n[grid]\nlevels = 2\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "[sampler]\ntlie = 32\n", r"w.toml: sampler.tlie is not a key; did you mean sampler.tile\?"),
        (BASE + "[smapler]\n", r"smapler is not a key; did you mean sampler\?"),
        (BASE + "[world]\nseed = 1.5\n", "world.seed=1.5 is a float; it must be int"),
        (BASE + '[world]\nseed = "7"\n', "world.seed='7' is a str; it must be int"),
        (BASE + "[world]\nseed = -1\n", "seed=-1 must be an integer from 0 to"),
        (
            BASE + '[world]\ndtype = "uint16"\n',
            "holds uint8, the world dtype='uint16'; set world.dtype = \"uint8\"",
        ),
        (BASE + '[sampler]\npreset = "multi"\n', "sampler.preset='multi' is not one of independent"),
        (BASE + '[sampler]\nsolver = "rk4"\n', "sampler.solver='rk4' is not one of"),
        (BASE + '[sampler]\nconsistency = "some"\n', "sampler.consistency='some' is not"),
        (
            BASE + "[sampler]\ntile = 32\nstride = 33\n",
            "sampler.stride=33 must be between 1 and sampler.tile=32",
        ),
        (
            BASE + "[sampler]\ntile = 34\nstride = 24\n",
            "sampler.tile=34 must be a multiple of 4 for model.ref",
        ),
        (BASE + "[sampler]\ntile = 32\nstride = 20\n", "stride=20 must divide the 96 columns of level 1"),
        (BASE + "factor = 2\n", "grid.factor=2 is not the factor 4 of model.ref"),
        (BASE + "resolution = 30.0\n", "360 degrees|not on the .grid. of the world"),
        (BASE + "origin = [0.0, 90.0]\n", "lies on EPSG:4326 origin=.* not on the .grid. of the world"),
        (BASE + "[numerics]\nmicro_batch = 0\n", "numerics.micro_batch=0 must be at least 1"),
        (BASE + '[numerics]\ndevice = "tpu"\n', "numerics.device='tpu'"),
        ('[root]\nsource = "absent.tif"\n', "root.source='.*absent.tif' does not exist"),
        ('[root]\nsource = "bare.tif"\n', "has no CRS"),
        ('[root]\nsource = "w.toml"\n', "is not a raster that can be read"),
        ("[grid]\nlevels = 3\n", r"root.source is missing; add it under \[root\]"),
        (
            '[root]\nsource = "ring.tif"\n[model]\nref = "no-such-folder"\n',
            "is no folder, and nothing is",
        ),
        (
            '[root]\nsource = "ring.tif"\n[model]\nref = "analytic:other"\n',
            "model.ref='analytic:other' does not exist",
        ),
        ("seed = 7\n" + BASE, "seed is not a key|outside a section"),
        ("[root\n", "w.toml is not TOML"),
    ],
)
def test_world_files_that_cannot_be_say_so_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    small_worlds.ring_world(tmp_path)
    small_worlds.write_root(tmp_path / "bare.tif", small_worlds.revealing(4, 5), None, (10, 20), 2.0)
    (tmp_path / "w.toml").write_text(text)
    with pytest.raises((WorldError, ModelError), match=message) as caught:
        worldfile.load(tmp_path / "w.toml", Recipe)
    assert "\n" not in str(caught.value)


def test_worlds_that_do_not_exist_name_those_that_do() -> None:
    with pytest.raises(
        WorldError, match=r"'erth' does not exist; name a .toml file or a bundled world: analytic, earth"
    ):
        worldfile.load("erth", Recipe)


def test_replace_refuses_fields_that_a_world_does_not_have(ring: Recipe) -> None:
    with pytest.raises(WorldError, match=r"replace\(sead=...\) is not a field"):
        ring.replace(sead=3)


def test_nodata_in_the_root_is_an_error_with_its_place(tmp_path: Path) -> None:
    world = small_worlds.ring_world(tmp_path)
    import rasterio

    with rasterio.open(world.root.source, "r+") as raster:
        raster.nodata = 0
    with pytest.raises(
        WorldError, match=r"has 12 masked pixels .* within rows 0..12, columns 0..24; .*, or fill them"
    ):
        world.root.read(world.grid.full(0))
