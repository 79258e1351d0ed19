"""A published checkpoint made into a folder that is read without its authors' code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import file_digest
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.writing import drafted, fill
from geoinfinite.models.diffusers.folder import read_checkpoint
from geoinfinite.models.files import SIDECAR
from geoinfinite.models.schema import Number, Whole
from geoinfinite.models.systems.first_use import unknown_layout
from geoinfinite.models.systems.known import imported, system_of
from geoinfinite.models.systems.protocol import WEIGHTS, ConvertSettings, System

GSD, BOXES = Number(0, 1e7, positive=True), Whole(1, 4096)
"""What a ground sample distance and a number of boxes may be."""
WORDS = "text_encoder", "tokenizer", "prompts.safetensors"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of a published checkpoint."""

    sources: tuple[Path, ...]
    """The files that were read."""
    parts: tuple[Part, ...]
    scheduler: Mapping[str, Any] | None
    """What becomes ``scheduler/scheduler_config.json``; ``None`` where it is copied."""
    sidecar: Mapping[str, Any]
    """Slots, sampling, and whatever else the system's own inputs need to know."""
    copied: Mapping[str, Path] = field(default_factory=dict)
    """Folders and files that are taken as they are, by their names in the result."""
    lacks: tuple[str, ...] = ()
    """What neither the source nor the base has."""
    named: Path | None = None
    """The file or folder by which the source was named."""

    def written(self, system: System, destination: Path, *, overwrite: bool = False) -> Path:
        """Write the folder and return it; the same source gives the same bytes.

        Raises `ModelError` if something is lacking, if what was taken from the base does not fit, or if the
        folder exists.
        """
        source = self.named or self.sources[0]
        if self.lacks:
            raise self.lacking(system, str(destination))
        self._check_places(source, destination)
        digests = {path.name: f"sha256:{file_digest(path)}" for path in self.sources}
        sidecar = {"format": 1, "kind": "diffusers", "system": system.name, **self.sidecar, "source": digests}
        with drafted(destination, overwrite) as draft:
            fill(draft, self.parts, sidecar, self.scheduler, self.copied)
            try:
                read_checkpoint(draft)
            except ModelError as error:
                raise ModelError(str(error).replace(str(draft), str(destination))) from error
        return destination

    def lacking(self, system: System, destination: str) -> ModelError:
        """Return the error of a checkpoint that needs more than is published with it."""
        source = str(self.named or self.sources[0])
        command = ["geoinfinite", "models", "convert", source, destination, "--base", "FOLDER"]
        return ModelError(
            f"{source} is {system.title}, published without {', '.join(self.lacks)}; convert it with a "
            f"folder that has them: {shlex.join(command)}"
        )

    def _check_places(self, source: Path, destination: Path) -> None:
        """Raise `ModelError` where writing would change what is read."""
        whole = _real(destination)
        for read in (source, *self.sources, *self.copied.values()):
            if _real(read).is_relative_to(whole):
                raise ModelError(
                    f"{destination} holds {read}, which is read; name another folder to write to"
                )
        if source.is_dir() and whole.is_relative_to(_real(source)):
            raise ModelError(f"{destination} lies in {source}, which is read; name a folder outside it")


def conversion_of(source: Path, settings: ConvertSettings) -> tuple[System, Conversion]:
    """Return the system of a published checkpoint, and what becomes of it.

    Raises `ModelError` for what no system publishes, and for tensors that do not fit the settings.
    """
    if (source / SIDECAR).is_file():
        raise ModelError(f"{source} is converted already (it has {SIDECAR}); use it as it is")
    system = system_of(source)
    if system is None:
        raise ModelError(unknown_layout(source))
    _check(settings, system, source)
    try:
        found: Conversion = imported(system.convert)(source, settings)
    except ModelError as error:
        if str(source) in str(error):
            raise
        raise ModelError(f"{source}, which looks like {system.title}: {error}") from error
    return system, replace(found, named=source)


def _check(settings: ConvertSettings, system: System, source: Path) -> None:
    """Raise `ModelError` for a setting that is out of range, or that says nothing to the system."""
    if settings.weights not in WEIGHTS:
        raise ModelError(f"weights={settings.weights!r} is not one of {', '.join(WEIGHTS)}")
    if settings.base is not None and not settings.base.is_dir():
        raise ModelError(f"base={str(settings.base)!r} is no folder; name one that has what {source} lacks")
    for name, value, rule in (("gsd", settings.gsd, GSD), ("boxes", settings.most, BOXES)):
        if value is None:
            continue
        if not rule.allows(value):
            raise ModelError(f"{name}={value!r} must be {rule.says}; correct it, or leave it out")
        if name not in system.takes:
            raise ModelError(f"{name}={value!r} says nothing to {system.title}; leave it out")


def from_base(conversion: Conversion, settings: ConvertSettings, *needed: str) -> Conversion:
    """Return a conversion with what it lacks taken from the base; ``needed`` are folders and files.

    Texts need a text encoder and a tokenizer, or encoded prompts: ``"text"`` stands for either.
    """
    made = {part.folder for part in conversion.parts} | conversion.copied.keys()
    copied, lacks = dict(conversion.copied), list(conversion.lacks)
    for name in needed:
        if name == "text":
            found = {n: _in_base(settings, n) for n in WORDS if n not in made}
            copied |= {n: path for n, path in found.items() if path is not None}
            there = made | copied.keys()
            if WORDS[2] not in there:
                lacks += [n for n in WORDS[:2] if n not in there]
        elif name not in made:
            path = _in_base(settings, name)
            copied |= {} if path is None else {name: path}
            lacks += [] if path is not None else [name]
    return replace(conversion, copied=copied, lacks=tuple(lacks))


def _real(path: Path) -> Path:
    """Return a path without links; unlike `Path.resolve` also for links that lead to themselves."""
    return Path(os.path.realpath(path))


def _in_base(settings: ConvertSettings, name: str) -> Path | None:
    path = None if settings.base is None else settings.base / name
    return path if path is not None and path.exists() else None
