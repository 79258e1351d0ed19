"""A made-up published system, as another package would know it: a network told where its tiles lie."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.protocol import System


def recognises(source: Path) -> bool:
    """Say whether a folder holds what this system publishes."""
    return (source / "eighth.pt").is_file() and (source / "eighth.json").is_file()


SYSTEM = System(
    "eighth",
    "Eighth (Nobody 2026)",
    recognises,
    convert="eighth_system.converting:converted",
    inputs="eighth_system.inputs:inputs",
)
