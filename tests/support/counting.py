"""Counts what reaches a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from geoinfinite.models.analytic import GaussianTiles


@dataclass
class Calls:
    """Network calls and the tiles in each of them, padding included."""

    batches: list[int] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.batches)


def count_calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record every call of the analytic denoiser from now on."""
    calls = Calls()
    plain = GaussianTiles.denoise

    def counted(self: GaussianTiles, x: Any, sigma: float) -> Any:
        calls.batches.append(len(x))
        return plain(self, x, sigma)

    monkeypatch.setattr(GaussianTiles, "denoise", counted)
    return calls
