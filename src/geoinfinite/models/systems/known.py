"""The published systems that are known: the folders beside this file, and those of other packages."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models import systems as package
from geoinfinite.models.schema import shortened
from geoinfinite.models.systems.protocol import System

GROUP = "geoinfinite.systems"
"""Entry points by which other packages name a `System` of theirs."""


def known_systems() -> dict[str, System]:
    """Return the systems by name."""
    folders = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg)
    own = [import_module(f"{package.__name__}.{name}").SYSTEM for name in folders]
    others = [point.load() for point in entry_points(group=GROUP)]
    return {system.name: system for system in (*own, *others)}


def system_named(name: str) -> System:
    """Return a system; raise `ModelError` for one that is not known."""
    systems = known_systems()
    if name not in systems:
        raise ModelError(
            f"system={shortened(name)} of a sidecar is not one of {', '.join(sorted(systems))}; install the "
            "package that knows it"
        )
    return systems[name]


def system_of(source: Path) -> System | None:
    """Return the system in whose published layout a file or folder is; ``None`` if there is none."""
    return next((system for system in known_systems().values() if system.recognises(source)), None)


def imported(name: str) -> Any:
    """Return what ``module:name`` names; imported only when it is needed."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
