"""The packages of the extra ``chips``, imported where they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from geoinfinite.errors import GeoInfiniteError


def needed(name: str, purpose: str) -> Any:
    """Return a module; raise an error that names the extra where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise GeoInfiniteError(
            f"{purpose} needs {name.partition('.')[0]}, which is not installed: "
            "pip install 'geoinfinite[chips]'"
        ) from error
