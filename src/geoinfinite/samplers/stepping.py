"""Solvers: a pure step, taken along a whole schedule at once or in pieces.

A step is a function ``(denoise, x, past, step) -> (x, past)``. ``past`` are the fields that a solver
remembers from earlier steps: none for Euler, the last estimate for ``dpmpp_2m``. Everything that a
step of one evaluation returns is affine in the denoiser's answer, so that fusing ``x`` and ``past`` of
overlapping tiles, with weights that sum to one, is fusing the answers and taking one step over all.

A solver sees neither tiles nor devices, keeps no state and leaves the caller's arrays as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from math import log
from types import FunctionType
from typing import Any, TypeAlias

from geoinfinite.diffusion.denoiser import Array, Denoiser
from geoinfinite.errors import WorldError

DrawNoise: TypeAlias = Callable[[int], Array]
"""``noise(i)``: the standard normal field of step i = 1, 2, ...; draw 0 made the starting state."""

Past: TypeAlias = tuple[Array, ...]
"""Fields carried from earlier steps, latest first, each of the state's shape; () forgets them."""


@dataclass(frozen=True, slots=True)
class Course:
    """What stays the same between the steps of a solve: schedule, noise, eta."""

    sigmas: tuple[float, ...]
    """Decreasing noise levels: step i goes from ``sigmas[i - 1]`` to ``sigmas[i]``."""
    noise: DrawNoise | None = None
    """Fresh noise of a step, for solvers that add some."""
    eta: float | None = None
    """Share of fresh noise, 0 to 1, of the solvers that take it; None is the solver's own."""

    def __post_init__(self) -> None:
        sigmas = tuple(float(sigma) for sigma in self.sigmas)
        if len(sigmas) < 2 or sigmas[-1] < 0 or not all(a > b for a, b in pairwise(sigmas)):
            raise WorldError(
                f"sigmas={sigmas!r} must be two or more decreasing values, none below 0; "
                "take a schedule of geoinfinite.samplers.schedules"
            )
        if self.eta is not None and not 0 <= self.eta <= 1:
            raise WorldError(f"eta={self.eta!r} must be between 0 (deterministic) and 1 (DDPM)")
        object.__setattr__(self, "sigmas", sigmas)

    @property
    def steps(self) -> int:
        """Number of steps from the first level to the last."""
        return len(self.sigmas) - 1


@dataclass(frozen=True, slots=True)
class Step:
    """One interval of a course, with the names that the papers' equations need.

    >>> step = Step(2, Course((8.0, 4.0, 1.0)))
    >>> step.sigma_before, step.sigma, step.sigma_next, step.ratio
    (8.0, 4.0, 1.0, 0.25)
    """

    index: int
    """1 for the first step: the draw of its noise."""
    course: Course
    eta: float = 0.0
    """Share of fresh noise: the course's, or the solver's own."""

    @property
    def sigma(self) -> float:
        """The level at which the step begins."""
        return self.course.sigmas[self.index - 1]

    @property
    def sigma_next(self) -> float:
        """The level at which the step ends; 0 on the last step of most schedules."""
        return self.course.sigmas[self.index]

    @property
    def sigma_before(self) -> float:
        """The level at which the step before began: there is one wherever ``past`` is not empty."""
        return self.course.sigmas[self.index - 2]

    @property
    def ratio(self) -> float:
        """``sigma_next / sigma``: what is left of the noise."""
        return self.sigma_next / self.sigma

    @property
    def left(self) -> int:
        """Steps to the end of the course, this one included."""
        return self.course.steps - self.index + 1

    def width(self, back: int = 0) -> float:
        """Return the width in ``log(1 / sigma)`` of this step, or of the one ``back`` steps earlier."""
        sigmas, end = self.course.sigmas, self.index - back
        return log(sigmas[end - 1] / sigmas[end])

    def noise(self, amplitude: float) -> Array:
        """Return the step's fresh noise of a deviation; nothing is drawn where that is 0."""
        draw = self.course.noise
        return amplitude * draw(self.index) if draw is not None and amplitude > 0 else 0.0


TakeStep: TypeAlias = Callable[[Denoiser, Array, Past, Step], tuple[Array, Past]]


