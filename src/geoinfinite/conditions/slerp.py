"""Spherical interpolation: between the directions of vectors and not along the straight line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEARLY_ALIKE = 0.9995
"""Cosine of an angle beyond which, either way, vectors are interpolated along a straight line."""

Vectors = NDArray[np.float64]


def slerp(one: Vectors, other: Vectors, share: NDArray[np.float64]) -> Vectors:
    """Return vectors ``(point, channel)`` between two, ``share`` ``(point,)`` of the way to the other.

    Both are weighted by sines of the angle between them, lengths as they are. A share of 0 or 1 gives a
    vector itself, bit for bit; a vector of length 0 has no direction, and a straight line leads to it.
    Source: Shoemake 1985, "Animating rotation with quaternion curves", as Large-Image-Diffusion
    (arXiv:2312.07330) applies it to embeddings.

    >>> slerp(np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([0.5])).round(4).tolist()
    [[1.4142, 1.4142]]
    """
    lengths = np.sqrt(_dot(one, one) * _dot(other, other))
    cosine = _dot(one, other) / np.where(lengths > 0, lengths, 1)
    straight = (np.abs(cosine) > NEARLY_ALIKE) | (lengths == 0)
    angle = np.arccos(np.where(straight, 0, cosine))
    near = np.where(straight, 1 - share, np.sin((1 - share) * angle) / np.sin(angle))[:, None]
    far = np.where(straight, share, np.sin(share * angle) / np.sin(angle))[:, None]
    at = share[:, None]
    return np.where(at == 0, one, np.where(at == 1, other, near * one + far * other))


def _dot(one: Vectors, other: Vectors) -> NDArray[np.float64]:
    """Return sums over channels, which lie side by side: their order does not depend on other points."""
    products = np.ascontiguousarray(one * other)
    return np.asarray(products.sum(axis=-1))
