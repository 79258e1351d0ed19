"""Limits of what one read may cost; the cost is known in advance, and excess warns or is refused."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from geoinfinite.engine import Level, cold_cost
from geoinfinite.errors import BudgetError, CostWarning, WindowError
from geoinfinite.plane.window import Window


@dataclass(frozen=True, slots=True)
class ReadBudget:
    """Limits of one read of a lazy array; larger work belongs in a store, which can be resumed.

    >>> ReadBudget(evaluations=10).evaluations
    10
    """

    values: int = 2**30
    """Pixels x bands that one read may draw; more is refused with `BudgetError`."""
    evaluations: int = 1_000_000
    """Network evaluations of one tile that one read may take; more is refused with `BudgetError`."""
    warn_evaluations: int = 5_000
    """Network evaluations beyond which a read warns with `CostWarning` before it begins."""
    seconds_per_evaluation: float = 0.04
    """For the time in messages: what the bundled network takes on two processor cores."""
    values_at_once: int = 2**23
    """Values drawn in one strip: working memory is about 12 bytes for each."""

    def __post_init__(self) -> None:
        for name in ("values", "evaluations", "warn_evaluations", "seconds_per_evaluation", "values_at_once"):
            if not getattr(self, name) > 0:
                raise WindowError(f"budget.{name}={getattr(self, name)!r} must be a positive number")

    def check(self, level: Level, window: Window, pixels: int, *, seeds: int = 1) -> None:
        """Warn of drawing ``pixels`` pixels of a level that lie in ``window``, if it takes long.

        They are drawn for so many ``seeds``. Raises `BudgetError` beyond ``values`` or ``evaluations``.
        """
        cost = self.refuse_excess(level, window, pixels, seeds=seeds)
        if cost > self.warn_evaluations:
            fits = self._fitting(level, (seeds * pixels, cost), self.warn_evaluations)
            warnings.warn(
                f"{self._price(window, level, cost, seeds)}. {_remedies(level, fits, seeds)}",
                CostWarning,
                stacklevel=3,
            )

    def refuse_excess(self, level: Level, window: Window, pixels: int, *, seeds: int = 1) -> int:
        """Return the evaluations that pixels in a window take; raise `BudgetError` for too many."""
        if window.size == 0:
            return 0
        needed = seeds * cold_cost(level, window).evaluations
        # Selections of distant pixels draw a part of the window around them.
        cost = -(-needed * min(pixels, window.size) // window.size)
        if seeds * level.bands * pixels > self.values or cost > self.evaluations:
            raise BudgetError(self._refusal(level, window, (seeds * pixels, needed), seeds))
        return cost

    def _refusal(self, level: Level, window: Window, spent: tuple[int, int], seeds: int) -> str:
        pixels, cost = spent
        too_many = level.bands * pixels > self.values
        limit = f"draw {self.values:,} values" if too_many else f"take {self.evaluations:,} evaluations"
        fits = self._fitting(level, spent, self.evaluations)
        return (
            f"{self._price(window, level, cost, seeds)}; one read may {limit} of "
            f"{level.bands} bands. {_remedies(level, fits, seeds)}"
        )

    def _price(self, window: Window, level: Level, cost: int, seeds: int) -> str:
        times = f" for {seeds} seeds" if seeds > 1 else ""
        return (
            f"{window.height:,} x {window.width:,} pixels of level {level.number}{times} take about {cost:,} "
            f"network evaluations, {duration(cost * self.seconds_per_evaluation)} at "
            f"{self.seconds_per_evaluation:g} s each"
        )

    def _fitting(self, level: Level, spent: tuple[int, int], evaluations: int) -> int:
        """Return the finest level on which the same region is within the limits."""
        fits, shrink, (pixels, cost) = level.number, level.recipe.grid.factor**2, spent
        while fits and (level.bands * pixels > self.values or cost > evaluations):
            fits, pixels, cost = fits - 1, pixels // shrink, cost // shrink
        return fits


DEFAULT_BUDGET = ReadBudget()


def _remedies(level: Level, fits: int, seeds: int) -> str:
    coarser = f"take a coarser level (level={fits} fits), " if fits < level.number else ""
    fewer, one = ("select fewer seeds, .sel(seed=[S]), ", ".sel(seed=S)") if seeds > 1 else ("", "")
    return (
        f"Select a part with .sel(x=slice(W, E), y=slice(N, S)) first, {fewer}{coarser}write a store piece "
        f"by piece, da{one}.geoinfinite.to_zarr(PATH), look at all of it, da{one}.geoinfinite.plot(), or "
        "allow more: world.array(level=L, budget=gi.ReadBudget(...))"
    )


def duration(seconds: float) -> str:
    """Return a time as a person would say it.

    >>> duration(47 * 60), duration(8)
    ('about 47 minutes', 'about 8 seconds')
    """
    for size, unit in ((86_400 * 365, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {seconds / size:,.0f} {unit}"
    return f"about {seconds:.0f} seconds"
