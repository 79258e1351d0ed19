"""A published checkpoint made into a folder that is read without its authors' code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import file_digest
from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.writing import write_folder
from geoinfinite.models.systems.known import imported, system_of
from geoinfinite.models.systems.protocol import WEIGHTS, ConvertSettings, System

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

    def written(self, system: System, destination: Path, *, overwrite: bool = False) -> Path:
        """Write the folder and return it; the same source gives the same bytes.

        Raises `ModelError` if something is lacking or the folder exists.
        """
        if self.lacks:
            raise ModelError(
                f"{self.sources[0]} is {system.title}, published without {', '.join(self.lacks)}; convert it "
                f"with a folder that has them: geoinfinite models convert {self.sources[0]} DST --base FOLDER"
            )
        digests = {path.name: f"sha256:{file_digest(path)}" for path in self.sources}
        sidecar = {"format": 1, "kind": "diffusers", "system": system.name, **self.sidecar, "source": digests}
        write_folder(destination, self.parts, sidecar, self.scheduler, self.copied, overwrite)
        return destination


def conversion_of(source: Path, settings: ConvertSettings) -> tuple[System, Conversion]:
    """Return the system of a published checkpoint, and what becomes of it.

    Raises `ModelError` for what no system publishes, and for tensors that do not fit the settings.
    """
    system = system_of(source)
    if system is None:
        raise ModelError(
            f"{source} is in no layout that is known; name a checkpoint as its authors publish it, or use a "
            "folder in diffusers' format as it is"
        )
    if settings.weights not in WEIGHTS:
        raise ModelError(f"weights={settings.weights!r} is not one of {', '.join(WEIGHTS)}")
    if settings.base is not None and not settings.base.is_dir():
        raise ModelError(f"base={str(settings.base)!r} is no folder; name one that has what {source} lacks")
    try:
        found: Conversion = imported(system.convert)(source, settings)
    except ModelError as error:
        if str(source) in str(error):
            raise
        raise ModelError(f"{source}, which looks like {system.title}: {error}") from error
    return system, found


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


def _in_base(settings: ConvertSettings, name: str) -> Path | None:
    path = None if settings.base is None else settings.base / name
    return path if path is not None and path.exists() else None
