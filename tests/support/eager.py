"""MultiDiffusion on a whole canvas as its paper writes it: plain loops, nothing lazy, no layers.

Every step averages all tiles' estimates of clean data over the canvas, divided by the weights that it has
summed, and takes one step of a solver over the whole canvas. The canvas is a cylinder: columns wrap,
rows reach from the first tile to the end of the last one. Solvers are written out again here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, pi, sin, sqrt

import numpy as np

from geoinfinite.diffusion.model import Cond, TileModel

Step = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""``(x, x0, i)``: the state after step i, given the averaged estimate."""


@dataclass
class Canvas:
    """A cylinder of ``rows`` from ``top`` on by ``columns`` pixels, and the tiles on it."""

    top: int
    rows: int
    columns: int
    tile: int
    stride: int

    def places(self) -> list[tuple[int, int]]:
        rows = range(self.top, self.top + self.rows - self.tile + 1, self.stride)
        return [(y, x) for y in rows for x in range(0, self.columns, self.stride)]

    def index(self, y: int, x: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        return np.ix_(np.arange(y - self.top, y - self.top + side), np.arange(x, x + side) % self.columns)

    def average(self, values: np.ndarray, tiles: list[np.ndarray]) -> np.ndarray:
        """Return the weighted mean of tiles, in double precision, shaped like ``values``."""
        hann = np.array([sin(pi * (i + 0.5) / self.tile) ** 2 for i in range(self.tile)])
        total, weight = np.zeros(values.shape), np.zeros(values.shape)
        for (y, x), tile in zip(self.places(), tiles, strict=True):
            rows, columns = self.index(y, x, self.tile)
            total[:, rows, columns] += np.outer(hann, hann) * tile
            weight[:, rows, columns] += np.outer(hann, hann)
        return total / weight


def multidiffusion(
    canvas: Canvas, models: list[TileModel], noise: np.ndarray, sigmas: tuple[float, ...], step: Step
) -> np.ndarray:
    """Return the canvas's state after all steps; ``models`` are bound, one to each place."""
    x = noise * sigmas[0]
    for i, sigma in enumerate(sigmas[:-1]):
        estimates = []
        for (y, left), model in zip(canvas.places(), models, strict=True):
            rows, columns = canvas.index(y, left, canvas.tile)
            tile = x[:, rows, columns].astype(np.float32)
            estimates.append(model.denoise(tile[None], sigma)[0])
        x = step(x, canvas.average(x, estimates), i)
    return x


def bind(model: TileModel, canvas: Canvas, parent: Callable[[int, int], np.ndarray] | None) -> list:
    """Return the model told what lies under every tile."""
    told = [None if parent is None else parent(*place)[None] for place in canvas.places()]
    return [model.bind(Cond(under, 1.0)) for under in told]


def euler(sigmas: tuple[float, ...]) -> Step:
    """dx/dsigma = (x - x0) / sigma."""
    return lambda x, x0, i: x + (sigmas[i + 1] - sigmas[i]) * (x - x0) / sigmas[i]


def ancestral(sigmas: tuple[float, ...], noise: Callable[[int], np.ndarray]) -> Step:
    """DDPM: down to sigma_down, then up by fresh noise of sigma_up."""

    def step(x: np.ndarray, x0: np.ndarray, i: int) -> np.ndarray:
        s, t = sigmas[i : i + 2]
        up = t * sqrt((s**2 - t**2) / s**2)
        return x + (x - x0) / s * (sqrt(t**2 - up**2) - s) + noise(i + 1) * up

    return step


def adams(sigmas: tuple[float, ...]) -> Step:
    """Two-step Adams-Bashforth in the flow's time t = sigma / (1 + sigma), of z = x / (1 + sigma)."""
    t, slopes = [s / (1 + s) for s in sigmas], []

    def step(x: np.ndarray, x0: np.ndarray, i: int) -> np.ndarray:
        z = x / (1 + sigmas[i])
        slopes.append((z - x0) / t[i])
        h = t[i + 1] - t[i]
        change = h * slopes[-1]
        if i:
            change += h**2 / (t[i] - t[i - 1]) / 2 * (slopes[-1] - slopes[-2])
        return (z + change) * (1 + sigmas[i + 1])

    return step


def dpmpp_2m(sigmas: tuple[float, ...]) -> Step:
    """Lu et al. 2022 (arXiv:2211.01095), algorithm 2, with alpha = 1."""
    estimates: list[np.ndarray] = []

    def step(x: np.ndarray, x0: np.ndarray, i: int) -> np.ndarray:
        estimates.append(x0)
        s, t = sigmas[i : i + 2]
        if t == 0:
            return x0
        h = log(s / t)
        d = x0
        if i:
            r = log(sigmas[i - 1] / s) / h
            d = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * estimates[-2]
        return t / s * x - (exp(-h) - 1) * d

    return step
