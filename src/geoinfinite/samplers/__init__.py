"""Solvers, schedules and presets: how a denoiser becomes an image.

``SOLVERS`` and ``SCHEDULES`` map the names that a world file uses to functions; every entry of
``SCHEDULES`` takes the number of steps alone. ``schedules.ddim`` also needs a network's own
training schedule, and the name ``ddim`` here is the solver.
"""

from geoinfinite.samplers import schedules as schedules
from geoinfinite.samplers.presets import IndependentTiles as IndependentTiles
from geoinfinite.samplers.schedules import SCHEDULES as SCHEDULES
from geoinfinite.samplers.schedules import exponential as exponential
from geoinfinite.samplers.schedules import flow as flow
from geoinfinite.samplers.schedules import karras as karras
from geoinfinite.samplers.solvers import SOLVERS as SOLVERS
from geoinfinite.samplers.solvers import ab2 as ab2
from geoinfinite.samplers.solvers import ddim as ddim
from geoinfinite.samplers.solvers import euler as euler
from geoinfinite.samplers.solvers import evaluations as evaluations
from geoinfinite.samplers.solvers import heun as heun
