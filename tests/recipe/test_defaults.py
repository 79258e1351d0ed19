"""What a world says of its samplers is what levels are drawn by; the rest is the model's or the library's."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import diffusers
import latents
import pytest
import small_worlds
from small_worlds import GENERATED

from geoinfinite import World
from geoinfinite.cli import main
from geoinfinite.errors import WorldError
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.defaults import GENERATED_ROOT_SAMPLER, completed
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import (
    PRESETS,
    ChartedMultiDiffusion,
    IndependentTiles,
    MetaEarthTiles,
    MultiDiffusion,
    SpotDiffusion,
)
from geoinfinite.samplers.tiled import TiledSampler


class Trained(ModelReference):
    """A model whose authors sampled it in their own way."""

    def default_sampler(self) -> TiledSampler | None:
        return IndependentTiles(solver="ddim", schedule="karras", steps=20, tile=32, stride=16)


def test_a_generated_world_that_says_nothing_is_sampled_as_ever() -> None:
    world = World.loads(GENERATED)
    assert world.sampler is None
    assert [world.sampler_at(level) for level in range(3)] == [
        GENERATED_ROOT_SAMPLER,
        IndependentTiles(),
        IndependentTiles(),
    ]


def test_settings_of_the_world_reach_a_generated_level_0() -> None:
    world = World.loads(GENERATED + '[sampler]\nsolver = "dpmpp_3m"\nsteps = 20\ntile = 64\n')
    zero, one = world.sampler_at(0), world.sampler_at(1)
    assert (zero.preset, zero.solver, zero.steps, zero.tile) == ("earlysync", "dpmpp_3m", 20, 64)
    assert (zero.schedule, zero.shift, zero.stride) == ("karras", 1.0, 48)
    assert (one.preset, one.solver, one.steps, one.tile) == ("independent", "dpmpp_3m", 20, 64)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_of_the_world_is_that_of_a_generated_level_0(preset: str) -> None:
    world = World.loads(GENERATED + f'[sampler]\npreset = "{preset}"\n')
    assert {world.sampler_at(level).preset for level in range(3)} == {preset}
    assert world.sampler_at(0).schedule == "karras"


def test_level_0_has_no_parent_that_the_world_could_hold_it_to() -> None:
    for consistency in ("mean", "project", "guide"):
        world = World.loads(GENERATED + f'[sampler]\nconsistency = "{consistency}"\n')
        assert [world.sampler_at(level).consistency for level in (0, 1)] == ["none", consistency]
    with pytest.raises(WorldError, match=r"level\.0\.sampler\.consistency='guide' needs a parent"):
        World.loads(GENERATED + '[level.0.sampler]\nconsistency = "guide"\n')


def test_a_level_completes_what_the_world_says() -> None:
    world = World.loads(
        GENERATED + "[sampler]\nsteps = 7\n[level.0.sampler]\ntile = 96\n[level.2.sampler]\ntile = 64\n"
    )
    assert [(s.steps, s.tile) for s in map(world.sampler_at, range(3))] == [(7, 96), (7, 128), (7, 64)]
    other = World.loads(GENERATED + '[sampler]\nsteps = 7\n[level.2.sampler]\npreset = "multidiffusion"\n')
    assert other.sampler_at(2) == MultiDiffusion()


def test_a_model_is_sampled_as_its_authors_did_unless_a_world_says_otherwise(patch: Recipe) -> None:
    world = patch.replace(model=Trained("analytic:gaussian"), sampler=None)
    assert world.sampler_at(1).solver == "ddim"
    assert world.replace(sampler=IndependentTiles()).sampler_at(1).solver == "ab2"
    own = world.replace(model=ModelReference("analytic:gaussian")).replace_level(
        2, model=Trained("analytic:gaussian")
    )
    assert [own.sampler_at(level).solver for level in (1, 2, 3)] == ["ab2", "ddim", "ab2"]


BASE = Trained("analytic:gaussian").default_sampler()


@pytest.mark.parametrize(
    ("said", "kind", "expected"),
    [
        ({}, IndependentTiles, {"solver": "ddim", "steps": 20, "tile": 32, "stride": 16, "weights": "hann"}),
        ({"steps": 5}, MultiDiffusion, {"solver": "ddim", "steps": 5, "tile": 32, "stride": 24}),
        ({"tile": 256}, MultiDiffusion, {"schedule": "karras", "tile": 256, "stride": 96}),
        ({"tile": 16}, MultiDiffusion, {"tile": 16, "stride": 8}),
        ({}, SpotDiffusion, {"tile": 32, "stride": 32, "weights": "uniform"}),
        ({}, ChartedMultiDiffusion, {"tile": 32, "stride": 24, "chart": 120, "halo": 16}),
        ({}, MetaEarthTiles, {"solver": "ddim", "steps": 50, "tile": 32, "stride": 16, "weights": "crop"}),
    ],
)
def test_unsaid_settings_are_the_networks_or_the_presets(
    said: dict[str, int], kind: type[TiledSampler], expected: dict[str, object]
) -> None:
    assert BASE is not None
    built = dataclasses.asdict(kind(**completed(said, BASE, kind)))
    assert {name: built[name] for name in expected} == expected


def test_another_solver_does_not_inherit_the_noise_of_the_defaults() -> None:
    base = IndependentTiles(solver="ddim", eta=0.5)
    assert IndependentTiles(**completed({"solver": "euler"}, base, IndependentTiles)).solver == "euler"
    assert IndependentTiles(**completed({"steps": 9}, base, IndependentTiles)).eta == 0.5


def test_saying_a_default_aloud_keeps_the_token(patch: Recipe) -> None:
    silent = patch.replace(sampler=None)
    aloud = patch.replace(sampler=IndependentTiles())
    assert silent.token == aloud.token
    assert silent.replace_level(2, sampler=IndependentTiles()).token == aloud.token
    assert silent.replace_level(2, sampler=IndependentTiles(steps=3)).token != aloud.token
    assert silent.replace_level(3, model=ModelReference("analytic:gaussian")).token == aloud.token
    generated = World.loads(GENERATED)
    assert generated.replace_level(0, sampler=GENERATED_ROOT_SAMPLER).token == generated.token


@pytest.mark.parametrize(
    "section",
    [
        "",
        "[sampler]\nsteps = 5\n",
        '[sampler]\npreset = "multidiffusion"\n',
        "[level.0.sampler]\nsteps = 9\n",
    ],
)
def test_worlds_whose_levels_differ_survive_their_file(section: str) -> None:
    world = World.loads(GENERATED + section)
    again = World.loads(worldfile.dump(world))
    assert again == world
    assert [again.sampler_at(level) for level in range(3)] == [world.sampler_at(level) for level in range(3)]


def test_paths_may_be_written_from_a_folder(tmp_path: Path) -> None:
    world = small_worlds.patch_world(tmp_path)
    (tmp_path / "store").mkdir()
    text = worldfile.dump(world, relative_to=tmp_path / "store")
    assert 'source = "../patch.tif"' in text
    assert worldfile.loads(text, Recipe, folder=tmp_path / "store") == world
    assert str(tmp_path) not in worldfile.dump(World.load("earth"), relative_to=tmp_path)


def test_fields_are_taken_by_name(patch: Recipe, tmp_path: Path) -> None:
    small_worlds.patch_world(tmp_path / "..")
    named = patch.replace(
        model="analytic:latent", sampler="metaearth", root=str(tmp_path / ".." / "patch.tif")
    )
    assert (named.model, named.sampler) == (ModelReference("analytic:latent"), MetaEarthTiles())
    assert named.root == Root(str(tmp_path / ".." / "patch.tif"))
    assert patch.replace_level(2, model="analytic:latent").model_at(2).ref == "analytic:latent"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampler": "multi"}, r"replace\(sampler='multi'\) is not one of independent, "),
        ({"model": 3}, r"replace\(model=3\) must be a ModelReference, or its name"),
        ({"grid": "EPSG:4326"}, r"replace\(grid='EPSG:4326'\) must be a Grid"),
        ({"seed": "7"}, "seed='7' must be an integer from 0 to"),
        ({"seed": True}, "seed=True must be an integer from 0 to"),
        ({"name": "\ud800"}, r"name='.ud800' must be a text"),
        ({"name": 7}, "name=7 must be a text"),
    ],
)
def test_fields_of_another_kind_are_refused(patch: Recipe, change: dict[str, object], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        patch.replace(**change)


def test_info_prints_how_every_level_is_sampled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "planet.toml"
    path.write_text(GENERATED + "[sampler]\nsteps = 20\ntile = 64\n[level.2.sampler]\nsteps = 3\n")
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    for level, how in ((0, "earlysync, dpmpp_2m 20"), (1, "independent, ab2 20"), (2, "independent, ab2 3")):
        assert re.search(rf"sampler of level {level} +{how} steps, tiles of 64 px", said)


def test_a_checkpoint_is_sampled_as_its_files_say(tmp_path: Path) -> None:
    small_worlds.patch_world(tmp_path)
    latents.write(tmp_path / "net", latents.unet(6, 3), diffusers.DDIMScheduler(**latents.BETAS))
    text = '[root]\nsource = "patch.tif"\n[grid]\nlevels = 2\n[model]\nref = "net"\n'
    world = World.loads(text, folder=tmp_path)
    default = world.model.default_sampler()
    assert default is not None
    assert world.sampler_at(1) == default
    assert (default.solver, default.schedule, default.stride) == (
        "checkpoint",
        "checkpoint",
        default.tile // 2,
    )
    part = World.loads(text + "[sampler]\nsteps = 6\n", folder=tmp_path)
    assert part.sampler_at(1) == dataclasses.replace(default, steps=6)
    other = World.loads(text + '[sampler]\npreset = "multidiffusion"\n', folder=tmp_path).sampler_at(1)
    assert (other.solver, other.tile, other.stride) == ("checkpoint", default.tile, default.tile * 3 // 4)
    assert World.loads(worldfile.dump(part)) == part


AROUND = '[root]\nsource = "bundled:blue-marble"\n[grid]\nlevels = 3\n[model]\nref = "analytic:gaussian"\n'


@pytest.mark.parametrize(("tile", "stride"), [(32, 24), (48, 40), (60, 48), (64, 48), (96, 80), (128, 120)])
@pytest.mark.parametrize("section", ["sampler", "level.2.sampler"])
def test_a_stride_that_nobody_wrote_goes_round_the_earth(section: str, tile: int, stride: int) -> None:
    world = World.loads(f"{AROUND}[{section}]\ntile = {tile}\n")
    sampler = world.sampler_at(2)
    assert (sampler.tile, sampler.stride) == (tile, stride)
    assert world.grid.shape_at(2)[1] % stride == 0
    assert world.array(level=2, window=Window(0, 8, -5, 9)).values.shape == (3, 8, 14)


def test_a_stride_that_was_written_is_taken_at_its_word() -> None:
    with pytest.raises(
        WorldError, match=r"sampler.stride=56 must divide the 21600 columns of level 1"
    ) as said:
        World.loads(f"{AROUND}[sampler]\ntile = 64\nstride = 56\n")
    for stride in map(int, re.findall(r"\d+", str(said.value).split("take one of ")[1])):
        assert (
            World.loads(f"{AROUND}[sampler]\ntile = 64\nstride = {stride}\n").sampler_at(1).stride == stride
        )


def test_a_grid_that_no_stride_nearby_divides_is_refused_as_before() -> None:
    text = GENERATED.replace("[20, 28]", "[20, 1019]").replace("EPSG:32633", "EPSG:4326")
    text = text.replace("[412300.0, 5207700.0]", "[-180.0, 3.0]\nperiodic = true")
    text = text.replace("300.0", repr(360 / 1019)) + "[sampler]\ntile = 64\n"
    with pytest.raises(WorldError, match=r"stride=\d+ must divide the 1019 columns of level 0"):
        World.loads(text)
