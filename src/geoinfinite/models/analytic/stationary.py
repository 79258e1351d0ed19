"""Gaussian fields of exponential correlation, whose denoiser on any tile is known in closed form.

Along an axis of N pixels the covariance ``rho^|i - j|`` is that of a first-order autoregression: its
inverse is tridiagonal, its eigenvectors are cosines and sines about the tile's middle, and only their
frequencies need a root to be found (Ray and Driver 1970, IEEE Transactions on Information Theory 16,
663). The field's covariance is the product over both axes, so a tile is a window of one stationary field.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from geoinfinite.diffusion.model import Array


@lru_cache(maxsize=32)
def axis_modes(side: int, length_px: float) -> tuple[Array, Array]:
    """Return orthonormal eigenvectors ``(mode, pixel)`` and eigenvalues of ``exp(-|i - j| / length_px)``.

    >>> modes, variances = axis_modes(5, 3.0)
    >>> covariance = np.exp(-abs(np.subtract.outer(np.arange(5), np.arange(5))) / 3.0)
    >>> bool(np.allclose((modes.T * variances) @ modes, covariance, atol=1e-6))
    True
    """
    rho, middle, k = np.exp(-1 / length_px), (side - 1) / 2, np.arange(side)
    odd = k % 2 * np.pi / 2
    low, high = k * np.pi / side, (k + 1) * np.pi / side
    # An eigenvector extended by one pixel beyond the tile is rho there what it is at the edge. Halving a
    # bracket gives the same bits whatever threads a BLAS would have used.
    for _ in range(60):
        omega = (low + high) / 2
        beyond = np.cos(omega * (middle + 1) - odd) - rho * np.cos(omega * middle - odd)
        rising = np.sign(beyond) == np.where(k // 2 % 2 == 0, 1, -1)
        low, high = np.where(rising, omega, low), np.where(rising, high, omega)
    modes = np.cos(omega[:, None] * (k - middle) - odd[:, None])
    modes /= np.sqrt((modes**2).sum(1, keepdims=True))
    variances = (1 - rho**2) / (1 - 2 * rho * np.cos(omega) + rho**2)
    return modes.astype(np.float32), variances.astype(np.float32)


def shrink(x: Array, sigma: float, lengths_px: tuple[float, ...]) -> Array:
    """Return E[x0 | x0 + sigma e = x] of ``(tile, channel, y, x)`` for fields of unit variance.

    Channels are independent; ``lengths_px`` are their correlation lengths.
    """
    channels = []
    for channel, length_px in enumerate(lengths_px):
        rows, row_power = axis_modes(x.shape[-2], length_px)
        columns, column_power = axis_modes(x.shape[-1], length_px)
        power = np.outer(row_power, column_power)
        share = power / (power + np.float32(sigma) ** 2)
        coefficients = rows @ x[:, channel] @ columns.T
        channels.append(rows.T @ (coefficients * share) @ columns)
    return np.stack(channels, axis=1).astype(np.float32, copy=False)
