"""LDSR-S2: four bands of Sentinel-2 from 10 m to 2.5 m."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import process_memo
from geoinfinite.models.converting.settings import Settings, read_tables
from geoinfinite.models.systems.ldm_files import settings_beside, weights_of
from geoinfinite.models.systems.protocol import System

TABLES = "denoiser_settings", "first_stage_config", "cond_stage_config"
NAMED = "ldsrs2"
"""What the names of its published weights contain."""


@dataclass(frozen=True, slots=True)
class LdsrFiles:
    """The weights, and the settings if they lie beside them: its authors keep these with their code."""

    weights: Path
    yaml: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are read."""
        return (self.weights,) if self.yaml is None else (self.weights, self.yaml)


def ldsr_files(source: Path) -> LdsrFiles | None:
    """Return the files of LDSR-S2: a checkpoint with its name, or with its settings beside it."""
    weights = weights_of(source)
    if weights is None:
        return None
    yamls = [path for path in settings_beside(weights) if _is_ours(path)]
    if len(yamls) > 1:
        names = ", ".join(path.name for path in yamls[:4])
        raise ModelError(f"{weights} has several settings, {names}; keep the one of its version beside it")
    if not yamls and NAMED not in weights.name:
        return None
    return LdsrFiles(weights, yamls[0] if yamls else None)


def _is_ours(yaml: Path) -> bool:
    try:
        found: Settings = process_memo.ask(yaml, read_tables)
    except ModelError:
        # A damaged file is of no system; whoever reads it for good names it.
        return False
    return all(key in found for key in TABLES)


def recognises(source: Path) -> bool:
    """Say whether a path is a checkpoint of LDSR-S2."""
    return ldsr_files(source) is not None


SYSTEM = System(
    "ldsr-s2",
    "LDSR-S2 (Donike et al. 2025, opensr-model)",
    recognises,
    convert="geoinfinite.models.systems.ldsr_s2.converting:converted",
    inputs="geoinfinite.models.diffusers.stock:stock_inputs",
)
