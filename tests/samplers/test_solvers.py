"""Solvers against the Gaussian's exact answer, their textbook forms, and each other."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from geoinfinite.diffusion.denoiser import Array, Denoiser, from_epsilon, from_flow, from_sample, from_v
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.samplers import (
    SOLVERS,
    ab2,
    ddim,
    dpmpp_2m,
    dpmpp_2s,
    dpmpp_3m,
    euler,
    euler_ancestral,
    evaluations,
    flow,
    heun,
    karras,
    lcm,
)
from geoinfinite.samplers.stepping import Course, Solver

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
# The solvers that follow the ODE, with the range of their order.
ORDERS = {
    "euler": (0.95, 1.15),
    "ddim": (0.95, 1.15),
    "heun": (1.9, 2.25),
    "ab2": (1.8, 2.3),
    "dpmpp_2m": (1.9, 2.3),
    "dpmpp_2s": (1.8, 2.1),
    "dpmpp_3m": (1.2, 2.1),
    "plms": (1.9, 2.3),
    "plms_v": (0.95, 1.15),
    "unipc": (2.9, 3.4),
    "unipc_1": (1.9, 2.1),
    "unipc_3": (2.4, 3.1),
}


@pytest.mark.parametrize("name", ORDERS)
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


@pytest.mark.parametrize("solve", [partial(ddim, eta=1.0), euler_ancestral, lcm])
def test_one_field_is_drawn_per_step_that_ends_in_noise(solve: Callable[..., Array]) -> None:
    drawn = []

    def counting(i: int) -> Array:
        drawn.append(i)
        return noise(i)

    solve(bent, noise(0) * 9.0, karras(5, 0.1, 9.0), counting)
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


@pytest.mark.parametrize("solver", [ab2, dpmpp_2m, dpmpp_2s, dpmpp_3m], ids=lambda solver: solver.name)
def test_a_solver_that_has_forgotten_begins_with_an_euler_step(solver: Solver) -> None:
    sigmas = karras(10, 0.03, 14.0)
    start = noise(0) * sigmas[0]
    np.testing.assert_allclose(
        solver(bent, start, sigmas[:2]), euler(bent, start, sigmas[:2]), rtol=1e-6, atol=1e-6
    )
    middle = solver(bent, start, sigmas[:6])
    assert np.abs(solver(bent, middle, sigmas[5:]) - solver(bent, start, sigmas)).max() > 1e-6


def test_dpmpp_3m_has_less_error_than_2m_and_2m_than_euler() -> None:
    sigmas = karras(160, 0.02, 20.0)[:-1]
    exact = 26.0 * math.hypot(SPREAD, sigmas[-1]) / math.hypot(SPREAD, sigmas[0])
    errors = [abs(solver(gaussian, 26.0, sigmas) - exact) for solver in (dpmpp_3m, dpmpp_2m, euler)]
    assert errors[0] < 0.3 * errors[1] < 0.01 * errors[2]


def test_dpmpp_2m_is_the_papers_step() -> None:
    sigmas = karras(7, 0.1, 9.0)
    x = start = noise(0) * sigmas[0]
    before = None
    # Lu et al. 2022, algorithm 2, in the scaled state z = alpha x and lambda = log(alpha / sigma).
    alpha = [1 / math.sqrt(1 + s * s) for s in sigmas]
    for i, (s, t) in enumerate(pairwise(sigmas[:-1])):
        x0 = bent(x, s)
        h = math.log(s / t)
        target = x0
        if before is not None:
            r = math.log(sigmas[i - 1] / s) / h
            target = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * before
        z = (t * alpha[i + 1]) / (s * alpha[i]) * (alpha[i] * x) - alpha[i + 1] * math.expm1(-h) * target
        x, before = z / alpha[i + 1], x0
    np.testing.assert_allclose(dpmpp_2m(bent, start, sigmas), bent(x, sigmas[-2]), rtol=1e-10, atol=1e-12)


def test_dpmpp_2s_is_the_papers_step_over_two_intervals() -> None:
    s, u, t = 9.0, 4.0, 1.5
    start = noise(0) * s
    h, r = math.log(s / t), math.log(s / u) / math.log(s / t)
    # Lu et al. 2022, algorithm 1.
    x0 = bent(start, s)
    middle = u / s * start - math.expm1(-r * h) * x0
    target = (1 - 1 / (2 * r)) * x0 + 1 / (2 * r) * bent(middle, u)
    x = t / s * start - math.expm1(-h) * target
    np.testing.assert_allclose(dpmpp_2s(bent, start, [s, u, t]), x, rtol=1e-10, atol=1e-12)


def test_ancestral_euler_is_the_textbook_step() -> None:
    sigmas = karras(6, 0.2, 9.0)
    x = start = noise(0) * sigmas[0]
    for i, (s, t) in enumerate(pairwise(sigmas), start=1):
        up = min(t, math.sqrt(t**2 * (s**2 - t**2) / s**2))
        down = math.sqrt(t**2 - up**2)
        x = x + (x - bent(x, s)) / s * (down - s) + (up * noise(i) if t > 0 else 0)
    np.testing.assert_allclose(euler_ancestral(bent, start, sigmas, noise), x, rtol=1e-10, atol=1e-10)


def test_lcm_keeps_nothing_of_the_state_but_its_estimate() -> None:
    sigmas = karras(3, 0.2, 9.0)
    x = noise(0) * sigmas[0]
    for i, (s, t) in enumerate(pairwise(sigmas), start=1):
        x = bent(x, s) + (t * noise(i) if t > 0 else 0)
    np.testing.assert_array_equal(lcm(bent, noise(0) * sigmas[0], sigmas, noise), x)


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
        (lambda: euler(bent, 1.0, [2.0, 0.0], eta=0.5), "eta=0.5 is no setting of solver='euler'"),
        (lambda: euler_ancestral(bent, 1.0, [2.0, 0.0]), "eta=1.0 adds noise .* give noise, or eta"),
        (lambda: lcm(bent, 1.0, [2.0, 0.0]), "solver='lcm' adds noise .* give noise, or take"),
        (
            lambda: euler.advance(bent, 1.0, course=Course((2.0, 0.0)), start=1, stop=2),
            "start=1 and stop=2 must count levels .* <= 1",
        ),
        (lambda: evaluations("rk4", 8), "solver='rk4' is not one of euler, heun, ab2, ddim"),
        (lambda: evaluations("euler", 0), "steps=0 must be at least 1"),
    ],
)
def test_impossible_calls_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        call()
