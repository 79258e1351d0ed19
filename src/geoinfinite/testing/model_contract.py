"""The contract of models, as a class of tests."""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from geoinfinite.diffusion.model import Array, Bound, Cond, ModelFacts, TileModel
from geoinfinite.diffusion.noise import NoiseField, noise_key
from geoinfinite.engine import Resources, generate
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.recipe.settings import LevelSettings, Numerics
from geoinfinite.samplers import IndependentTiles
from geoinfinite.tiling import NoTileCache

CRS, ORIGIN, RESOLUTION_M = "EPSG:32633", (412_300.0, 5_207_700.0), 120.0


class ModelContract:
    """Tests of a model: subclass it in a test file, and say which model with `reference`.

    >>> class TestMine(ModelContract):
    ...     def reference(self):
    ...         return ModelReference("analytic:gaussian")

    A model keeps the contract if its answer for a tile depends on nothing but the tile: on its state, its
    sigma, its parent, and the ground sample distance; not on its neighbours in a batch, and not on earlier
    calls. A model with slots keeps `SteeredModelContract`, which asks for more.
    """

    gsd_m = 30.0
    """Ground sample distance of the level that is drawn, in metres."""
    sigmas = 8.0, 1.0, 0.1
    """Noise levels at which the denoiser is asked."""
    batch = 3
    """Tiles in a batch."""

    def reference(self) -> ModelReference:
        """Return the model under test."""
        raise NotImplementedError("return the ModelReference of the model under test")

    def recipe(self, folder: Path) -> Recipe:
        """Return a small world that the model draws: level 1 of a raster; level 0 if it needs no parent."""
        reference, facts = self.reference(), self.reference().facts()
        factor, bands = facts.factor or 4, facts.bands or 3
        unit, tile = tile_unit(facts), smallest_tile(facts)
        stride = tile // 2 if tile // 2 % unit == 0 else tile
        sampler = IndependentTiles(steps=facts.steps or 2, tile=tile, stride=stride)
        side = -(-2 * tile // factor)
        grid = Grid(CRS, ORIGIN, self.gsd_m * factor, (side, side + 3), factor=factor, levels=2)
        if not facts.conditioned:
            fine = replace(grid, resolution=self.gsd_m, shape=(2 * tile, 2 * tile + unit), levels=1)
            alone = LevelSettings(0, replace(sampler, consistency="none"))
            return Recipe(
                fine, Root("generated"), reference, numerics=Numerics(micro_batch=2), levels=(alone,)
            )
        root = folder / "root.tif"
        _write_raster(root, bands, grid)
        return Recipe(grid, Root(str(root)), reference, sampler, numerics=Numerics(micro_batch=2))

    def model(self) -> TileModel:
        """Return the loaded model."""
        return self.reference().load("cpu")

    def bind(self, model: TileModel, tiles: slice) -> tuple[Bound, Array]:
        """Return the model told about some tiles of a batch, and noise of their states' shape."""
        cond = self.cond(Cond(self.parents(tiles), self.gsd_m), tiles)
        return model.bind(cond), self.noise()[tiles].copy()

    def cond(self, cond: Cond, tiles: slice) -> Cond:
        """Return the condition of some tiles of a batch, given what tells them of their parents."""
        return cond

    def parents(self, tiles: slice) -> Array | None:
        """Return what lies under some tiles of a batch; ``None`` for a model that needs no parent."""
        facts = self.reference().facts()
        if not facts.conditioned:
            return None
        side = smallest_tile(facts) // (facts.factor or 4) + 2 * facts.margin
        return np.tanh(_normals(self.batch, facts.bands or 3, side))[tiles].copy()

    def noise(self) -> Array:
        """Return noise of the shape of a batch's states."""
        facts = self.reference().facts()
        return _normals(self.batch, facts.channels or facts.bands or 3, smallest_tile(facts) // facts.latent)

    def test_facts_are_plain_and_the_digest_is_stable(self) -> None:
        """Facts are known without loading, and equal references have equal digests."""
        facts = self.reference().facts()
        assert facts == self.reference().facts()
        assert self.reference().digest() == self.reference().digest()
        assert min(facts.multiple, facts.latent) >= 1
        assert min(facts.margin, facts.halo) >= 0

    def test_a_state_survives_the_way_to_the_device_and_back(self) -> None:
        """``field`` undoes ``state``."""
        bound, noise = self.bind(self.model(), slice(None))
        np.testing.assert_array_equal(bound.field(bound.state(noise)), noise)

    def test_the_denoiser_leaves_its_argument_as_it_is(self) -> None:
        """A solver uses the state again after the denoiser has seen it."""
        bound, noise = self.bind(self.model(), slice(None))
        x = bound.state(noise.copy())
        bound.denoise(x, self.sigmas[0])
        np.testing.assert_array_equal(bound.field(x), noise)

    def test_a_tile_does_not_depend_on_its_neighbours_in_the_batch(self) -> None:
        """Another order of the same batch gives the same tiles, bit for bit."""
        model = self.model()
        (one, noise), (other, turned) = (self.bind(model, slice(None, None, step)) for step in (1, -1))
        for sigma in self.sigmas:
            there = one.field(one.denoise(one.state(noise * np.float32(sigma)), sigma))
            back = other.field(other.denoise(other.state(turned * np.float32(sigma)), sigma))
            assert np.isfinite(there).all()
            np.testing.assert_array_equal(there, back[::-1])

    def test_a_tile_does_not_depend_on_earlier_calls(self) -> None:
        """The same question has the same answer, bit for bit."""
        bound, noise = self.bind(self.model(), slice(None))
        first = bound.field(bound.denoise(bound.state(noise), self.sigmas[-1]))
        bound.denoise(bound.state(noise[:, :, ::-1].copy()), self.sigmas[0])
        again = bound.field(bound.denoise(bound.state(noise), self.sigmas[-1]))
        np.testing.assert_array_equal(first, again)

    def test_little_noise_changes_little(self) -> None:
        """The estimate of nearly clean data is nearly that data: the denoiser is told sigma in data units."""
        bound, noise = self.bind(self.model(), slice(None))
        clean = bound.field(bound.denoise(bound.state(noise), 1.0))
        almost = clean + np.float32(1e-3) * noise
        estimate = bound.field(bound.denoise(bound.state(almost), 1e-3))
        assert np.abs(estimate - clean).mean() < 0.1 * np.abs(clean).mean() + 0.05

    def test_an_image_has_the_tile_s_size(self) -> None:
        """``image`` is ``(tile, band, y, x)``, as many pixels a side as the state times ``latent``."""
        facts = self.reference().facts()
        bound, noise = self.bind(self.model(), slice(None))
        image = bound.image(bound.denoise(bound.state(noise), 1.0))
        sides = [n * facts.latent for n in noise.shape[2:]]
        assert image.shape == (self.batch, facts.bands or 3, *sides)
        assert image.dtype == np.float32

    def test_any_window_is_the_crop_of_any_larger_one(self, tmp_path: Path) -> None:
        """The window law, bit for bit."""
        recipe, fresh = self.recipe(tmp_path), Resources(NoTileCache())
        level = recipe.grid.levels - 1
        whole = recipe.grid.full(level)
        reference = generate(recipe, level, whole, resources=fresh)
        tile = recipe.sampler_at(level).tile
        for part in (
            Window(5, 6, 3, 4),
            Window(tile // 2 - 3, tile + 7, 1, tile + 2),
            Window(whole.y1 - 9, whole.y1, whole.x1 - 21, whole.x1),
        ):
            pixels = generate(recipe, level, part, resources=fresh)
            np.testing.assert_array_equal(pixels, reference[:, *part.slices(whole)])


def tile_unit(facts: ModelFacts) -> int:
    """Return what the sides of tiles are multiples of."""
    pixels = (slot.pixels for slot in facts.slots)
    return lcm(facts.factor or 4, facts.latent, facts.multiple, *pixels)


def smallest_tile(facts: ModelFacts) -> int:
    """Return the side of the smallest tile of 32 pixels or more that suits a model."""
    unit = tile_unit(facts)
    return unit * -(-32 // unit)


def _normals(tiles: int, channels: int, side: int) -> Array:
    field = NoiseField(noise_key("contract", 7), level=1, channels=channels)
    return np.stack([field(Window(0, side, n * side, (n + 1) * side)) for n in range(tiles)])


def _write_raster(path: Path, bands: int, grid: Grid) -> None:
    band, y, x = np.mgrid[:bands, : grid.shape[0], : grid.shape[1]]
    values = (40 + 5 * y + 3 * x + 19 * band + (y * x) % 7 * 9) % 200 + 20
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands,
        height=grid.shape[0],
        width=grid.shape[1],
        dtype="uint8",
        crs=grid.crs,
        transform=Affine(grid.resolution, 0, grid.origin[0], 0, -grid.resolution, grid.origin[1]),
    ) as raster:
        raster.write(values.astype(np.uint8))
