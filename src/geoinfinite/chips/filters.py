"""Measures of quality: functions of a chip that give a number. They describe chips and never remove any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.chips.chip import Chip
from geoinfinite.errors import WorldError

Filter: TypeAlias = Callable[[Chip], float]
"""A function of a chip that gives a number, which becomes a column."""
_DIGITS = 9
"""Digits that are kept, so that files have the same bytes wherever sums are added in another order."""


def brightness(chip: Chip) -> float:
    """Return the mean of all bands, 0 to 1 over the range of the dtype."""
    return float(chip.unit_pixels.mean())


def contrast(chip: Chip) -> float:
    """Return the standard deviation of the grey picture, 0 to 0.5."""
    return float(_grey(chip).std())


def sharpness(chip: Chip) -> float:
    """Return the standard deviation of the Laplacian of the grey picture; a flat picture has 0.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000 (its square).
    """
    grey = _grey(chip)
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * middle).std())


def clipped(chip: Chip) -> float:
    """Return the share of values at either end of the dtype's range, 0 to 1."""
    values = chip.unit_pixels
    return float(((values <= 0) | (values >= 1)).mean())


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """The mean agreement of a scorer with the labels of a chip; NaN where there are no labels.

    ``scorer(pixels, name)`` gets the pixels ``(band, y, x)`` of the upright box about a label, 0 to 1, and
    the name of its class, and returns how well they agree, 0 to 1: a classifier's probability, or an image
    and text model's.
    """

    scorer: Callable[[NDArray[np.float64], str], float]

    def __call__(self, chip: Chip) -> float:
        """Return the mean over the labels of a chip."""
        if not chip.boxes:
            return float("nan")
        height, width = chip.window.shape
        values, scores = chip.unit_pixels, []
        for label in chip.boxes:
            x0, y0 = np.floor(label.corners.min(axis=0)).astype(int).clip(0)
            x1, y1 = np.ceil(label.corners.max(axis=0)).astype(int)
            cut = values[:, y0 : min(max(y1, y0 + 1), height), x0 : min(max(x1, x0 + 1), width)]
            scores.append(float(self.scorer(cut, label.name)))
        return float(np.mean(scores))


FILTERS: Mapping[str, Filter] = {
    "brightness": brightness,
    "clipped": clipped,
    "contrast": contrast,
    "sharpness": sharpness,
}
"""The filters that need nothing but pixels, by name."""


def scores(chip: Chip, filters: Mapping[str, Filter]) -> dict[str, float]:
    """Return what filters say of a chip, by name.

    Raises `WorldError` for a filter whose answer is no number.
    """
    return {name: _number(name, one(chip)) for name, one in filters.items()}


def _number(name: str, value: Any) -> float:
    try:
        return round(float(value), _DIGITS)
    except (TypeError, ValueError) as error:
        raise WorldError(
            f"filters={{{name!r}: ...}} returned {value!r}, and a filter gives a number; return one"
        ) from error


def _grey(chip: Chip) -> NDArray[np.float64]:
    return np.asarray(chip.unit_pixels.mean(axis=0))
