"""Solvers, schedules and presets: how a denoiser becomes an image.

``SOLVERS``, ``SCHEDULES`` and ``PRESETS`` map the names that a world file uses; every
entry of ``SCHEDULES`` takes the number of steps alone. ``schedules.ddim`` also needs a network's own
training schedule, and the name ``ddim`` here is the solver.
"""

from geoinfinite.samplers import schedules as schedules
from geoinfinite.samplers.clipping import clipped_estimates as clipped_estimates
from geoinfinite.samplers.presets import PRESETS as PRESETS
from geoinfinite.samplers.presets import ChartedMultiDiffusion as ChartedMultiDiffusion
from geoinfinite.samplers.presets import EarlySync as EarlySync
from geoinfinite.samplers.presets import IndependentTiles as IndependentTiles
from geoinfinite.samplers.presets import InfiniteDiffusion as InfiniteDiffusion
from geoinfinite.samplers.presets import MetaEarthTiles as MetaEarthTiles
from geoinfinite.samplers.presets import MultiDiffusion as MultiDiffusion
from geoinfinite.samplers.presets import SpotDiffusion as SpotDiffusion
from geoinfinite.samplers.schedules import SCHEDULES as SCHEDULES
from geoinfinite.samplers.schedules import exponential as exponential
from geoinfinite.samplers.schedules import flow as flow
from geoinfinite.samplers.schedules import karras as karras
from geoinfinite.samplers.solvers import SOLVERS as SOLVERS
from geoinfinite.samplers.solvers import ab2 as ab2
from geoinfinite.samplers.solvers import ddim as ddim
from geoinfinite.samplers.solvers import dpmpp_2m as dpmpp_2m
from geoinfinite.samplers.solvers import dpmpp_2s as dpmpp_2s
from geoinfinite.samplers.solvers import dpmpp_3m as dpmpp_3m
from geoinfinite.samplers.solvers import euler as euler
from geoinfinite.samplers.solvers import euler_ancestral as euler_ancestral
from geoinfinite.samplers.solvers import evaluations as evaluations
from geoinfinite.samplers.solvers import heun as heun
from geoinfinite.samplers.solvers import lcm as lcm
from geoinfinite.samplers.solvers import plms as plms
from geoinfinite.samplers.solvers import plms_v as plms_v
from geoinfinite.samplers.solvers import unipc as unipc
from geoinfinite.samplers.solvers import unipc_1 as unipc_1
from geoinfinite.samplers.solvers import unipc_3 as unipc_3
from geoinfinite.samplers.stepping import Course as Course
from geoinfinite.samplers.stepping import Solver as Solver
