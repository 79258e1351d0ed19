"""SatCLIP's location encoder: a vector for a place on the Earth, from real spherical harmonics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, misfit, numbered, renamed_by, shape_of

WHAT = "the location encoder"
FIRST_FREQUENCY = 30.0
"""By which the first layer's answer is multiplied before its sine; 1 for the others."""


def harmonics(lon: Sequence[float], lat: Sequence[float], degrees: int = 40) -> NDArray[np.float64]:
    """Return SatCLIP's harmonics ``(point, degrees ** 2)`` of places in degrees of longitude and latitude.

    In order of the degree l, then of m from -l to l: ``sin(|m| phi)`` for m < 0, ``cos(m phi)`` otherwise,
    with ``phi = lon + 180`` and ``theta = lat + 90`` in degrees; orthonormal, and without the Condon-Shortley
    sign. But the terms with m = 0 are pi times larger: as published, and as the network was trained on them.

    The Legendre functions are a recursion in l that is stable at every latitude. The published code expands
    them to polynomials with coefficients of 15 digits, which differ by 6e-5 at 50 degrees of latitude and by
    1e-3 and more beyond 60: there the network was trained on other numbers than these.

    Source: SatCLIP (arXiv:2311.17179); Holmes and Featherstone (2002), equations 11 to 13.

    >>> harmonics([0.0], [0.0], 1).round(4)
    array([[0.8862]])
    """
    return np.array([_of_point(float(x), float(y), degrees) for x, y in zip(lon, lat, strict=True)])


def _of_point(lon: float, lat: float, degrees: int) -> list[float]:
    """Return the harmonics of one point; by plain numbers, so that its bits do not depend on other points."""
    phi, theta = math.radians(lon + 180), math.radians(lat + 90)
    legendre = [_legendre(m, degrees, math.cos(theta), math.sin(theta)) for m in range(degrees)]
    found = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            m = abs(order)
            wave = math.sin(m * phi) if order < 0 else math.cos(m * phi)
            # What makes the others orthonormal is sqrt(2); the published terms with m = 0 have pi.
            found.append((math.sqrt(2) * wave if m else math.pi) * legendre[m][degree - m])
    return found


def _legendre(m: int, degrees: int, cos: float, sin: float) -> list[float]:
    """Return the normalised associated Legendre functions of order m, for degrees m to ``degrees - 1``."""
    first = math.sqrt(1 / (4 * math.pi))
    for k in range(1, m + 1):
        first *= sin * math.sqrt((2 * k + 1) / (2 * k))
    found = [first, cos * math.sqrt(2 * m + 3) * first]
    for n in range(m + 2, degrees):
        a = math.sqrt((4 * n * n - 1) / (n * n - m * m))
        b = math.sqrt(((n - 1) ** 2 - m * m) / (4 * (n - 1) ** 2 - 1))
        found.append(a * (cos * found[-1] - b * found[-2]))
    return found[: degrees - m]


class LocationEncoder(nn.Module):
    """Harmonics, then layers with a sine after each but the last (SIREN), in float64 throughout.

    Source: SatCLIP (arXiv:2311.17179); SIREN (arXiv:2006.09661).
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.degrees = math.isqrt(widths[0])
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> LocationEncoder:
        """Return the encoder whose tensors these are; raise `ModelError` if they make none."""
        names = [f"layers.{i}.weight" for i in range(max(numbered(tensors, "layers."), 1))]
        shapes = [shape_of(tensors, name, 2, WHAT) for name in names]
        widths = [shapes[0][1], *(shape[0] for shape in shapes)]
        if math.isqrt(widths[0]) ** 2 != widths[0]:
            raise misfit(WHAT, f"takes a square number of harmonics, and 'layers.0.weight' takes {widths[0]}")
        return loaded(lambda: cls(widths), tensors, WHAT, torch.float64)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``nnet.layers.{i}.*``, ``nnet.last_layer.*`` under this module's names.

        Whatever stands before ``nnet`` is left out.
        """
        bare = {name.rpartition("nnet.")[2]: tensor for name, tensor in tensors.items()}
        return renamed_by(bare, {"last_layer.": f"layers.{numbered(bare, 'layers.')}."}), frozenset()

    def forward(self, degrees: Tensor) -> Tensor:
        """Return float64 vectors ``(tile, out)`` of ``(tile, 2)``: longitudes and latitudes in degrees."""
        lon, lat = degrees.detach().cpu().double().T.tolist()
        with torch.autocast(degrees.device.type, enabled=False):
            x = torch.from_numpy(harmonics(lon, lat, self.degrees)).to(degrees.device)
            for number, layer in enumerate(self.layers[:-1]):
                x = torch.sin((1.0 if number else FIRST_FREQUENCY) * layer(x))
            return cast(Tensor, self.layers[-1](x))
