"""How and where a job runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

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


class RunOptions(TypedDict, total=False):
    """The fields of `RunSettings`, as keywords of functions that run a job."""

    client: Any
    resources: Mapping[str, float] | None
    priority: int
    retries: int
    look_ahead: int
    stall_s: float
    task_limit_s: float | None
