"""Traces of a tiling: statistics of a picture that depend on where a tile began."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geoinfinite.evaluation.images import Images, Values, as_stack, at_least, box_mean


def seam_phase_ratio(images: Images, stride: int, origin: tuple[int, int] = (0, 0)) -> tuple[float, float]:
    """Return (rows, columns): the largest over the median mean step by phase modulo the stride; 1 is ideal.

    `origin` is the (row, column) of the pictures' first pixel on their level. Needs several strides, or
    pictures, per axis: with few of them the ratio is above 1 by chance.
    """
    stack = as_stack(images, "images")
    at_least(2 * stride, stack, "images")
    return _ratio(stack, 2, stride, origin[0]), _ratio(stack, 3, stride, origin[1])


def _ratio(stack: Values, axis: int, stride: int, start: int) -> float:
    """Return max / median over phases of the mean step into a row or column."""
    others = tuple({0, 1, 2, 3} - {axis})
    steps = np.abs(np.diff(stack, axis=axis)).mean(others)
    phase = (start + 1 + np.arange(steps.size)) % stride
    profile = np.bincount(phase, steps, stride) / np.bincount(phase, minlength=stride)
    middle = float(np.median(profile))
    return float(profile.max()) / middle if middle > 0 else 1.0


def repetition(images: Images, lags: Sequence[int], smooth: int = 8) -> tuple[float, ...]:
    """Return, per lag, by how much detail resembles itself that far away, along the worse axis.

    A correlation, 0 where nothing repeats: detail is the picture less its mean over boxes of `smooth`
    pixels, and the correlation expected at a lag, the mean of those 2 and 3 pixels to its sides, is
    taken away. Give the stride, the tile and twice the tile.
    """
    stack = as_stack(images, "images")
    at_least(max(lags) + 2 * smooth, stack, "images")
    detail = _detail(stack, smooth)
    return tuple(max(_excess(detail, axis, lag) for axis in (2, 3)) for lag in lags)


def _excess(detail: Values, axis: int, lag: int) -> float:
    beside = [_correlation(detail, axis, lag + offset) for offset in (-3, -2, 2, 3)]
    return _correlation(detail, axis, lag) - float(np.mean(beside))


def _correlation(detail: Values, axis: int, lag: int) -> float:
    near, far = np.moveaxis(detail, axis, -1)[..., :-lag], np.moveaxis(detail, axis, -1)[..., lag:]
    scale = np.sqrt(np.square(near).mean() * np.square(far).mean())
    return float((near * far).mean() / scale) if scale > 0 else 0.0


def _detail(stack: Values, box: int) -> Values:
    """Return pictures less their box means, cut where the box would not fit."""
    mean = box_mean(stack, box)
    cut = box // 2
    height, width = mean.shape[-2:]
    inner = stack[..., cut : cut + height, cut : cut + width]
    return np.asarray(inner - mean)
