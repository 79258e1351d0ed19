"""Finds the positions that labels select on an axis: by interval, exactly, or the nearest."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.arrays.axis import SNAP, GridAxis, shifts
from geoinfinite.arrays.runs import Run, listed, span
from geoinfinite.errors import WindowError

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Selected positions of an axis, and the name that a user gave the axis."""

    axis: GridAxis
    run: Run
    name: Hashable

    def interval(self, label: slice) -> slice | Places:
        """Return the pixels that cover an interval of labels, exactly those of `Grid.window`.

        A slice where they are neighbours in the selection. On a periodic axis the interval may cross the
        antimeridian, for at most half a turn where it is written as ``slice(179, -179)``.
        """
        start, stop = self._edge(label, label.start), self._edge(label, label.stop)
        if isinstance(self.run, range) and self.run.step < 0:
            start, stop = stop, start
        start, stop = (None if start == -math.inf else start), (None if stop == math.inf else stop)
        period = self.axis.period
        if start is not None and stop is not None and stop < start:
            stop = self._round(label, start, stop)
        if math.inf in (start, stop) or -math.inf in (start, stop):
            return slice(0, 0)
        first = None if start is None else math.floor(start + SNAP)
        last = None if stop is None else math.ceil(stop - SNAP)
        step = 1 if label.step is None else label.step
        if period is None or len(self.run) == 0:
            return _stepped(self._between(first, last), step)
        if first is not None and last is not None:
            return _stepped(self._on_circle(first, last), step)
        return _stepped(self._between(self._into(first), self._into(last)), step)

    def _edge(self, label: slice, value: Any) -> float | None:
        """Return an end of an interval as a pixel edge; ``None`` where there is no end."""
        if value is None:
            return None
        try:
            edge = self.axis.edge(float(value))
        except (TypeError, ValueError):
            edge = math.nan
        if math.isnan(edge):
            raise WindowError(
                f"{self.name}=slice({label.start}, {label.stop}) has an end that is no number; "
                f"give both ends in units of {self.name}"
            )
        return edge

    def _round(self, label: slice, start: float, stop: float) -> float:
        """Return the end of an interval that is written backwards, as it crosses the antimeridian."""
        period = self.axis.period
        if period is None or math.isinf(start - stop):
            raise WindowError(self._against(label))
        if not 0 < stop + period - start <= period / 2:
            raise WindowError(
                f"{self._against(label)}; or cross the antimeridian, for at most half a turn, as in "
                f"{self.name}=slice(170, -170)"
            )
        return stop + period

    def _against(self, label: slice) -> str:
        ways = self.axis.directions
        if isinstance(self.run, range) and self.run.step < 0:
            ways = ways[1], ways[0]
        letters = ", ".join(way[0].upper() for way in ways)
        return (
            f"{self.name}=slice({label.start:g}, {label.stop:g}) runs against the axis, which goes from "
            f"{ways[0]} to {ways[1]}; write {self.name}=slice({letters}): "
            f"slice({label.stop:g}, {label.start:g})"
        )

    def _into(self, position: int | None) -> int | None:
        """Return the end of a half-open interval on a circle, moved by turns into the selection."""
        if position is None or self.axis.period is None:
            return position
        low, high = span(self.run)
        if low <= position <= high:
            return position
        moved = (position - low) % self.axis.period + low
        return moved if moved <= high else position

    def _between(self, first: int | None, last: int | None) -> slice | Places:
        """Return where the positions from ``first`` to before ``last`` are."""
        run = self.run
        if isinstance(run, range):
            forward = run if run.step > 0 else run[::-1]
            low, high = (
                default if p is None else min(max(-(-(p - forward.start) // forward.step), 0), len(run))
                for p, default in ((first, 0), (last, len(run)))
            )
            high = max(low, high)
            return slice(low, high) if run.step > 0 else slice(len(run) - high, len(run) - low)
        inside = np.ones(len(run), dtype=bool)
        if first is not None:
            inside &= run >= first
        if last is not None:
            inside &= run < last
        return np.flatnonzero(inside)

    def _on_circle(self, first: int, last: int) -> slice | Places:
        """Return where the positions of an interval are, in its order, by as many turns as it takes."""
        period, run = self.axis.period, self.run
        assert period is not None
        low, high = span(self.run)
        if first <= low and last >= high:
            return slice(0, len(run))
        last = min(last, first + period)
        if len(run) == period and isinstance(run, range) and run.step == 1:
            count = last - first
            at = first - low if first < low and first - low >= -period else (first - low) % period
            if at >= 0 and at + count <= period:
                return slice(at, at + count)
            return listed(range(at, at + count)) % period if at >= 0 else listed(range(at, at + count))
        parts = []
        for turn in reversed(shifts(low, high, first, last, period)):
            part = self._between(first + turn * period, last + turn * period)
            parts.append(part if isinstance(part, np.ndarray) else np.arange(part.start, part.stop))
            if len(parts[-1]) == 0:
                parts.pop()
        found = np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)
        if len(parts) == 1 and len(found) == int(found[-1]) - int(found[0]) + 1:
            return slice(int(found[0]), int(found[-1]) + 1)
        return found

    def nearest(self, labels: Any, tolerance: Any = None) -> Places:
        """Return the pixels in which labels lie; raise `WindowError` for labels outside the selection."""
        exact = self._fractional(labels)
        at, reach = self._nearest(exact)
        outside = np.abs(self._positions(at) - exact) > reach
        if outside.any():
            low, high = sorted(self.axis.labels(np.array(span(self.run)) - 0.5).tolist())
            raise WindowError(
                f"{self.name}={_first(labels, outside)} lies outside the array, which reaches from "
                f"{low:g} to {high:g}; select within it, or from the whole level"
            )
        if tolerance is not None:
            allowed = np.asarray(tolerance, dtype=np.float64)
            away = np.abs(self._positions(at) - exact) * abs(self.axis.step)
            if (away > allowed).any():
                raise WindowError(
                    f"{self.name}={_first(labels, away > allowed)} has no pixel centre within "
                    f"tolerance={tolerance!r}; half a pixel is {abs(self.axis.step) / 2:g}"
                )
        return at

    def filled(self, labels: NDArray[np.float64], tolerance: Any = None) -> Places:
        """Return the nearest pixels of labels, -1 for those that lie in none or beyond the tolerance."""
        if len(self.run) == 0:
            return np.full(labels.shape, -1, dtype=np.intp)
        exact = self._fractional(labels)
        at, reach = self._nearest(exact)
        if tolerance is not None:
            reach = min(reach, float(tolerance) / abs(self.axis.step))
        return np.where(np.abs(self._positions(at) - exact) <= reach, at, -1)

    def exactly(self, labels: Any) -> Places:
        """Return the pixels whose centres labels are; raise `WindowError` for others."""
        exact = self._fractional(labels)
        at, _ = self._nearest(exact)
        missing = np.abs(self._positions(at) - exact) > SNAP
        if missing.any():
            raise WindowError(
                f"{self.name}={_first(labels, missing)} is not the centre of a pixel of the array; "
                f'for the pixel in which it lies write .sel({self.name}=..., method="nearest")'
            )
        return at

    def _fractional(self, labels: Any) -> NDArray[np.float64]:
        """Return labels as positions, moved by whole turns into the selection."""
        try:
            values = np.asarray(labels, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.full(1, np.nan)
        if not np.isfinite(values).all() or len(self.run) == 0:
            why = "the array is empty" if len(self.run) == 0 else f"{self.name} has finite numbers"
            raise WindowError(
                f"{self.name}={labels!r} cannot be selected: {why}; select from the whole level"
            )
        exact = self.axis.fractional(values)
        if self.axis.period is None:
            return exact
        low, high = span(self.run)
        inside = (exact >= low - 0.5) & (exact <= high - 0.5)
        return np.where(inside, exact, (exact - (low - 0.5)) % self.axis.period + (low - 0.5))

    def _nearest(self, exact: NDArray[np.float64]) -> tuple[Places, float]:
        """Return the nearest selected pixels, and how far one that is not outside may lie."""
        run = self.run
        if isinstance(run, range):
            at = np.rint((exact - run.start) / run.step).clip(0, len(run) - 1)
            return at.astype(np.intp), abs(run.step) / 2 + SNAP
        order = np.argsort(run, kind="stable")
        values = run[order]
        after = np.searchsorted(values, exact).clip(1, max(1, len(run) - 1))
        before = after - 1
        if len(run) == 1:
            return np.zeros(exact.shape, dtype=np.intp), 0.5 + SNAP
        take = np.where(exact - values[before] <= values[after] - exact, before, after)
        return order[take].astype(np.intp), 0.5 + SNAP + float(np.diff(values).max()) / 2

    def _positions(self, places: Places) -> NDArray[np.int64]:
        if isinstance(self.run, range):
            return self.run.start + self.run.step * places.astype(np.int64)
        return self.run[places]


def _first(labels: Any, which: NDArray[np.bool_]) -> str:
    """Return the first of some labels, as short as it can be written."""
    return f"{float(np.extract(which, labels)[0]):.12g}"


def _stepped(places: slice | Places, step: int) -> slice | Places:
    """Return every ``step``-th of some places, as a slice of labels with a step means it in pandas."""
    if step == 1:
        return places
    if isinstance(places, slice):
        chosen = range(places.start, places.stop)[::step]
        return slice(chosen.start, chosen.stop if chosen.stop >= 0 else None, chosen.step)
    return places[::step]
