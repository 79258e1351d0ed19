"""Every prediction type, through its adapter, is the same denoiser: the Gaussian's closed form."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from geoinfinite.diffusion.denoiser import (
    Array,
    Denoiser,
    flow_time,
    from_epsilon,
    from_flow,
    from_sample,
    from_v,
)

SPREAD = 0.5
SIGMAS = [1e-3, 0.3, 1.0, 7.0, 500.0]


def posterior(z: Array, signal: float, noise: float) -> tuple[Array, Array]:
    """E[x0 | z] and E[e | z] for ``z = signal * x0 + noise * e``, x0 ~ N(0, SPREAD**2)."""
    power = (signal * SPREAD) ** 2 + noise**2
    return signal * SPREAD**2 / power * z, noise / power * z


def vp(sigma: float) -> tuple[float, float]:
    abar = 1 / (1 + sigma**2)
    return math.sqrt(abar), math.sqrt(1 - abar)


def predict_epsilon(z: Array, sigma: float) -> Array:
    return posterior(z, *vp(sigma))[1]


def predict_v(z: Array, sigma: float) -> Array:
    (signal, noise), (x0, e) = vp(sigma), posterior(z, *vp(sigma))
    return signal * e - noise * x0


def predict_sample(z: Array, sigma: float) -> Array:
    return posterior(z, *vp(sigma))[0]


def predict_velocity(z: Array, t: float) -> Array:
    x0, e = posterior(z, 1 - t, t)
    return e - x0


DENOISERS: dict[str, Denoiser] = {
    "epsilon": from_epsilon(predict_epsilon, timestep=float),
    "v": from_v(predict_v, timestep=float),
    "sample": from_sample(predict_sample, timestep=float),
    "flow": from_flow(predict_velocity),
}
STATE = np.linspace(-3, 5, 24).reshape(2, 3, 4)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("kind", DENOISERS)
def test_adapter_gives_the_posterior_mean(kind: str, sigma: float) -> None:
    x = STATE * math.hypot(SPREAD, sigma)
    exact = x * SPREAD**2 / (SPREAD**2 + sigma**2)
    np.testing.assert_allclose(DENOISERS[kind](x, sigma), exact, rtol=1e-9, atol=1e-10 * sigma)


@pytest.mark.parametrize("kind", DENOISERS)
def test_adapter_keeps_float32_and_the_callers_state(kind: str) -> None:
    x = STATE.astype(np.float32)
    kept = x.copy()
    assert DENOISERS[kind](x, 0.7).dtype == np.float32
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("kind", DENOISERS)
def test_adapter_takes_torch_as_it_takes_numpy(kind: str) -> None:
    x = STATE.astype(np.float32)
    torched = DENOISERS[kind](torch.from_numpy(x), 0.7)
    assert isinstance(torched, torch.Tensor)
    np.testing.assert_allclose(torched.numpy(), DENOISERS[kind](x, 0.7), rtol=1e-6)


@pytest.mark.parametrize("adapter", [from_epsilon, from_v, from_sample, from_flow])
def test_network_gets_the_timestep_that_the_function_gives(
    adapter: Callable[..., Denoiser],
) -> None:
    seen = []

    def network(z: Array, t: object) -> Array:
        seen.append(t)
        return z

    adapter(network, timestep=lambda sigma: f"t of {sigma}")(STATE, 2.5)
    assert seen == ["t of 2.5"]


def test_network_gets_a_state_of_the_variance_it_was_trained_on() -> None:
    """Unit data plus noise of any sigma: VP networks see variance 1, flow networks the path's."""
    seen = []

    def network(z: Array, t: object) -> Array:
        seen.append(float(z))
        return z

    for sigma in SIGMAS:
        from_epsilon(network, timestep=float)(math.hypot(1, sigma), sigma)
        from_flow(network)(math.hypot(1, sigma), sigma)
        t = flow_time(sigma)
        assert seen[-2:] == pytest.approx([1.0, math.hypot(1 - t, t)])


def test_flow_time_inverts_sigma() -> None:
    for sigma in SIGMAS:
        t = flow_time(sigma)
        assert t / (1 - t) == pytest.approx(sigma)
