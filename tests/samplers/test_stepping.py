"""A solve may be cut anywhere, and what a step carries is affine in the denoiser's answer."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.diffusion.denoiser import Array
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window
from geoinfinite.samplers import SOLVERS, Course, Solver, euler, karras

FIELD = NoiseField(key=2**62 + 5, level=6, channels=2)
WINDOW = Window(-6, 3, 2**31 - 4, 2**31 + 3)
ONCE = [solver for solver in SOLVERS.values() if solver.evaluations == 1]

by_name = {"ids": lambda solver: solver.name}
weights = st.floats(-0.5, 1.5)


def noise(draw: int) -> np.ndarray:
    return FIELD(WINDOW, draw).astype(np.float64)


def bent(x: Array, sigma: float) -> Array:
    """A denoiser that is linear neither in x nor in sigma."""
    return (x - 0.3) / (1 + sigma**2 + 0.2 * x * x) + 0.1 * np.sin(3 * sigma)


def course(steps: int, eta: float | None = None) -> Course:
    return Course(karras(steps, 0.05, 12.0), noise, eta)


def eta_of(solver: Solver) -> float | None:
    return None if solver.eta is None else 0.6


@pytest.mark.parametrize("solver", SOLVERS.values(), **by_name)
@given(cuts=st.lists(st.integers(0, 17), max_size=6), steps=st.integers(1, 17))
def test_any_partition_of_a_solve_gives_its_bits(solver: Solver, cuts: list[int], steps: int) -> None:
    plan = course(steps, eta_of(solver))
    start = noise(0) * plan.sigmas[0]
    whole = solver(bent, start, plan.sigmas, noise, eta=plan.eta)
    x, past = start, ()
    for a, b in pairwise(sorted({0, *(min(cut, steps) for cut in cuts), steps})):
        x, past = solver.advance(bent, x, past, course=plan, start=a, stop=b)
        assert len(past) <= solver.history
    assert x.tobytes() == whole.tobytes()


@pytest.mark.parametrize("solver", ONCE, **by_name)
@given(weight=weights, before=st.integers(0, 8), steps=st.integers(9, 16))
def test_fused_steps_are_the_step_of_fused_answers(
    solver: Solver, weight: float, before: int, steps: int
) -> None:
    plan = course(steps, eta_of(solver))
    x, past = solver.advance(bent, noise(0) * plan.sigmas[0], course=plan, start=0, stop=before)

    def step(answer: np.ndarray) -> tuple[np.ndarray, ...]:
        y, carried = solver.advance(lambda *_: answer, x, past, course=plan, start=before, stop=before + 1)
        return y, *carried

    def fuse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return weight * a + (1 - weight) * b

    one, other = noise(90) * 1.7, noise(91) - 0.4
    at_once, each = step(fuse(one, other)), zip(step(one), step(other), strict=True)
    for field, (a, b) in zip(at_once, each, strict=True):
        np.testing.assert_allclose(field, fuse(a, b), rtol=1e-9, atol=1e-9)


def test_a_second_evaluation_is_not_affine_and_is_flagged() -> None:
    heun, plan = SOLVERS["heun"], course(4)
    assert [solver.name for solver in SOLVERS.values() if solver.evaluations > 1] == [
        "heun",
        "plms",
        "plms_v",
    ]

    def step(offset: float) -> np.ndarray:
        def denoise(x: Array, sigma: float) -> Array:
            return bent(x + offset, sigma)

        return heun.advance(denoise, noise(0) * 12.0, course=plan, start=2, stop=3)[0]

    def fused(x: Array, sigma: float) -> Array:
        return (bent(x, sigma) + bent(x + 2.0, sigma)) / 2

    together = heun.advance(fused, noise(0) * 12.0, course=plan, start=2, stop=3)[0]
    assert np.abs(together - (step(0.0) + step(2.0)) / 2).max() > 1e-4


def test_forgetting_the_past_is_seen() -> None:
    for solver in SOLVERS.values():
        plan = course(9)
        x, past = solver.advance(bent, noise(0) * 12.0, course=plan, start=0, stop=5)
        kept, _ = solver.advance(bent, x, past, course=plan, start=5, stop=9)
        lost, _ = solver.advance(bent, x, course=plan, start=5, stop=9)
        assert (np.abs(kept - lost).max() > 1e-6) == (solver.history > 0)


@pytest.mark.parametrize("solver", SOLVERS.values(), **by_name)
def test_solvers_travel_by_name(solver: Solver) -> None:
    assert SOLVERS[solver.name] is solver
    assert pickle.loads(pickle.dumps(solver)) is solver
    assert copy.deepcopy(solver) is solver
    assert solver.take.__doc__ == solver.__doc__


def test_no_step_returns_the_state_itself() -> None:
    x = noise(0)
    assert euler.advance(bent, x, (), course=course(3), start=2, stop=2) == (x, ())


@pytest.mark.parametrize(("fields", "start"), [(1, 0), (2, 1)])
def test_a_past_that_is_not_this_solves_is_refused(fields: int, start: int) -> None:
    with pytest.raises(WorldError, match=f"past of {fields} fields at start={start} .* hand on what"):
        SOLVERS["ab2"].advance(bent, 1.0, (0.5,) * fields, course=course(3), start=start, stop=3)


def test_a_solver_without_eta_takes_none_of_it() -> None:
    sigmas = karras(3)
    assert euler(bent, 80.0, sigmas, eta=0.0) == euler(bent, 80.0, sigmas)
