import numpy as np
import pytest
import torch
from training.distil import velocities
from training.sampling import times

from geoinfinite.samplers import SOLVERS


@pytest.mark.parametrize(("steps", "shift"), [(4, 3.0), (2, 1.0), (5, 2.5)])
def test_the_librarys_solver_stays_on_the_path_that_was_taught(steps: int, shift: float) -> None:
    grid = [0.999, *times(steps, shift)[1:]]
    states = torch.from_numpy(np.random.default_rng(steps).standard_normal((steps + 1, 2, 5)))
    taught = iter(velocities(states, grid))
    visited = []

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        z, t = x / (1 + sigma), sigma / (1 + sigma)
        visited.append(z)
        return z - t * next(taught)

    sigmas = [t / (1 - t) for t in grid]
    end = SOLVERS["ab2"](denoise, states[0] * (1 + sigmas[0]), sigmas, None)
    torch.testing.assert_close(torch.stack(visited), states[:-1])
    torch.testing.assert_close(end, states[-1])


def test_on_a_straight_path_the_velocity_is_that_of_the_path() -> None:
    grid, start, end = times(4, 3.0), torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])
    states = torch.stack([t * start + (1 - t) * end for t in grid])
    torch.testing.assert_close(velocities(states, grid), (start - end).expand(4, 2))
