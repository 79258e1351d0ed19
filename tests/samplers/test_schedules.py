"""Schedules decrease to 0 in the given number of steps, and agree with their papers."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from geoinfinite.errors import WorldError
from geoinfinite.samplers import SCHEDULES, schedules
from geoinfinite.samplers.schedules import Sigmas, ddim, exponential, flow, karras, timesteps

ABARS = np.cumprod(1 - np.linspace(0.0015, 0.0155, 1000))
ALL = SCHEDULES | {
    "ddim-leading": lambda steps: ddim(steps, ABARS, "leading", offset=1),
    "ddim-trailing": lambda steps: ddim(steps, ABARS, "trailing"),
    "ddim-linspace": lambda steps: ddim(steps, ABARS, "linspace"),
    "flow-shifted": lambda steps: flow(steps, shift=3.0),
}


@pytest.mark.parametrize("steps", [1, 2, 7, 50, 333])
@pytest.mark.parametrize("schedule", ALL.values(), ids=ALL)
def test_schedule_decreases_to_zero_in_steps(schedule: Callable[[int], Sigmas], steps: int) -> None:
    sigmas = schedule(steps)
    assert isinstance(sigmas, tuple)
    assert all(type(s) is float for s in sigmas)
    assert len(sigmas) == steps + 1
    assert sigmas[-1] == 0.0
    assert all(a > b for a, b in pairwise(sigmas))


def test_karras_and_exponential_reach_both_ends() -> None:
    for sigmas in (karras(9, 0.03, 14.6), exponential(9, 0.03, 14.6)):
        assert sigmas[0] == pytest.approx(14.6, rel=1e-12)
        assert sigmas[-2] == pytest.approx(0.03, rel=1e-12)


def test_karras_is_even_in_its_root_and_exponential_in_its_logarithm() -> None:
    roots = np.diff(np.array(karras(9, 0.03, 14.6, rho=5)[:-1]) ** (1 / 5))
    logs = np.diff(np.log(exponential(9, 0.03, 14.6)[:-1]))
    np.testing.assert_allclose(roots, roots[0], rtol=1e-9)
    np.testing.assert_allclose(logs, logs[0], rtol=1e-9)


def test_karras_tends_to_exponential_for_a_large_rho() -> None:
    np.testing.assert_allclose(karras(8, 0.1, 9, rho=1e7), exponential(8, 0.1, 9), rtol=1e-4)


def test_flow_is_uniform_in_time_and_the_shift_is_that_of_time() -> None:
    steps, shift, t_max = 6, 2.5, 0.98
    t = np.linspace(t_max, 0, steps + 1)
    np.testing.assert_allclose(flow(steps, t_max=t_max), t / (1 - t), rtol=1e-12)
    shifted = shift * t / (1 + (shift - 1) * t)
    np.testing.assert_allclose(flow(steps, shift, t_max), shifted / (1 - shifted), rtol=1e-12)


def test_trailing_starts_at_full_noise_and_leading_does_not() -> None:
    full = np.sqrt((1 - ABARS[-1]) / ABARS[-1])
    assert ddim(20, ABARS, "trailing")[0] == pytest.approx(full)
    assert ddim(20, ABARS, "leading")[0] < 0.9 * full


def test_timesteps_are_those_of_the_papers_table() -> None:
    # Lin et al. 2024, table 2, for 10 of 1000 steps, counted from 0 instead of 1.
    assert timesteps(10, 1000, "leading") == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]
    assert timesteps(10, 1000, "trailing") == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]
    np.testing.assert_allclose(timesteps(10, 1000, "linspace"), np.linspace(999, 0, 10), rtol=1e-12)


def test_names_take_the_number_of_steps_alone() -> None:
    assert list(SCHEDULES) == ["karras", "exponential", "flow"]
    assert SCHEDULES["flow"] is schedules.flow


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: karras(0), "steps=0 must be at least 1"),
        (lambda: flow(-2), "steps=-2 must be at least 1"),
        (lambda: exponential(4, 9.0, 0.1), r"sigma_min=9.0 and sigma_max=0.1 .*swap them"),
        (lambda: karras(4, 0.0, 1.0), r"sigma_min=0.0 .* 0 < sigma_min < sigma_max"),
        (lambda: flow(4, shift=0), "shift=0 must be positive"),
        (lambda: flow(4, t_max=1.0), "t_max=1.0 must be between 0 and 1"),
        (lambda: ddim(1001, ABARS), "steps=1001 exceeds the 1000 timesteps"),
        (lambda: ddim(4, ABARS, "even"), "spacing='even' is not"),
        (lambda: ddim(4, ABARS, offset=251), "offset=251 leaves the 1000 timesteps"),
        (lambda: ddim(4, ABARS[::-1]), "alphas_cumprod must decrease"),
        (lambda: ddim(2, [0.9, 0.5, 0.2, 0.0], "trailing"), "zero terminal signal"),
    ],
)
def test_impossible_settings_are_refused(make: Callable[[], Sigmas], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        make()
