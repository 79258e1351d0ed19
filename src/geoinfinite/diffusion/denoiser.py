"""Denoisers D(x, sigma) -> x0, and how they are made of networks that predict noise, v, x0 or velocity.

A state is ``x = x0 + sigma * e`` with e standard normal: the variance-exploding convention, in
which sigma is the noise's standard deviation in data units. Networks are trained on a scaled state:

==================  =====================================  ============================
family              sigma                                  input of the network
==================  =====================================  ============================
variance-preserving ``sqrt(1 - abar) / sqrt(abar)``        ``x / sqrt(1 + sigma**2)``
flow                ``t / (1 - t)``                        ``x / (1 + sigma)``
==================  =====================================  ============================

Arrays are NumPy's or torch's: only operators touch them, and sigma is a Python float, so that
the dtype and the device stay the network's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

# NumPy array or torch tensor: what they share is operators, which no common type describes.
Array: TypeAlias = Any

Network: TypeAlias = Callable[[Array, Any], Array]
"""Raw weights: (scaled state, timestep) -> prediction, of the state's shape."""

Timestep: TypeAlias = Callable[[float], Any]
"""sigma -> whatever the network is told of it."""


class Denoiser(Protocol):
    """A model of clean data: the expectation of x0 given ``x = x0 + sigma * e``."""

    def __call__(self, x: Array, sigma: float, /) -> Array:
        """Return the estimate of x0, shaped and placed as ``x``, which stays as it is."""


def flow_time(sigma: float) -> float:
    """Return the flow's time, 0 at data and 1 at noise: ``sigma = t / (1 - t)``.

    >>> flow_time(3.0)
    0.75
    """
    return sigma / (1 + sigma)


def from_epsilon(network: Network, timestep: Timestep) -> Denoiser:
    """Return the denoiser of a network that predicts the noise e: ``x0 = x - sigma e``.

    Variance-preserving (Ho et al. 2020, equation 15).

    >>> from_epsilon(lambda z, t: z, timestep=float)(5.0, 0.75)
    2.0
    """

    def denoise(x: Array, sigma: float) -> Array:
        return x - sigma * network(x / math.sqrt(1 + sigma**2), timestep(sigma))

    return denoise


def from_v(network: Network, timestep: Timestep) -> Denoiser:
    """Return the denoiser of a network that predicts ``v = sqrt(abar) e - sqrt(1 - abar) x0``.

    Variance-preserving (Salimans and Ho 2022, appendix D): x0 = sqrt(abar) z - sqrt(1 - abar) v
    for the scaled state z.

    >>> from_v(lambda z, t: 2.0, timestep=float)(6.25, 0.75)
    2.8
    """

    def denoise(x: Array, sigma: float) -> Array:
        scale = math.sqrt(1 + sigma**2)
        z = x / scale
        return (z - sigma * network(z, timestep(sigma))) / scale

    return denoise


def from_sample(network: Network, timestep: Timestep) -> Denoiser:
    """Return the denoiser of a network that predicts x0 itself from the scaled state.

    Variance-preserving.

    >>> from_sample(lambda z, t: z / 2, timestep=float)(5.0, 0.75)
    2.0
    """

    def denoise(x: Array, sigma: float) -> Array:
        return network(x / math.sqrt(1 + sigma**2), timestep(sigma))

    return denoise


def from_flow(network: Network, timestep: Timestep = flow_time) -> Denoiser:
    """Return the denoiser of a network that predicts the velocity ``u = e - x0``.

    Flow matching on the straight path ``z = (1 - t) x0 + t e`` (Lipman et al. 2023; Liu et al.
    2023): x0 = z - t u. Some networks want another multiple of t, such as 1000 t.

    >>> from_flow(lambda z, t: 1.0)(8.0, 3.0)
    1.25
    """

    def denoise(x: Array, sigma: float) -> Array:
        z = x / (1 + sigma)
        # The state that was made here is changed in place: half of the time would go into moving memory.
        z -= flow_time(sigma) * network(z, timestep(sigma))
        return z

    return denoise
