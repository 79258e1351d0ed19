"""How and where a job runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, TypedDict

from geoinfinite.errors import StoreError


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How and where the tasks of a job run; nothing here changes a pixel.

    Raises `StoreError` for settings that cannot be: times and look-ahead must be positive.
    """

    client: Any = None
    """A `distributed.Client`; ``None``: the current one, or Dask's ``scheduler`` and ``num_workers``."""
    resources: Mapping[str, float] | None = None
    """Abstract resources of a worker that a task takes, such as ``{"GPU": 1}``; for a client only."""
    priority: int = 0
    """Priority of the tasks with a distributed scheduler."""
    retries: int = 2
    """How often a distributed scheduler tries a task again that raised an error, perhaps elsewhere."""
    look_ahead: int = 256
    """Tasks that wait for others while those after them are looked for."""
    stall_s: float = 300.0
    """Seconds without a task ending, after which a warning names the tasks and workers waited for."""
    task_limit_s: float | None = None
    """Seconds after which a task counts as failed and is no longer waited for; ``None``: no limit."""

    def __post_init__(self) -> None:
        for name in ("look_ahead", "stall_s", "task_limit_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise StoreError(f"{name}={value!r} must be positive; leave it out for the default")

    @classmethod
    def of(cls, options: RunOptions) -> Self:
        """Return the settings that keywords give; raise `StoreError` for one that there is not."""
        known = [field.name for field in fields(cls)]
        for name, value in options.items():
            if name not in known:
                others = f"remove it; those that say how a job runs are {', '.join(known)}"
                remedy = _ELSEWHERE.get(name, others)
                raise StoreError(f"{name}={value!r} is not an option: {remedy}")
        return cls(**options)


_ELSEWHERE = {
    "mode": "a store that exists is checked and finished; remove the folder to begin anew, or say "
    "resume=False to be refused where there is one",
    "group": "every level is a group of its own; name another path",
    "region": "a window is a store of its own; name another path, or draw a larger window with part=(i, n)",
}
"""What to do instead of options that xarray's method of this name has."""


class RunOptions(TypedDict, total=False):
    """The fields of `RunSettings`, as keywords of functions that run a job."""

    client: Any
    resources: Mapping[str, float] | None
    priority: int
    retries: int
    look_ahead: int
    stall_s: float
    task_limit_s: float | None
