"""Where an optional package lies, and the error when it does not."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from geoinfinite.evaluation.images import EvaluationError

REMEDY = "pip install 'geoinfinite[judges]'"


def folder(package: str, asked: str) -> Path:
    """Return the folder of an installed package, of which nothing is run.

    Raises `EvaluationError` when it is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise EvaluationError(f"{asked} needs {package}, which is not installed: {REMEDY}")
    return Path(found.submodule_search_locations[0])


def module(name: str, asked: str) -> Any:
    """Return an optional module; raise `EvaluationError` when it cannot be imported."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EvaluationError(f"{asked} needs {name}, which is not installed: {REMEDY}") from error
