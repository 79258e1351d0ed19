"""The contract of models that have slots, as a class of tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from geoinfinite.diffusion.model import Array, Bound, Cond, Steered, TileModel
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.testing.model_contract import ModelContract, smallest_tile
from geoinfinite.testing.told_examples import condition_examples, told_example
from geoinfinite.told import Slot, Told

ToldBySlot = dict[str, tuple[Told, ...]]


class SteeredModelContract(ModelContract):
    """Tests of a model with slots: `ModelContract` for tiles that are told something, and more.

    >>> class TestMine(SteeredModelContract):
    ...     def reference(self):
    ...         return ModelReference("analytic:conditional")

    What a tile is told decides that tile alone; ``None`` is the same as a slot that is left out; and tiles
    that are told otherwise are those that would have been bound to it.
    """

    def told(self) -> ToldBySlot:
        """Return what the tiles of a batch are told in every slot: to every tile another thing."""
        side = smallest_tile(self.reference().facts())
        return {
            slot.name: tuple(told_example(slot, tile, side, self.gsd_m) for tile in range(self.batch))
            for slot in self.slots
        }

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots of the model."""
        return self.reference().facts().slots

    @property
    def optional(self) -> list[str]:
        """The slots without which the model can be used."""
        return [slot.name for slot in self.slots if not slot.required]

    def recipe(self, folder: Path) -> Recipe:
        """Return a small world whose tiles are told something in every slot."""
        recipe = super().recipe(folder)
        conditions = condition_examples(self.reference().facts(), recipe.grid, folder)
        return recipe.replace(conditions=conditions)

    def cond(self, cond: Cond, tiles: slice) -> Cond:
        """Return the condition of some tiles of a batch: told something in every slot."""
        return replace(cond, told={slot: said[tiles] for slot, said in self.told().items()})

    def answer(self, bound: Bound, sigma: float = 1.0) -> Array:
        """Return the estimates of a batch, given the contract's noise."""
        noise = self.noise()
        return bound.field(bound.denoise(bound.state(noise * np.float32(sigma)), sigma))

    def told_in(self, model: TileModel, told: ToldBySlot, **strength: float) -> Steered:
        """Return the model told just this."""
        return cast(Steered, model.bind(Cond(self.parents(slice(None)), self.gsd_m, told, strength)))

    def test_slots_are_plain(self) -> None:
        """A model that keeps this contract has slots, each with its own name."""
        names = [slot.name for slot in self.slots]
        assert names
        assert len(names) == len(set(names))

    def test_nothing_told_is_a_slot_left_out(self) -> None:
        """``None`` for every tile, no entry at all, and `retold` to ``None`` give the same bits."""
        model, told = self.model(), self.told()
        for slot in self.optional:
            others = {name: said for name, said in told.items() if name != slot}
            nothing: ToldBySlot = {slot: (None,) * self.batch}
            without = self.answer(self.told_in(model, others))
            np.testing.assert_array_equal(self.answer(self.told_in(model, others | nothing)), without)
            retold = self.told_in(model, told).retold(nothing)
            np.testing.assert_array_equal(self.answer(retold), without)

    def test_what_is_told_matters(self) -> None:
        """Every slot changes the answer."""
        model, told = self.model(), self.told()
        bound = self.told_in(model, told)
        for slot, said in told.items():
            turned = self.answer(bound.retold({slot: said[::-1]}))
            assert (turned != self.answer(bound)).any(), slot

    def test_retold_is_bound_anew_and_leaves_the_first_as_it_was(self) -> None:
        """`retold` returns what binding to the changed told values returns, bit for bit."""
        model, told = self.model(), self.told()
        bound = self.told_in(model, told)
        before = self.answer(bound)
        for slot, said in told.items():
            changed: ToldBySlot = {slot: said[::-1]}
            anew = self.answer(self.told_in(model, told | changed))
            np.testing.assert_array_equal(self.answer(bound.retold(changed)), anew)
        np.testing.assert_array_equal(self.answer(bound), before)

    def test_a_tile_retold_leaves_the_others(self) -> None:
        """What one tile is told changes no bit of another one."""
        model, told = self.model(), self.told()
        bound = self.told_in(model, told)
        before = self.answer(bound)
        for slot, said in told.items():
            after = self.answer(bound.retold({slot: (*said[:-1], said[0])}))
            np.testing.assert_array_equal(after[:-1], before[:-1])

    def test_strength_0_is_nothing_told(self) -> None:
        """A raster of strength 0 adds nothing, exactly."""
        model, told = self.model(), self.told()
        for slot in self.slots:
            if slot.kind != "raster" or slot.required:
                continue
            silent = self.answer(self.told_in(model, told, **{slot.name: 0.0}))
            without = {name: said for name, said in told.items() if name != slot.name}
            np.testing.assert_array_equal(silent, self.answer(self.told_in(model, without)))
