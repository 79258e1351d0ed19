"""Solvers against the Gaussian's exact answer, their textbook forms, and each other."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from geoinfinite.denoiser import Array, Denoiser, from_epsilon, from_flow, from_sample, from_v
from geoinfinite.errors import WorldError
from geoinfinite.noise import NoiseField
from geoinfinite.samplers import SOLVERS, ab2, ddim, euler, evaluations, flow, heun, karras
from geoinfinite.window import Window

SPREAD = 0.5
FIELD = NoiseField(key=2**63 + 11, level=4, channels=3)
WINDOW = Window(-40, 57, 2**31 - 30, 2**31 + 41)


def noise(draw: int) -> np.ndarray:
    return FIELD(WINDOW, draw).astype(np.float64)


def gaussian(x: Array, sigma: float) -> Array:
    """The denoiser of x0 ~ N(0, SPREAD**2)."""
    return x * (SPREAD**2 / (SPREAD**2 + sigma**2))


def bent(x: Array, sigma: float) -> Array:
    """A denoiser that is linear neither in x nor in sigma."""
    return (x - 0.3) / (1 + sigma**2 + 0.2 * x * x) + 0.1 * math.sin(3 * sigma)


def gaussian_vp(z: Array, sigma: float) -> tuple[Array, Array]:
    """E[x0 | z] and E[e | z] of the variance-preserving state."""
    power = SPREAD**2 + sigma**2
    root = math.sqrt(1 + sigma**2)
    return SPREAD**2 * root / power * z, sigma * root / power * z


def velocity(z: Array, sigma: float) -> Array:
    x0, e = gaussian_vp(z, sigma)
    return (e - sigma * x0) / math.sqrt(1 + sigma**2)


def flow_velocity(z: Array, t: float) -> Array:
    return (t - (1 - t) * SPREAD**2) / (((1 - t) * SPREAD) ** 2 + t**2) * z


GAUSSIANS: dict[str, Denoiser] = {
    "closed form": gaussian,
    "epsilon": from_epsilon(lambda z, s: gaussian_vp(z, s)[1], timestep=float),
    "v": from_v(velocity, timestep=float),
    "sample": from_sample(lambda z, s: gaussian_vp(z, s)[0], timestep=float),
    "flow": from_flow(flow_velocity),
}
ORDERS = {"euler": (0.95, 1.15), "heun": (1.9, 2.25), "ab2": (1.8, 2.3), "ddim": (0.95, 1.15)}


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("kind", GAUSSIANS)
def test_order_of_convergence_on_the_exact_answer(kind: str, name: str) -> None:
    errors = []
    for steps in (20, 40, 80, 160):
        sigmas = karras(steps, 0.02, 20.0)[:-1]
        x = SOLVERS[name](GAUSSIANS[kind], 20.0 * 1.3, sigmas, None)
        exact = 26.0 * math.hypot(SPREAD, sigmas[-1]) / math.hypot(SPREAD, sigmas[0])
        errors.append(abs(x - exact))
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    low, high = ORDERS[name]
    assert all(low < order < high for order in orders), orders


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim_keeps_the_variance_of_the_data_whatever_eta(eta: float) -> None:
    sigmas = karras(300, 0.01, 40.0)
    x = ddim(gaussian, noise(0) * sigmas[0], sigmas, noise, eta=eta)
    assert x.std() == pytest.approx(SPREAD, rel=0.03)


def test_euler_is_the_textbook_step() -> None:
    sigmas = flow(9, shift=2.0)
    x = start = noise(0) * sigmas[0]
    for sigma, sigma_next in pairwise(sigmas):
        slope = (x - bent(x, sigma)) / sigma
        x = x + (sigma_next - sigma) * slope
    np.testing.assert_allclose(euler(bent, start, sigmas), x, rtol=1e-10, atol=1e-10)


def test_euler_on_a_flow_schedule_is_flow_matching_euler() -> None:
    def network(z: Array, t: float) -> Array:
        return np.tanh(1.3 * z - 0.2) * (0.4 + t) + 0.1

    sigmas = flow(11, shift=1.7, t_max=0.99)
    times = [s / (1 + s) for s in sigmas]
    z = times[0] * noise(0)
    for t, t_next in pairwise(times):
        z = z + (t_next - t) * network(z, t)
    x = euler(from_flow(network), noise(0) * sigmas[0], sigmas)
    np.testing.assert_allclose(x, z, rtol=1e-10, atol=1e-10)


def test_ddim_without_eta_is_euler_bit_for_bit() -> None:
    sigmas = karras(12, 0.03, 14.0)
    start = noise(0) * sigmas[0]
    assert ddim(bent, start, sigmas).tobytes() == euler(bent, start, sigmas).tobytes()


def test_ddim_draws_one_field_per_step_that_ends_in_noise() -> None:
    drawn = []

    def counting(i: int) -> Array:
        drawn.append(i)
        return noise(i)

    ddim(bent, noise(0) * 9.0, karras(5, 0.1, 9.0), counting, eta=1.0)
    assert drawn == [1, 2, 3, 4]
    drawn.clear()
    ddim(bent, noise(0) * 9.0, karras(5, 0.1, 9.0), counting, eta=0.0)
    assert drawn == []


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_evaluations_are_those_predicted(name: str, steps: int) -> None:
    calls = []

    def counting(x: Array, sigma: float) -> Array:
        calls.append(sigma)
        return bent(x, sigma)

    SOLVERS[name](counting, noise(0) * 80.0, karras(steps), noise)
    assert len(calls) == evaluations(name, steps)
    assert all(sigma > 0 for sigma in calls)


@pytest.mark.parametrize("name", [name for name in SOLVERS if name != "ab2"])
def test_a_schedule_cut_in_phases_gives_the_same_bits(name: str) -> None:
    sigmas = karras(10, 0.03, 14.0)
    start = noise(0) * sigmas[0]
    whole = SOLVERS[name](bent, start, sigmas, None)
    middle = SOLVERS[name](bent, start, sigmas[:5], None)
    assert SOLVERS[name](bent, middle, sigmas[4:], None).tobytes() == whole.tobytes()


def test_two_step_solvers_begin_a_phase_with_an_euler_step() -> None:
    sigmas = karras(10, 0.03, 14.0)
    start = noise(0) * sigmas[0]
    np.testing.assert_allclose(
        ab2(bent, start, sigmas[:2]), euler(bent, start, sigmas[:2]), rtol=1e-6, atol=1e-6
    )
    middle = ab2(bent, start, sigmas[:5])
    assert np.abs(ab2(bent, middle, sigmas[4:]) - ab2(bent, start, sigmas)).max() > 1e-6


@pytest.mark.parametrize("solve", [*SOLVERS.values(), partial(ddim, eta=0.7)], ids=[*SOLVERS, "ddim-eta"])
def test_numpy_and_torch_agree_and_the_callers_state_stays(solve: Callable[..., Array]) -> None:
    sigmas = karras(8, 0.05, 10.0)
    start = (noise(0) * sigmas[0]).astype(np.float32)
    kept, tensor = start.copy(), torch.from_numpy(start.copy())

    def draw(i: int) -> np.ndarray:
        return FIELD(WINDOW, i)

    x = solve(bent, start, sigmas, draw)
    t = solve(bent, tensor, sigmas, lambda i: torch.from_numpy(draw(i)))
    assert x.dtype == np.float32
    assert t.dtype == torch.float32
    np.testing.assert_allclose(t.numpy(), x, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(start, kept)
    np.testing.assert_array_equal(tensor.numpy(), kept)


def test_heun_is_more_accurate_than_euler_at_equal_evaluations() -> None:
    exact = 26.0 * SPREAD / math.hypot(SPREAD, 20.0)
    errors = {
        solve: abs(solve(gaussian, 26.0, karras(steps, 0.002, 20.0)) - exact)
        for solve, steps in ((heun, 64), (euler, 127))
    }
    assert errors[heun] < 0.2 * errors[euler]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ddim(bent, 1.0, [2.0, 0.0], eta=0.5), "eta=0.5 adds noise .* give noise, or eta"),
        (lambda: ddim(bent, 1.0, [2.0, 0.0], noise, eta=1.5), "eta=1.5 must be between 0"),
        (lambda: euler(bent, 1.0, [2.0]), r"sigmas=\(2.0,\) must be two or more decreasing"),
        (lambda: heun(bent, 1.0, [0.0, 2.0]), r"sigmas=\(0.0, 2.0\) must be .* decreasing"),
        (lambda: euler(bent, 1.0, [2.0, -1.0]), "none below 0"),
        (lambda: evaluations("rk4", 8), "solver='rk4' is not one of euler, heun, ab2, ddim"),
        (lambda: evaluations("euler", 0), "steps=0 must be at least 1"),
    ],
)
def test_impossible_calls_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        call()
