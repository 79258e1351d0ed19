"""Metrics of pixels and their nearest neighbours: colour, detail, consistency, variety."""

from __future__ import annotations

import numpy as np

from geoinfinite.evaluation.images import EvaluationError, Images, as_pair, as_stack, at_least, box_mean
from geoinfinite.evaluation.patches import laplacian_pyramid

BOX = 5
"""Side of the mean that is taken away to leave detail."""


def detail_spread(images: Images) -> float:
    """Return the standard deviation of pictures less their 5 x 5 means, in the pictures' units.

    Over flat places (open sea) it is the speckle.
    """
    stack = as_stack(images, "images")
    at_least(BOX, stack, "images")
    cut = BOX // 2
    return float((stack[..., cut:-cut, cut:-cut] - box_mean(stack, BOX)).std())


def colour_distance(drawn: Images, real: Images) -> float:
    """Return the Wasserstein distance between histograms, averaged over bands, in the pictures' units.

    It is the mean difference of values of equal rank: a picture 3 counts brighter everywhere is at 3.
    """
    ours, theirs = as_pair(drawn, real)
    bands = ours.shape[1]
    ranked = (np.sort(np.moveaxis(x, 1, 0).reshape(bands, -1), axis=1) for x in (ours, theirs))
    first, second = ranked
    return float(np.abs(first - second).mean())


def parent_error(drawn: Images, parent: Images, factor: int) -> tuple[float, float]:
    """Return the (largest, mean) absolute difference between block means and the parent, in units.

    `drawn` is ``(..., factor * y, factor * x)`` and `parent` ``(..., y, x)``.
    """
    fine, coarse = as_stack(drawn, "drawn"), as_stack(parent, "parent")
    images, bands, height, width = coarse.shape
    if fine.shape != (images, bands, height * factor, width * factor):
        raise EvaluationError(
            f"drawn has shape {fine.shape}, but parent {coarse.shape} and factor={factor} ask for "
            f"{(images, bands, height * factor, width * factor)}; cut drawn to whole blocks of its parent"
        )
    means = fine.reshape(images, bands, height, factor, width, factor).mean((3, 5))
    error = np.abs(means - coarse)
    return float(error.max()), float(error.mean())


def diversity(first: Images, second: Images, base: Images) -> float:
    """Return the RMS difference of two seeds' pictures, over that of unrelated ones; 0: they are equal.

    `base` is what both were drawn around, the enlarged parent: unrelated details around it differ by the
    square root of the sum of their squares, which gives 1. Where the parent decides some of the detail,
    the value is lower.
    """
    one, other = as_pair(first, second)
    centre, _ = as_pair(base, second)
    apart = np.square(one - other).mean()
    detail = np.square(one - centre).mean() + np.square(other - centre).mean()
    return float(np.sqrt(apart / detail)) if detail > 0 else 0.0


def contrast_kurtosis(images: Images) -> float:
    """Return the kurtosis of the finest Laplacian level: 3 for noise, more for pictures with edges."""
    finest = laplacian_pyramid(images, 1)[0]
    centred = finest - finest.mean((2, 3), keepdims=True)
    variance = np.square(centred).mean()
    return float((centred**4).mean() / variance**2) if variance > 0 else 0.0
