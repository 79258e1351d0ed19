"""What every condition must keep, as a class of tests."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geoinfinite.conditions.place import Place
from geoinfinite.conditions.protocol import Condition
from geoinfinite.errors import WorldError
from geoinfinite.plane.grid import Grid
from geoinfinite.plane.window import Window
from geoinfinite.token import token
from geoinfinite.told import Boxes, Frames, Regions, Slot


class ConditionContract(ABC):
    """Tests of a condition: subclass it in a test file, name a condition, a slot and a grid, and run pytest.

    >>> from geoinfinite.conditions import Text
    >>> class TestMine(ConditionContract):
    ...     slot = Slot("prompt", "text")
    ...     def condition(self, tmp_path):
    ...         return Text("prompt", "a harbour")
    >>> TestMine().test_it_is_small_and_travels(tmp_path=None)

    A condition keeps the contract if what it says is a function of its settings, of the content of its files
    and of the place, and of nothing else: not of the window, the order of questions, the thread, or the
    folder that its files lie in.
    """

    slot: Slot
    grid = Grid("EPSG:32632", (499_990.0, 5_200_010.0), 20.0, (160, 200), factor=4, levels=2)
    level = 1
    window = Window(101, 229, 215, 343)
    """A window of the level over which the condition says something."""

    @abstractmethod
    def condition(self, tmp_path: Any) -> Condition:
        """Return the condition, always the same; files that it names may be written into ``tmp_path``."""

    def change(self, condition: Condition) -> None:
        """Give the files of the condition other content; a condition without files needs none of this."""
        raise NotImplementedError("write other content to the files of the condition")

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

    def test_it_cannot_be_changed(self, tmp_path: Any) -> None:
        """A recipe that holds it is a value."""
        condition: Any = self.condition(tmp_path)
        with pytest.raises(AttributeError, match="name"):
            condition.name = "another"
        assert condition.name == self.slot.name

    def test_making_it_reads_no_file(self, tmp_path: Any) -> None:
        """A world can be described where its files do not lie."""
        condition: Any = self.condition(tmp_path)
        settings = (
            {field.name: getattr(condition, field.name) for field in fields(condition) if field.init}
            if is_dataclass(condition)
            else {}
        )
        for file in condition.files():
            file.unlink()
        assert pickle.loads(pickle.dumps(condition)) == condition
        assert not settings or type(condition)(**settings) == condition

    def test_it_says_the_same_again(self, tmp_path: Any) -> None:
        """The same place is told the same, bit for bit, also by an equal condition."""
        condition = self.condition(tmp_path)
        first = self.told(condition, self.window)
        self.told(condition, Window(0, 16, 0, 16))
        assert_same(first, self.told(condition, self.window))
        assert_same(first, self.told(pickle.loads(pickle.dumps(condition)), self.window))

    def test_many_threads_are_told_what_one_is(self, tmp_path: Any) -> None:
        """No question disturbs another that is asked at the same time."""
        condition, tiles = self.condition(tmp_path), self.tiles()
        alone = [self.told(condition, tile) for tile in tiles]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda tile: self.told(condition, tile), tiles * 2))
        for one, other in zip(alone * 2, together, strict=True):
            assert_same(one, other)

    def test_what_it_says_has_the_shape_of_the_slot(self, tmp_path: Any) -> None:
        """The shape follows from the slot and the tile; shares of texts sum to 1."""
        condition = self.condition(tmp_path)
        for tile in self.tiles():
            told = self.told(condition, tile)
            if isinstance(told, Regions):
                assert told.shares.shape == (len(told.prompts), *tile.shape)
                np.testing.assert_allclose(told.shares.sum(axis=0), 1, atol=1e-6)
            elif isinstance(told, Frames):
                count, facts = self.slot.frames or len(told.facts), len(self.slot.bands)
                assert told.pixels.dtype == np.float32
                assert told.pixels.shape == (count, *self._shape(tile, told.pixels.shape[1]))
                assert told.facts.dtype == np.float64
                assert told.facts.shape == (count, facts)
            elif isinstance(told, Boxes):
                assert told.corners.shape == told.outlines.shape == (len(told.classes), 4, 2)
                assert told.corners.dtype == told.outlines.dtype == np.float64
                assert len(told.classes) <= (self.slot.most or len(told.classes))
            elif told is not None and not isinstance(told, str):
                exact = self.slot.kind in ("metadata", "location")
                assert told.dtype == (np.float64 if exact else np.float32)
                assert told.shape == self._shape(tile, len(told))

    def test_a_value_is_a_function_of_its_pixel(self, tmp_path: Any) -> None:
        """The window law on what is told, for values that lie on pixels: rasters, frames, shares of texts."""
        condition = self.condition(tmp_path)
        whole = self.told(condition, self.window)
        if isinstance(whole, Regions | Frames) or self.slot.kind == "raster":
            for part in self.tiles():
                at, told = _cells(part, self.window, self.slot.pixels), self.told(condition, part)
                if isinstance(whole, Frames):
                    assert_same(whole.pixels[..., *at], told.pixels)
                else:
                    assert_same(_cut(whole, at), told)

    def test_a_vector_is_a_function_of_its_place(self, tmp_path: Any) -> None:
        """Of an embedding: twice as many vectors in a window twice as large lie at the same places."""
        condition, y, x = self.condition(tmp_path), self.window.y0, self.window.x0
        if self.slot.kind == "embedding":
            side = min(self.window.shape) // 2
            cells = self.slot.cells_of(side, self.grid.gsd_m(self.level))
            twice = Place(self.grid, self.level, Window(y, y + 2 * side, x, x + 2 * side))
            large: Any = condition.told(twice, replace(self.slot, cells=2 * cells, cell_m=0.0))
            small = self.told(condition, Window(y, y + side, x + side, x + 2 * side))
            np.testing.assert_allclose(small, large[:, :cells, cells:], rtol=1e-5)

    def test_a_box_is_a_function_of_its_place(self, tmp_path: Any) -> None:
        """A box that lies in two windows wholly has the same corners in both, counted from the origin."""
        condition = self.condition(tmp_path)
        if self.slot.kind == "boxes":
            everything = replace(self.slot, most=0)
            seen = [condition.told(Place(self.grid, self.level, w), everything) for w in self.tiles()]
            places = set().union(*(_whole_boxes(*pair) for pair in zip(self.tiles(), seen, strict=True)))
            whole = condition.told(Place(self.grid, self.level, self.window), everything)
            assert places
            assert places <= _whole_boxes(self.window, whole)

    def test_its_description_is_its_content(self, tmp_path: Any) -> None:
        """Equal files elsewhere are described the same; other content is not, and is told at once."""
        folders = Path(tmp_path) / "here", Path(tmp_path) / "there" / "deeper"
        for folder in folders:
            folder.mkdir(parents=True)
        here, there = map(self.condition, folders)
        described, said = token(here.described()), self.told(here, self.window)
        assert token(here.described()) == token(there.described()) == described
        assert all(path.is_file() for path in here.files())
        if here.files():
            self.change(here)
            assert token(here.described()) != described
            assert token(there.described()) == described
            with pytest.raises(AssertionError, match=r"Arrays are not equal|assert"):
                assert_same(said, self.told(here, self.window))

    def test_it_refuses_a_slot_of_another_kind(self, tmp_path: Any) -> None:
        """A slot that it cannot fill is refused in one line, by name."""
        condition = self.condition(tmp_path)
        other = "text" if self.slot.kind == "raster" else "raster"
        for kind in ("none of any kind", other):
            with pytest.raises(WorldError, match=self.slot.name) as caught:
                condition.check(Slot(self.slot.name, kind), self.grid, self.level)
            assert "\n" not in str(caught.value)

    def tiles(self) -> list[Window]:
        """Return the window in tiles, in an order that is not that of reading."""
        step = 37 // self.slot.pixels * self.slot.pixels
        w = self.window
        rows, columns = (range(*edges, step) for edges in ((w.y0, w.y1), (w.x0, w.x1)))
        tiles = [Window(y, min(y + step, w.y1), x, min(x + step, w.x1)) for y in rows for x in columns]
        return tiles[1::2][::-1] + tiles[::2]

    def _shape(self, tile: Window, first: int) -> tuple[int, ...]:
        """Return the shape of what fills the slot; ``first`` stands where the slot leaves it open."""
        if self.slot.kind in ("raster", "frames"):
            return (self.slot.channels or first, *tile.coarsen(self.slot.pixels).shape)
        if self.slot.kind == "embedding":
            cells = self.slot.cells_of(tile.width, self.grid.gsd_m(self.level))
            return self.slot.channels or first, cells, cells
        if self.slot.kind == "location":
            return (2,)
        return (len(self.slot.bands) or first,)


def _cells(part: Window, whole: Window, pixels: int) -> tuple[slice, slice]:
    """Return where a part lies in an array that holds cells of ``pixels`` pixels of a whole."""
    return part.coarsen(pixels).slices(whole.coarsen(pixels))


def _cut(told: Any, at: tuple[slice, slice]) -> Any:
    """Return a part of what is told; a text that holds for none of it is left out."""
    if isinstance(told, Regions):
        return Regions(told.prompts, told.shares[:, *at])
    return told[:, *at]


def _whole_boxes(window: Window, told: Any) -> set[Any]:
    """Return the boxes that lie in a window wholly, in pixels of the level."""
    inside = ((told.outlines >= 0) & (told.outlines <= window.shape[::-1])).all(axis=(1, 2))
    offset = np.array([window.x0, window.y0])
    corners = np.concatenate([told.corners, told.outlines], axis=1) + offset
    boxes = zip(told.classes, corners, inside, strict=True)
    return {(said, found.tobytes()) for said, found, is_inside in boxes if is_inside}


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
    elif isinstance(one, Frames) and isinstance(other, Frames):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.facts, other.facts)
    elif isinstance(one, Boxes) and isinstance(other, Boxes):
        assert one.classes == other.classes
        np.testing.assert_array_equal(one.corners, other.corners)
        np.testing.assert_array_equal(one.outlines, other.outlines)
    elif one is None or other is None:
        assert one is other
    else:
        np.testing.assert_array_equal(one, other)
