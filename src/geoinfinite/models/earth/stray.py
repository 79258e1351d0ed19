"""Stray colour: what detail has along the direction in which the parent's colours vary least nearby.

A few pixels show few things, water and land or two crops, and their colours lie near a line or a plane.
Detail that leaves it is a hue which is nowhere nearby, and from level to level a rainbow of them: children
take the colours of such a pixel for what there is.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

ROUNDING = (1 / 127.5) ** 2 / 12
"""Variance of a value in [-1, 1] that a byte holds: of less than this nothing is known."""


def least_varied(covariance: Tensor) -> Tensor:
    """Return the inverses of covariances (B, 3, 3, H, W), each divided by its trace.

    Their eigenvalues add up to 1 and are in inverse proportion to the variances: where one direction has much
    less than the others, it is the projection onto that direction, and where none has, a third of everything.
    """
    diagonal = [covariance[:, axis, axis] + ROUNDING for axis in range(3)]
    total = diagonal[0] + diagonal[1] + diagonal[2]
    a, b, c = (variance / total for variance in diagonal)
    ab, ac, bc = (covariance[:, i, j] / total for i, j in ((0, 1), (0, 2), (1, 2)))
    # The adjugate is the inverse but for a factor, and no division by a determinant near 0.
    first, second, third = b * c - bc * bc, a * c - ac * ac, a * b - ab * ab
    one_two, one_three, two_three = ac * bc - ab * c, ab * bc - ac * b, ab * ac - bc * a
    rows = [(first, one_two, one_three), (one_two, second, two_three), (one_three, two_three, third)]
    return torch.stack([torch.stack(row, 1) for row in rows], 1) / (first + second + third)[:, None, None]


def matrices(directions: Tensor, unit: Tensor) -> Tensor:
    """Return the matrices (B, 3, 3, T, T) that take the stray part out of detail in units (B, 3, T, T).

    `directions` (B, 9, T, T) are those of `least_varied`, row by row.
    """
    places = itertools.product(range(3), range(3))
    entries = [directions[:, 3 * i + j] * (unit[:, j] / unit[:, i]) for i, j in places]
    return torch.stack(entries, 1).reshape(len(unit), 3, 3, *unit.shape[2:])


def stray_part(detail: Tensor, matrices: Tensor) -> Tensor:
    """Return the stray part (B, 3, T, T) of detail, given matrices (B, 3, 3, T, T)."""
    first, second, third = (matrices[:, :, axis] * detail[:, axis, None] for axis in range(3))
    return first + second + third
