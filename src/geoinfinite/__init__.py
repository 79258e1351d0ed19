"""Diffusion models as lazy xarray arrays over a global grid."""

from geoinfinite import models as models
from geoinfinite import samplers as samplers
from geoinfinite.engine import generate as generate
from geoinfinite.plane.grid import Grid as Grid
from geoinfinite.plane.window import Window as Window
from geoinfinite.stores.accessor import plan as plan
from geoinfinite.stores.accessor import resume as resume
from geoinfinite.stores.verification import verify as verify
from geoinfinite.world import World as World

__all__ = ["Grid", "Window", "World", "generate", "models", "plan", "resume", "samplers", "verify"]
