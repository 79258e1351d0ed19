"""Power by wavelength: whether a picture has as much detail as a real one, at every scale."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from geoinfinite.evaluation.images import Images, Values, as_pair, as_stack, at_least

OCTAVES = ((2.0, 4.0), (4.0, 8.0), (8.0, 16.0))
"""Wavelengths in pixels: below a factor of 4 are what a level adds to its parent, above what it keeps."""
LEAST_SIDE = 32


def power_spectrum(images: Images) -> tuple[Values, Values]:
    """Return (wavelength in pixels, power), both ``(y, x)`` in the order of ``numpy.fft.fft2``.

    Power is the mean over pictures and bands of the squared spectrum of each band less its mean under
    a Hann window, scaled so that its sum over all wavelengths is the band's windowed variance.
    """
    stack = as_stack(images, "images")
    at_least(LEAST_SIDE, stack, "images")
    window = np.multiply.outer(*(_hann(side) for side in stack.shape[-2:]))
    share = window / window.sum()
    weighted = (stack - (stack * share).sum((2, 3), keepdims=True)) * window
    power = (np.abs(np.fft.fft2(weighted)) ** 2).mean((0, 1)) / (window.size * (window**2).sum())
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side) for side in stack.shape[-2:]), indexing="ij"))
    with np.errstate(divide="ignore"):
        return 1 / frequency, power


def octave_power(images: Images) -> tuple[float, ...]:
    """Return the power in each of `OCTAVES`, in squared units of the pictures."""
    wavelength, power = power_spectrum(images)
    return tuple(float(power[(wavelength >= low) & (wavelength < high)].sum()) for low, high in OCTAVES)


def octave_ratios(drawn: Images, real: Images) -> tuple[float, ...]:
    """Return the power of `drawn` over that of `real` in each of `OCTAVES`; 1: as much detail."""
    ours, theirs = as_pair(drawn, real)
    pairs = zip(octave_power(ours), octave_power(theirs), strict=True)
    return tuple(a / b if b > 0 else float(np.inf if a > 0 else 1) for a, b in pairs)


def spectral_slope(images: Images, shortest: float = 2.5, longest: float = 16.0) -> float:
    """Return b of the power law ``density ~ wavelength ** b``, fitted to octave thirds; white noise has 0.

    `shortest` and `longest` are wavelengths in pixels. Density is power per unit of area of the frequency
    plane, its mean over a ring.
    """
    wavelength, power = power_spectrum(images)
    count = max(2, round(3 * np.log2(longest / shortest)))
    edges = np.geomspace(shortest, longest, count + 1)
    rings = [(wavelength >= low) & (wavelength < high) for low, high in pairwise(edges)]
    centres, density = np.sqrt(edges[1:] * edges[:-1]), np.array([power[ring].mean() for ring in rings])
    slope, _ = np.polyfit(np.log(centres), np.log(np.maximum(density, 1e-30)), 1)
    return float(slope)


def _hann(side: int) -> Values:
    """Return the periodic Hann window of a side."""
    return np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
