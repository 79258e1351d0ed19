"""ControlNets of stock classes: put beside the pipeline of their base, told rasters of as many bands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import grounds
import latents
import numpy as np
import pytest
import told_checkpoints
from drawings import UNCACHED

from geoinfinite import World
from geoinfinite import conditions as gi_conditions
from geoinfinite.conditions import Condition, Place
from geoinfinite.engine import generate
from geoinfinite.errors import WorldError
from geoinfinite.models import from_pretrained
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings
from geoinfinite.plane.window import Window

NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
CLASSES = 67
"""Of EarthSynth: masks hold their numbers, in three equal bands."""


@dataclass(frozen=True)
class Stock:
    """A ControlNet of the shape of a published one, and the pipeline that it is used with."""

    bands: int
    unet: dict[str, Any]
    scheduler: Any
    hint: Callable[[Path, str], Condition]


def rendered(path: Path, crs: str) -> Condition:
    """Shares of 0 to 1 in three bands, as an encoder of tags makes them."""
    values = np.random.default_rng(5).uniform(0.5, 0.73, (3, 420, 420)).astype(np.float32)
    return gi_conditions.Raster("hint", grounds.write(path, values, crs, grounds.about(crs, 33.1)))


def mask(path: Path, crs: str) -> Condition:
    """Numbers of classes in one band, read three times."""
    numbers = np.kron(np.random.default_rng(6).integers(0, CLASSES, (1, 60, 60)), np.ones((1, 7, 7)))
    source = grounds.write(path, numbers.astype(np.uint8), crs, grounds.about(crs, 33.1))
    return gi_conditions.Raster("hint", source, bands=(1, 1, 1), resampling="nearest")


def embeddings(path: Path, crs: str) -> Condition:
    """Vectors of twelve channels, one a pixel, of both signs."""
    values = np.random.default_rng(7).normal(size=(12, 420, 420)).astype(np.float32)
    return gi_conditions.Raster("hint", grounds.write(path, values, crs, grounds.about(crs, 33.1)))


STABLE_DIFFUSION_2 = {"use_linear_projection": True, "attention_head_dim": [2, 4]}
STOCK = {
    "VectorSynth": Stock(
        3, STABLE_DIFFUSION_2, diffusers.DDIMScheduler(**NOISE, clip_sample=False), rendered
    ),
    "EarthSynth": Stock(3, {}, diffusers.PNDMScheduler(**NOISE, skip_prk_steps=True), mask),
    "many bands": Stock(12, {}, diffusers.UniPCMultistepScheduler(**NOISE), embeddings),
}


@pytest.fixture(params=STOCK)
def stock(request: pytest.FixtureRequest) -> Stock:
    return STOCK[request.param]


def assembled(stock: Stock, place: Path) -> Path:
    """What becomes of a ControlNet that was published on its own, and the pipeline that it is used with."""
    base = told_checkpoints.write(
        place / "base", told_checkpoints.unet(**stock.unet), scheduler=stock.scheduler
    )
    control = told_checkpoints.control(conditioning_channels=stock.bands, **stock.unet)
    # Hints of random networks are hardly felt.
    control.controlnet_cond_embedding.conv_out.weight.data *= 8
    control.save_pretrained(place / "published")
    system, conversion = conversion_of(place / "published", ConvertSettings(base))
    return conversion.written(system, place / "made")


def world_of(model: Path, hint: Condition, crs: str = "EPSG:32632") -> World:
    grid = replace(grounds.GRIDS[crs], levels=1)
    x, y = grid.origin
    made = World.for_model(
        from_pretrained(model),
        crs=crs,
        bounds=(x, y - 64 * grid.resolution, x + 64 * grid.resolution, y),
        resolution=grid.resolution,
        conditions=[gi_conditions.Text("prompt", "a city"), hint],
    )
    return made.replace(grid=grid, sampler=replace(made.sampler, steps=2, guidance=None))


def test_a_raster_of_its_bands_steers_a_world(stock: Stock, tmp_path: Path) -> None:
    model = assembled(stock, tmp_path)
    (slot,) = [slot for slot in from_pretrained(model).facts().slots if slot.name == "hint"]
    assert (slot.channels, slot.span, slot.required) == (stock.bands, (0, 1), True)
    told = world_of(model, stock.hint(tmp_path / "one.tif", "EPSG:3857"))
    one, other = Window(111, 122, 103, 112), Window(118, 131, 107, 117)
    both = one.intersect(other)
    first, second = (generate(told, 0, window, resources=UNCACHED) for window in (one, other))
    np.testing.assert_array_equal(first[:, *both.slices(one)], second[:, *both.slices(other)])
    silent = told.replace(conditions=(told.conditions[0], replace(told.conditions[1], strength=0.0)))
    assert np.abs(first.astype(float) - generate(silent, 0, one, resources=UNCACHED)).mean() > 1


def test_numbers_of_classes_are_told_as_grey_pictures_are(tmp_path: Path) -> None:
    grid = replace(grounds.GRIDS["EPSG:32632"], levels=1)
    condition = mask(tmp_path / "mask.tif", "EPSG:3857")
    told = condition.told(Place(grid, 0, Window(60, 92, 61, 93)), grounds.HINT)
    assert told.shape == (3, 32, 32)
    numbers = told * 255
    np.testing.assert_allclose(numbers, np.round(numbers), atol=1e-4)
    assert len(np.unique(np.round(numbers))) > 5
    assert numbers.max() < CLASSES
    np.testing.assert_array_equal(told[0], told[2])


def test_a_raster_of_other_bands_is_refused(tmp_path: Path) -> None:
    stock = STOCK["many bands"]
    model = assembled(stock, tmp_path)
    hint = rendered(tmp_path / "three.tif", "EPSG:3857")
    with pytest.raises(WorldError, match=r"gives 3 bands, and the slot 'hint' is told 12; choose them"):
        world_of(model, hint)


def test_the_scheduler_file_of_a_hub_is_read(tmp_path: Path) -> None:
    scheduler = diffusers.DPMSolverMultistepScheduler(**NOISE)
    folder = told_checkpoints.write(tmp_path / "base", latents.randomise(told_checkpoints.unet(), 4))
    # As saved by diffusers 0.27: of its own class, with keys of two others.
    scheduler.register_to_config(skip_prk_steps=True, set_alpha_to_one=False, lambda_min_clipped=-np.inf)
    scheduler.save_pretrained(folder / "scheduler")
    sampling = from_pretrained(folder).sampling()
    assert sampling is not None
    assert (sampling.solver, sampling.prediction) == ("dpmpp_2m", "epsilon")