@dataclass(frozen=True)
class Solver:
    """A step and what a caller must know of it; called, it solves a whole schedule.

    ``solver(denoise, x, sigmas, noise=None)``: ``x`` holds noise of deviation ``sigmas[0]``, and the
    result that of ``sigmas[-1]``.
    """

    name: str
    """The name in a world file: ``gi.samplers.SOLVERS``."""
    take: TakeStep
    """One step: ``(denoise, x, past, step) -> (x, past)``."""
    evaluations: int = 1
    """Most calls of the denoiser in a step: `evaluations_of_step`. A second call sees a state that nobody
    fused."""
    only_first: bool = False
    """Only the first step takes as many calls, and the others one."""
    history: int = 0
    """Most fields that ``past`` holds: the memory of a solver beside its state, in states."""
    eta: float | None = None
    """Share of fresh noise if the course names none; None: the solver has no such setting."""
    renoises: bool = False
    """Adds fresh noise at every step, whatever eta."""

    def __post_init__(self) -> None:
        # A solver stands where its function stood: documentation and pickles find it by that name.
        object.__setattr__(self, "__doc__", self.take.__doc__)
        object.__setattr__(self, "__module__", self.take.__module__)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by name, as functions do."""
        if isinstance(self.take, FunctionType):
            return self.name
        return Solver, tuple(getattr(self, field.name) for field in fields(self))

    def __call__(
        self,
        denoise: Denoiser,
        x: Array,
        sigmas: Sequence[float],
        noise: DrawNoise | None = None,
        *,
        eta: float | None = None,
    ) -> Array:
        """Return x after all steps of a schedule."""
        course = Course(tuple(sigmas), noise, eta)
        return self.advance(denoise, x, course=course, start=0, stop=course.steps)[0]

    def advance(
        self,
        denoise: Denoiser,
        x: Array,
        past: Past = (),
        *,
        course: Course,
        start: int,
        stop: int,
    ) -> tuple[Array, Past]:
        """Return state and past at ``course.sigmas[stop]`` from those at ``course.sigmas[start]``.

        Whatever the pieces, their sum is the whole solve, bit for bit, where ``past`` is handed on.
        An empty one makes a solver begin afresh, at the order of its first step.
        """
        if not 0 <= start <= stop <= course.steps:
            raise WorldError(
                f"start={start!r} and stop={stop!r} must count levels of the schedule: "
                f"0 <= start <= stop <= {course.steps}"
            )
        if past and (start == 0 or len(past) > self.history):
            raise WorldError(
                f"past of {len(past)} fields at start={start} is not this solve's: solver={self.name!r} "
                f"carries at most {self.history}, and none into its first step; hand on what advance returned"
            )
        eta = self.check(course)
        for index in range(start + 1, stop + 1):
            x, past = self.take(denoise, x, past, Step(index, course, eta))
        return x, past

    def evaluations_of_step(self, step: Step) -> int:
        """Return how many times a step calls the denoiser; a step that ends at sigma = 0 calls it once.

        >>> from geoinfinite.samplers import heun, plms
        >>> course = Course((4.0, 2.0, 1.0, 0.0))
        >>> [[solver.evaluations_of_step(Step(i, course)) for i in (1, 2, 3)] for solver in (heun, plms)]
        [[2, 2, 1], [2, 1, 1]]
        """
        if step.sigma_next == 0 or (self.only_first and (step.index > 1 or step.left == 1)):
            return 1
        return self.evaluations

    def check(self, course: Course) -> float:
        """Return the eta of a course, or refuse a course that this solver cannot take."""
        if course.eta and self.eta is None:
            raise WorldError(
                f"eta={course.eta!r} is no setting of solver={self.name!r}; leave it out, "
                "or take solver='ddim'"
            )
        eta = self.eta if course.eta is None else course.eta
        if course.noise is None and self.renoises:
            raise WorldError(
                f"solver={self.name!r} adds noise at every step; give noise, or take solver='euler'"
            )
        if course.noise is None and eta:
            raise WorldError(f"eta={eta!r} adds noise at every step; give noise, or eta=0")
        return eta or 0.0


def solver(
    *,
    evaluations: int = 1,
    only_first: bool = False,
    history: int = 0,
    eta: float | None = None,
    renoises: bool = False,
) -> Callable[[TakeStep], Solver]:
    """Make a step into the solver of its name."""

    def make(take: TakeStep) -> Solver:
        return Solver(take.__name__, take, evaluations, only_first, history, eta, renoises)

    return make
