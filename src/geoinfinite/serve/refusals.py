"""Requests that are refused: a status of HTTP and one line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from geoinfinite.errors import BudgetError, GeoInfiniteError, StoreError, WindowError, WorldError

NEEDED = "fastapi", "maplibre", "morecantile", "uvicorn"
"""What the extra brings."""


class Refused(GeoInfiniteError):
    """A request that is not answered, with the status that says so."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.headers = status, dict(headers or {})


class Busy(Refused):
    """A request that may be answered later."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(503, f"{reason}; ask again in {seconds} s", {"Retry-After": str(seconds)})


class NotServed(GeoInfiniteError):
    """A server that cannot be started."""


def status_of(error: GeoInfiniteError) -> int:
    """Return the status of HTTP for an error of the library.

    >>> [status_of(error) for error in (Busy("full", 2), WindowError(), BudgetError(), StoreError())]
    [503, 404, 413, 404]
    """
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, BudgetError):
        return 413
    if isinstance(error, WindowError | StoreError):
        return 404
    return 400 if isinstance(error, WorldError) else 500


def check_extra() -> None:
    """Raise `NotServed` that names the extra where it is not installed."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise NotServed(
            f"a map server needs {', '.join(lacking)}, not installed here: pip install 'geoinfinite[serve]'"
        )
