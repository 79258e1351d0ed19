"""Diffusion models as lazy xarray arrays over a global grid.

A name is imported when it is first used, so that importing the package imports nothing heavy.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoinfinite import chips as chips
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
    _ROOMS = {"chips", "conditions", "models", "samplers"}

    def __getattr__(name):
        if name in _ROOMS:
            return import_module(f"geoinfinite.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'geoinfinite' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"geoinfinite.{_HOMES[name]}"), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})

    def _register():
        """Give xarray's arrays their ``.geoinfinite``."""
        # The accessor writes stores: it is looked up when it is first used.
        sys.modules["xarray"].register_dataarray_accessor("geoinfinite")(_accessor)

    def _accessor(da):
        return import_module("geoinfinite.stores.accessor").GeoInfiniteAccessor(da)

    class _WithXarray:
        """Registers the accessor when xarray is imported after this package."""

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name != "xarray":
                return None
            sys.meta_path.remove(cls)
            spec = find_spec(name)
            if spec is not None:
                execute = spec.loader.exec_module

                def exec_module(module):
                    execute(module)
                    _register()

                spec.loader.exec_module = exec_module
            return spec

    if "xarray" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _WithXarray)


__all__ = [
    "Grid",
    "ReadBudget",
    "Window",
    "World",
    "chips",
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
