"""Measures of quality: numbers that describe chips."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from geoinfinite.chips import FILTERS, Chip, ClassAgreement
from geoinfinite.chips.boxes import BoxLabel
from geoinfinite.chips.filters import scores
from geoinfinite.chips.source import source_of
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.recipe.recipe import Recipe


def chip(patch: Recipe, pixels: np.ndarray, boxes: tuple[BoxLabel, ...] = ()) -> Chip:
    window = Window(8, 8 + pixels.shape[1], 4, 4 + pixels.shape[2])
    return Chip(source_of(patch, 2), window, pixels, boxes)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (3, 40, 56)).astype(np.uint8)


def test_filters_are_what_others_compute(patch: Recipe, picture: np.ndarray) -> None:
    picture[:, 3, :20] = 255
    found = scores(chip(patch, picture), FILTERS)
    grey = (picture / 255).mean(axis=0)
    assert found["brightness"] == pytest.approx(picture.mean() / 255)
    assert found["contrast"] == pytest.approx(grey.std())
    assert found["clipped"] == pytest.approx(np.isin(picture, (0, 255)).mean())
    assert found["sharpness"] == pytest.approx(ndimage.laplace(grey)[1:-1, 1:-1].std())


def test_a_blurred_picture_is_less_sharp_and_no_darker(patch: Recipe, picture: np.ndarray) -> None:
    blurred = ndimage.gaussian_filter(picture.astype(float), (0, 2, 2), mode="wrap").round().astype(np.uint8)
    here, there = (scores(chip(patch, pixels), FILTERS) for pixels in (picture, blurred))
    assert there["sharpness"] < here["sharpness"] / 5
    assert there["brightness"] == pytest.approx(here["brightness"], abs=0.01)


def test_agreement_asks_the_scorer_of_every_label(patch: Recipe, picture: np.ndarray) -> None:
    picture[:, 10:20, 30:50] = 200
    corners = np.array([[30.0, 10.0], [50.0, 10.0], [50.0, 20.0], [30.0, 20.0]])
    outside = corners - (30, 10)
    labels = tuple(
        BoxLabel("a/1", name, 0, place, None, place, 1.0)
        for name, place in (("ship", corners), ("crane", outside))
    )

    def scorer(pixels: np.ndarray, name: str) -> float:
        assert pixels.shape == (3, 10, 20)
        return float(name == "ship") * float((pixels == 200 / 255).all())

    filters = {"agreement": ClassAgreement(scorer)}
    assert scores(chip(patch, picture, labels), filters) == {"agreement": 0.5}
    assert np.isnan(scores(chip(patch, picture), filters)["agreement"])


def test_a_filter_that_gives_no_number_is_refused(patch: Recipe, picture: np.ndarray) -> None:
    with pytest.raises(
        WorldError, match=r"filters=\{'mine': \.\.\.\} returned 'good', and a filter gives a number"
    ):
        scores(chip(patch, picture), {"mine": lambda _: "good"})
