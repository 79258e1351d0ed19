"""SatCLIP's harmonics against another library, and its network against the formulas of its page."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from geoinfinite.errors import ModelError
from geoinfinite.models.networks.satclip import LocationEncoder, harmonics

PLACES = [(-157.5, 3.0), (153.3167, -27.862), (179.999, 49.9), (-180.0, -50.0), (0.0, 12.5), (11.5, 48.1)]


def orthonormal(lon: float, lat: float, degrees: int) -> list[float]:
    """Real spherical harmonics from the complex ones of scipy, without the sign of Condon and Shortley."""
    theta, phi = math.radians(lat + 90), math.radians(lon + 180)
    found = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), theta, phi) * (-1) ** order
            found.append(
                value.real if order == 0 else math.sqrt(2) * (value.imag if order < 0 else value.real)
            )
    return found


def orders(degrees: int) -> np.ndarray:
    return np.array([order for degree in range(degrees) for order in range(-degree, degree + 1)])


@pytest.mark.parametrize("degrees", [1, 2, 3, 40])
def test_harmonics(degrees) -> None:
    lon, lat = zip(*PLACES, strict=True)
    found = harmonics(lon, lat, degrees)
    assert found.shape == (len(PLACES), degrees**2)
    assert found.dtype == np.float64
    scale = np.where(orders(degrees) == 0, math.pi, 1.0)
    for place, values in zip(PLACES, found, strict=True):
        assert np.abs(values - scale * orthonormal(*place, degrees)).max() < 1e-11


@pytest.mark.parametrize("lat", [60.0, -71.5, 85.0, 89.99, 90.0, -90.0])
def test_harmonics_near_the_poles(lat) -> None:
    scale = np.where(orders(40) == 0, math.pi, 1.0)
    assert np.abs(harmonics([20.0], [lat])[0] - scale * orthonormal(20.0, lat, 40)).max() < 1e-11


def test_expanded_polynomials_are_no_reference_far_from_the_equator() -> None:
    def expanded(lat: float) -> float:
        """Degree 39, order 1, by a polynomial whose coefficients have 15 digits."""
        series = np.polynomial.legendre.Legendre.basis(39).deriv()
        powers = [float(f"{c:.15g}") for c in np.polynomial.legendre.leg2poly(series.coef)]
        cos = math.cos(math.radians(lat + 90))
        scale = math.sqrt(2 * 79 / (4 * math.pi) / (39 * 40))
        return scale * sum(c * cos**k for k, c in enumerate(powers)) * math.sqrt(1 - cos**2)

    def ours(lat: float) -> float:
        # At longitude 180 the angle phi is a whole turn, and its cosine 1.
        return float(harmonics([180.0], [lat])[0][39**2 + 40])

    assert abs(expanded(20.0) - ours(20.0)) < 1e-7
    assert abs(expanded(70.0) - ours(70.0)) > 1e-4


def test_a_place_does_not_depend_on_others() -> None:
    lon, lat = zip(*PLACES, strict=True)
    together = harmonics(lon, lat)
    for number, (x, y) in enumerate(PLACES):
        assert np.array_equal(harmonics([x], [y])[0], together[number])
    # The same meridian by both of its names.
    assert np.abs(harmonics([180.0], [31.0]) - harmonics([-180.0], [31.0])).max() < 1e-12


def weights(*widths: int) -> dict[str, torch.Tensor]:
    """Tensors by their published names, each of its own values."""
    tensors = {}
    last = len(widths) - 2
    for i in range(len(widths) - 1):
        base = "nnet.last_layer" if i == last else f"nnet.layers.{i}"
        count = widths[i] * widths[i + 1]
        tensors[f"{base}.weight"] = (
            torch.linspace(-1, 1, count, dtype=torch.float64).sin().reshape(widths[i + 1], -1)
        )
        tensors[f"{base}.bias"] = torch.linspace(0.1, 0.3, widths[i + 1], dtype=torch.float64)
    return {name: tensor.float() for name, tensor in tensors.items()}


@pytest.mark.parametrize("prefix", ["", "model.location."])
def test_the_network(prefix) -> None:
    tensors = weights(25, 7, 6, 3)
    named = {prefix + name: tensor for name, tensor in tensors.items()}
    encoder = LocationEncoder.sized(LocationEncoder.renamed(named)[0])
    lon, lat = zip(*PLACES, strict=True)
    found = encoder(torch.tensor(PLACES, dtype=torch.float64))
    x = harmonics(lon, lat, 5)
    # By hand: a first frequency of 30, then 1, and no sine at the end.
    t = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    x = np.sin(30 * (x @ t["nnet.layers.0.weight"].T + t["nnet.layers.0.bias"]))
    x = np.sin(x @ t["nnet.layers.1.weight"].T + t["nnet.layers.1.bias"])
    wanted = x @ t["nnet.last_layer.weight"].T + t["nnet.last_layer.bias"]
    assert found.dtype == torch.float64
    assert np.abs(found.numpy() - wanted).max() < 1e-12


def test_the_network_of_a_place_does_not_depend_on_others() -> None:
    encoder = LocationEncoder.sized(LocationEncoder.renamed(weights(25, 7, 6, 3))[0])
    together = encoder(torch.tensor(PLACES, dtype=torch.float64))
    for number, place in enumerate(PLACES):
        alone = encoder(torch.tensor([place], dtype=torch.float64))[0]
        assert float((alone - together[number]).abs().max()) < 1e-12


def test_autocast_leaves_it_alone() -> None:
    encoder = LocationEncoder.sized(LocationEncoder.renamed(weights(16, 8, 4))[0])
    places = torch.tensor(PLACES, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(places)
    assert torch.equal(found, encoder(places))


def test_tensors_that_make_no_encoder() -> None:
    kept, _ = LocationEncoder.renamed(weights(16, 8, 8, 4))
    with pytest.raises(
        ModelError, match=r"takes a square number of harmonics, and 'layers\.0\.weight' takes 15"
    ):
        LocationEncoder.sized(kept | {"layers.0.weight": kept["layers.0.weight"][:, 1:]})
    with pytest.raises(
        ModelError, match=r"the location encoder lacks the tensor 'layers\.0\.weight'; copy the"
    ):
        LocationEncoder.sized({})
    with pytest.raises(
        ModelError, match=r"has the tensor 'layers\.1\.weight' of shape \(8, 8\), .* holds \(8, 7\)"
    ):
        LocationEncoder.sized(kept | {"layers.1.weight": kept["layers.1.weight"][:, 1:]})
