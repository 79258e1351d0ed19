"""No-seam law: no statistic depends on where a tile edge fell, and the known-bad variants are caught.

The level is drawn by the library's own engine with the exact denoiser of a Gaussian field given
its 4 x 4 means (`oracles`), so the truth of every statistic is known. Limits:
the table of measured samplers in the design reference; each variant fails at least one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import oracles
import pytest
import small_worlds
from bad_noise import BatchNoise, by_tile
from drawings import UNCACHED, exchanged

from geoinfinite.engine import read, resolve
from geoinfinite.models import reference
from geoinfinite.models.reference import ModelReference
from geoinfinite.plane.grid import Grid
from geoinfinite.recipe.recipe import Numerics, Recipe
from geoinfinite.recipe.root import Root
from geoinfinite.samplers.presets import IndependentTiles

SIDE, TILE, STRIDE, SEEDS = 256, 32, 16, (0, 1, 2, 3)

Pairs = list[tuple[np.ndarray, np.ndarray]]


def level(
    folder: Path, seed: int, noise: BatchNoise | None = None, **sampler: object
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(drawn, truth)`` in standard deviations: level 1 drawn on the truth's block means."""
    truth = oracles.truth(seed, SIDE)
    means = truth.reshape(SIDE // 4, 4, SIDE // 4, 4).mean((1, 3))
    values = (means * oracles.SCALE + 1) / 2
    root = small_worlds.write_root(
        folder / f"{seed}.tif", values[None].astype("f4"), "EPSG:32633", (5e5, 6e6), 40.0
    )
    world = Recipe(
        grid=Grid("EPSG:32633", (5e5, 6e6), 40.0, (SIDE // 4, SIDE // 4), factor=4, levels=2),
        root=Root(str(root)),
        model=ModelReference("analytic:oracle"),
        sampler=IndependentTiles(**{"steps": 16, "tile": TILE, "stride": STRIDE, **sampler}),
        numerics=Numerics(micro_batch=17),
        name=f"oracle {seed}",
        dtype="float32",
    )
    one = resolve(world, 1)
    one = one if noise is None else exchanged(one, noise=noise)
    drawn = read(one, world.grid.full(1), UNCACHED)[0]
    return (drawn * 2 - 1) / oracles.SCALE, truth


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pairs]:
    """Draw the level for every seed."""
    monkeypatch.setitem(reference.ANALYTIC, "analytic:oracle", "oracles:OracleModel")
    return lambda **sampler: [level(tmp_path, seed, **sampler) for seed in SEEDS]


def detail(x: np.ndarray) -> np.ndarray:
    """What a level adds to its parent: values less their 4 x 4 means, away from the canvas's edge."""
    means = x.reshape(SIDE // 4, 4, SIDE // 4, 4).mean((1, 3))
    return (x - means.repeat(4, 0).repeat(4, 1))[TILE:-TILE, TILE:-TILE]


def by_phase(x: np.ndarray) -> np.ndarray:
    """Mean step between neighbouring columns, by phase of the stride."""
    steps = np.abs(np.diff(x, axis=1, prepend=np.nan))[TILE:-TILE, TILE:-TILE]
    return steps.mean(0).reshape(-1, STRIDE).mean(0)


def seam_ratio(pairs: Pairs) -> float:
    """Largest over median step by phase, each over the truth's: 1 without seams."""
    profile = np.mean([by_phase(x) for x, _ in pairs], axis=0) / np.mean(
        [by_phase(t) for _, t in pairs], axis=0
    )
    return float(profile.max() / np.median(profile))


def variance_ratio(pairs: Pairs) -> float:
    """Smallest over largest variance of detail by phase, each over the truth's: 1 where blends lose none."""
    rows = np.arange(SIDE - 2 * TILE) % STRIDE // 4
    ratios = []
    for phase in range(STRIDE // 4):
        block = np.ix_(rows == phase, rows == phase)
        drawn, true = (np.mean([detail(pair[i])[block].var() for pair in pairs]) for i in (0, 1))
        ratios.append(drawn / true)
    return float(min(ratios) / max(ratios))


def repetition(pairs: Pairs) -> float:
    """Correlation of the drawn detail at the stride, the tile and twice the tile, beyond the truth's."""

    def correlations(x: np.ndarray) -> np.ndarray:
        d = detail(x)
        return np.array([(d[:, :-lag] * d[:, lag:]).mean() / d.var() for lag in (STRIDE, TILE, 2 * TILE)])

    return float(np.abs(np.mean([correlations(x) - correlations(t) for x, t in pairs], axis=0)).max())


def breaches(pairs: Pairs) -> dict[str, float]:
    """Return the limits that the pairs break."""
    found = {}
    if (seam := seam_ratio(pairs)) > 1.06:
        found["seam"] = seam
    if (variance := variance_ratio(pairs)) < 0.85:
        found["variance"] = variance
    if (again := repetition(pairs)) > 0.02:
        found["repetition"] = again
    return found


@pytest.mark.parametrize("weights", ["hann", "linear", "gaussian"])
def test_tiles_leave_no_trace(drawn: Callable[..., Pairs], weights: str) -> None:
    assert breaches(drawn(weights=weights)) == {}


def test_the_metrics_find_nothing_in_the_truth(drawn: Callable[..., Pairs]) -> None:
    truth = [(t, t) for _, t in drawn(steps=1)]
    assert breaches(truth) == {}


def test_uniform_weights_are_caught(drawn: Callable[..., Pairs]) -> None:
    assert "seam" in breaches(drawn(weights="uniform"))


def test_per_tile_noise_is_caught(drawn: Callable[..., Pairs]) -> None:
    assert "variance" in breaches(drawn(noise=by_tile(1, lambda w: [w.y0 + 4096, w.x0 + 4096])))


def test_seed_plus_index_is_caught(drawn: Callable[..., Pairs]) -> None:
    noise = by_tile(1, lambda w: (w.y0 // STRIDE + 1) * 17 + w.x0 // STRIDE + 1)
    assert "variance" in breaches(drawn(noise=noise))


def test_the_same_noise_in_every_tile_is_caught(drawn: Callable[..., Pairs]) -> None:
    assert "repetition" in breaches(drawn(noise=by_tile(1, lambda w: 5)))
