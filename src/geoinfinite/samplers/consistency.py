"""Denoisers that are held to the parent at every step: a change of the estimate, not of the solver."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoinfinite.diffusion.denoiser import Denoiser
from geoinfinite.plane.resample import coarsen_mean, project_mean

Array = NDArray[np.float32]


class Imaging(Protocol):
    """A denoiser whose estimates are images of some kind."""

    def denoise(self, x: Any, sigma: float) -> Any:
        """Return the estimate of x0."""

    def image(self, x0: Any) -> Array:
        """Return the image of an estimate, ``(tile, band, y, x)``."""

    def encode(self, image: Array) -> Any:
        """Return the estimate of an image."""


def drawn_towards(model: Imaging, wanted: Array, weights: Array, factor: int, denoiser: Denoiser) -> Denoiser:
    """Return a denoiser whose estimates are moved towards wanted block means, as far as weights say.

    ``wanted`` is ``(tile, band, y, x)`` and ``weights`` ``(tile, 1, y, x)`` in 0..1, both on blocks of
    ``factor`` pixels. The share of the way is ``weights / (1 + sigma^2)``: little while all is noise. Sources
    as for `consistent`, whose ``"guide"`` it is where all weights are 1.
    """

    def denoise(x: Any, sigma: float) -> Any:
        x0 = denoiser(x, sigma)
        image = model.image(x0)
        means = coarsen_mean(image, factor)
        moved = project_mean(image, means + weights * (wanted - means), factor)
        return x0 + (model.encode(moved) - model.encode(image)) * (1 / (1 + sigma**2))

    return denoise


def consistent(
    model: Imaging, parents: Array | None, factor: int, how: str, denoiser: Denoiser | None = None
) -> Denoiser:
    """Return the model's denoiser, its estimates corrected towards images that coarsen to the parent.

    ``denoiser`` is corrected instead where it is given: the model's, guided by what it is told.
    With I the image of x0 and I' the nearest image that coarsens to the parents ``(tile, band, y, x)``,
    the estimate becomes ``x0 + share (enc(I') - enc(I))``. The difference cancels what a latent model's
    encoder loses; for pixels it is the null-space step of DDNM. ``"project"`` takes the whole way at
    every step, ``"guide"`` the share 1 / (1 + sigma^2): little while all is noise, all of it at the end.

    Source: Wang et al. 2023 (arXiv:2212.00490), equation 9; the share is that of Song et al. 2023
    (PiGDM), r^2 = sigma^2 / (1 + sigma^2), of data with unit variance; the latent form follows ZoomLDM,
    Yellapragada et al. 2025 (arXiv:2411.16969).
    """
    estimate = model.denoise if denoiser is None else denoiser
    if parents is None:
        return estimate

    def denoise(x: Any, sigma: float) -> Any:
        x0 = estimate(x, sigma)
        image = model.image(x0)
        error = model.encode(project_mean(image, parents, factor)) - model.encode(image)
        share = 1.0 if how == "project" else 1 / (1 + sigma**2)
        return x0 + share * error

    return denoise
