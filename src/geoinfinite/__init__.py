"""Diffusion models as lazy xarray arrays over a global grid.

A name is imported when it is first used, so that importing the package imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoinfinite import conditions as conditions
    from geoinfinite import models as models
    from geoinfinite import samplers as samplers
    from geoinfinite.arrays import ReadBudget as ReadBudget
    from geoinfinite.engine import generate as generate
    from geoinfinite.engine import generate_each as generate_each
    from geoinfinite.engine import generate_many as generate_many
    from geoinfinite.plane.grid import Grid as Grid
    from geoinfinite.plane.window import Window as Window
    from geoinfinite.stores.accessor import GeoInfiniteAccessor as GeoInfiniteAccessor
    from geoinfinite.stores.accessor import plan as plan
    from geoinfinite.stores.accessor import resume as resume
    from geoinfinite.stores.verification import verify as verify
    from geoinfinite.world import World as World
else:
    _HOMES = {
        "Grid": "plane.grid",
        "ReadBudget": "arrays",
        "Window": "plane.window",
        "World": "world",
        "generate": "engine",
        "generate_each": "engine",
        "generate_many": "engine",
        "plan": "stores.accessor",
        "resume": "stores.accessor",
        "verify": "stores.verification",
        "GeoInfiniteAccessor": "stores.accessor",
    }
    _ROOMS = {"conditions", "models", "samplers"}

    def __getattr__(name):
        if name in _ROOMS:
            return import_module(f"geoinfinite.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'geoinfinite' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"geoinfinite.{_HOMES[name]}"), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "Grid",
    "ReadBudget",
    "Window",
    "World",
    "conditions",
    "generate",
    "generate_each",
    "generate_many",
    "models",
    "plan",
    "resume",
    "samplers",
    "verify",
]
