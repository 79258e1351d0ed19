"""Counts what reaches a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from geoinfinite.models.analytic.conditional import ConditionalCodes, ConditionalTiles
from geoinfinite.models.analytic.gaussian import GaussianTiles
from geoinfinite.models.analytic.latent import LatentTiles
from geoinfinite.models.analytic.planet import PlanetTiles


@dataclass
class Calls:
    """Network calls and the tiles in each of them, padding included."""

    batches: list[int] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.batches)


def count_calls(monkeypatch: pytest.MonkeyPatch, *more: type[Any]) -> Calls:
    """Record every call of the analytic denoisers, and of ``more``, from now on."""
    calls = Calls()
    for kind in (GaussianTiles, LatentTiles, PlanetTiles, ConditionalTiles, ConditionalCodes, *more):
        monkeypatch.setattr(kind, "denoise", _counted(kind.denoise, calls))
    return calls


def _counted(plain: Callable[[Any, Any, float], Any], calls: Calls) -> Callable[[Any, Any, float], Any]:
    def counted(self: Any, x: Any, sigma: float) -> Any:
        calls.batches.append(len(x))
        return plain(self, x, sigma)

    return counted
