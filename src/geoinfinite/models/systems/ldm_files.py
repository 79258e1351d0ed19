"""Checkpoints of ldm projects: a file of weights, and the yaml that it was trained with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import process_memo
from geoinfinite.models.converting.settings import Settings, read_settings, read_tables

WEIGHTS = ".ckpt", ".pt", ".pth"
_DEPTHS = "*", "*/*", "*/*/*"
"""How deep below a folder its weights may lie: projects keep them in ``checkpoints``, beside ``configs``."""
_PROJECT = "*project.yaml"


@dataclass(frozen=True, slots=True)
class LdmFiles:
    """What an ldm project publishes."""

    weights: Path
    yaml: Path

    @property
    def settings(self) -> Settings:
        """The settings of the model: ``model.params`` of the yaml."""
        return process_memo.ask(self.yaml, read_settings)

    def target(self, section: str) -> str:
        """Return the class that a section of the settings names, without its module; empty if there is none.

        The class is never imported.
        """
        table: Any = self.settings.get(section)
        name = table.get("target") if isinstance(table, dict) else None
        return name.rpartition(".")[2] if isinstance(name, str) else ""


def ldm_files(source: Path) -> LdmFiles | None:
    """Return the files of an ldm project: ``source`` is its weights, or a folder that holds one such file.

    ``None`` where there is no such project. Raises `ModelError` where it is not clear which files are meant.
    """
    weights = weights_of(source)
    if weights is None:
        return None
    found = settings_beside(weights)
    named = [path for path in found if path.match(_PROJECT)]
    yamls = named if len(found) > 1 and named else found
    if len(yamls) > 1:
        raise ModelError(
            f"{weights} has several settings, {_names(yamls)}; keep the one that it was published with, and "
            "move the others to another folder"
        )
    # Projects that keep their settings otherwise have no table of a model.
    if not yamls or "model" not in process_memo.ask(yamls[0], read_tables):
        return None
    return LdmFiles(weights, yamls[0])


def without_settings(source: Path) -> Path | None:
    """Return the weights of a project whose yaml is not there; ``None`` for anything else."""
    weights = weights_of(source)
    return weights if weights is not None and not settings_beside(weights) else None


def settings_beside(weights: Path) -> list[Path]:
    """Return the yaml files where a project keeps those of its weights."""
    near = weights.absolute().parent
    places = dict.fromkeys((near, near / "configs", near.parent / "configs"))
    return [path for place in places for path in sorted(place.glob("*.yaml"))]


def weights_of(source: Path) -> Path | None:
    """Return the file of weights that a path names, or the only one of a folder; ``None``: there is none.

    Raises `ModelError` where a folder holds several.
    """
    if source.is_file():
        return source if source.suffix in WEIGHTS else None
    # Pipelines of diffusers may lie beside the file that they were made of.
    if not source.is_dir() or (source / "unet").is_dir():
        return None
    near = [path for depth in _DEPTHS for path in sorted(source.glob(depth)) if path.suffix in WEIGHTS]
    # Links may lead back to where a file was found already.
    found = list({os.path.realpath(path): path for path in reversed(near)}.values())[::-1]
    if len(found) > 1:
        raise ModelError(f"{source} holds several checkpoints, {_names(found)}; name the file that is meant")
    return found[0] if found else None


def _names(found: list[Path]) -> str:
    return ", ".join(path.name for path in found[:4])
