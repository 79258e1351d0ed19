"""What every condition must keep, as a class of tests."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pytest

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.told import Regions, Slot


class ConditionContract(ABC):
    """Tests of a condition: subclass it in a test file, name a condition, a slot and a grid, and run pytest.

    >>> from geoinfinite.conditions import Text
    >>> class TestMine(ConditionContract):
    ...     slot = Slot("prompt", "text")
    ...     def condition(self, tmp_path):
    ...         return Text("prompt", "a harbour")
    >>> TestMine().test_it_is_small_and_travels(tmp_path=None)
    """

    slot: Slot
    grid = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 20.0, (160, 200), factor=4, levels=2)
    level = 1
    window = Window(101, 229, 215, 343)
    """A window of the level over which the condition says something."""

    @abstractmethod
    def condition(self, tmp_path: Any) -> Condition:
        """Return the condition; files that it names may be written into ``tmp_path``."""
        raise NotImplementedError

    def told(self, condition: Condition, window: Window) -> Any:
        """Return what it says of a window."""
        return condition.told(Place(self.grid, self.level, window), self.slot)

    def test_it_is_a_condition(self, tmp_path: Any) -> None:
        """It has every name of the protocol, and fits the slot."""
        condition = self.condition(tmp_path)
        assert isinstance(condition, Condition)
        assert condition.name == self.slot.name
        condition.check(self.slot, self.grid, self.level)

    def test_it_is_small_and_travels(self, tmp_path: Any) -> None:
        """It is hashable, and equal after a journey of less than 4 kB."""
        condition = self.condition(tmp_path)
        sent = pickle.dumps(condition)
        assert len(sent) < 4096
        assert pickle.loads(sent) == condition
        assert hash(pickle.loads(sent)) == hash(condition)

    def test_it_says_the_same_again(self, tmp_path: Any) -> None:
        """The same place is told the same, bit for bit, also by an equal condition."""
        condition = self.condition(tmp_path)
        first = self.told(condition, self.window)
        self.told(condition, Window(0, 16, 0, 16))
        assert_same(first, self.told(condition, self.window))
        assert_same(first, self.told(pickle.loads(pickle.dumps(condition)), self.window))

    def test_a_value_is_a_function_of_its_pixel(self, tmp_path: Any) -> None:
        """The window law on what is told, for values that lie on pixels: rasters, and shares of texts."""
        condition, step = self.condition(tmp_path), 37
        whole = self.told(condition, self.window)
        if not isinstance(whole, Regions) and self.slot.kind != "raster":
            return
        for y in range(self.window.y0, self.window.y1, step):
            for x in range(self.window.x0, self.window.x1, step):
                part = Window(y, min(y + step, self.window.y1), x, min(x + step, self.window.x1))
                assert_same(_cut(whole, part.slices(self.window)), self.told(condition, part))

    def test_its_description_is_stable_and_names_its_files(self, tmp_path: Any) -> None:
        """What decides its values is described the same each time, and its files are there."""
        condition = self.condition(tmp_path)
        assert condition.described() == condition.described()
        assert all(path.is_file() for path in condition.files())

    def test_it_refuses_a_slot_of_another_kind(self, tmp_path: Any) -> None:
        """A slot that it cannot fill is refused, by name."""
        with pytest.raises(WorldError, match=self.slot.name):
            self.condition(tmp_path).check(Slot(self.slot.name, "none of any kind"), self.grid, self.level)


def _cut(told: Any, at: tuple[slice, slice]) -> Any:
    """Return a part of what is told; a text that holds for none of it is left out."""
    if isinstance(told, Regions):
        return Regions(told.prompts, told.shares[:, *at])
    return told[:, *at]


def _shares(told: Any) -> dict[str, Any]:
    if isinstance(told, str):
        return {told: 1.0}
    return {text: share for text, share in zip(told.prompts, told.shares, strict=True) if share.any()}


def assert_same(one: Any, other: Any) -> None:
    """Raise AssertionError unless two things that were told are the same, bit for bit."""
    if isinstance(one, Regions | str) and isinstance(other, Regions | str):
        shares, others = _shares(one), _shares(other)
        assert shares.keys() == others.keys()
        for text in shares:
            np.testing.assert_array_equal(shares[text], others[text])
    elif one is None or other is None:
        assert one is other
    else:
        np.testing.assert_array_equal(one, other)
