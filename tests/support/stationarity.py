"""Statistics that a stationary field has everywhere alike, of a drawn field beside one without tiles.

Fields are ``(band, y, x)``; rows near the canvas's edges are left out, where tiles see less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EDGE = 32


@dataclass(frozen=True)
class Beside:
    """A drawn field, its reference, and the stride of the tiles."""

    drawn: np.ndarray
    reference: np.ndarray
    stride: int

    def inner(self) -> tuple[np.ndarray, np.ndarray]:
        return self.drawn[:, EDGE:-EDGE, EDGE:-EDGE], self.reference[:, EDGE:-EDGE, EDGE:-EDGE]

    def seam(self) -> float:
        """Largest over median step between neighbours by phase of the stride, each over the reference's."""
        found = []
        for axis in (1, 2):
            profiles = []
            for x in self.inner():
                steps = np.abs(np.diff(x, axis=axis, prepend=np.nan))
                lines = np.nanmean(np.moveaxis(steps, axis, 0)[1:], axis=(1, 2))
                phase = (EDGE + 1 + np.arange(len(lines))) % self.stride
                profiles.append([lines[phase == p].mean() for p in range(self.stride)])
            ratio = np.divide(*profiles)
            found.append(ratio.max() / np.median(ratio))
        return float(max(found))

    def variance(self) -> tuple[float, float]:
        """Smallest and largest variance by phase of the stride along both axes, over the reference's."""
        d, r = self.inner()
        rows = (EDGE + np.arange(d.shape[1])) % self.stride // 4
        ratios = []
        for y in range(self.stride // 4):
            for x in range(self.stride // 4):
                block = (slice(None), *np.ix_(rows == y, rows == x))
                ratios.append((d[block] ** 2).mean() / (r[block] ** 2).mean())
        return float(min(ratios)), float(max(ratios))

    def repetition(self, lags: tuple[int, ...]) -> float:
        """Largest correlation at any of some lags along x, less the reference's."""
        d, r = self.inner()
        return float(max(_correlation(d, lag) - _correlation(r, lag) for lag in lags))

    def spectrum(self) -> list[float]:
        """Power over the reference's in octaves of wavelength: 2 to 4 px, 4 to 8, ..., up to 64."""
        power = []
        for x in self.inner():
            window = np.hanning(x.shape[-1] + 1)[:-1]
            power.append((np.abs(np.fft.fft2(x * np.outer(window, window))) ** 2).mean(0))
        f = np.fft.fftfreq(power[0].shape[-1])
        radius = np.hypot(f[:, None], f)
        bands = [(radius >= 2.0**-i / 2) & (radius < 2.0**-i) for i in range(1, 6)]
        return [float(power[0][b].mean() / power[1][b].mean()) for b in bands]


def _correlation(x: np.ndarray, lag: int) -> float:
    return float((x[..., :-lag] * x[..., lag:]).mean() / (x**2).mean())
