"""What the JSON files of a diffusers checkpoint say, checked before a weight is read and without torch.

A folder holds ``unet/`` (or a bare ``config.json``), ``scheduler/``, for latent models ``vae/`` or
``vqvae/``, and if need be a ``geoinfinite.json`` with what diffusers has no place for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import lcm
from pathlib import Path
from typing import Any

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.network_facts import network_facts, state_channels
from geoinfinite.models.diffusers.part import AUTOENCODERS, CONTROLS, NETWORKS, Part, read_part
from geoinfinite.models.diffusers.scheduler.training_noise import TrainingNoise, read_noise
from geoinfinite.models.diffusers.sidecar import CODES, read_sidecar
from geoinfinite.models.diffusers.slot_table import read_slots
from geoinfinite.models.diffusers.told_facts import CONDITIONED, check_controls, slots_of
from geoinfinite.models.diffusers.words import Words, read_words
from geoinfinite.models.files import CONFIG, SIDECAR, check_safetensors, read_object

KIND = "diffusers"
SCHEDULER, INDEX = "scheduler_config.json", "model_index.json"
UNSAID_SIZE = 64
"""Side of a state where a configuration has no ``sample_size``."""
EXTRA = "extra"
"""The folder of small networks, one file each."""
SUPER_RESOLUTION = "LDMSuperResolutionPipeline"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that can be loaded."""

    network: Part
    autoencoder: Part | None
    noise: TrainingNoise
    """What the network was trained on and how it is told of noise."""
    scheduler: Path
    """The file that says so."""
    facts: ModelFacts
    sidecar: Mapping[str, Any]
    files: tuple[Path, ...]
    """Every file on which a pixel depends."""
    scaling: float = 1.0
    """What codes are multiplied by for the network, unless the autoencoder says it per channel."""
    controls: tuple[Part, ...] = ()
    """ControlNets, in the order of their slots."""
    words: Words | None = None
    """Where the network's words come from; ``None`` for one that is told none."""

    @property
    def system(self) -> str | None:
        """The published system whose own networks read what tiles are told; ``None`` for a stock one."""
        name = self.sidecar.get("system")
        return None if name is None else str(name)

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How its authors sample it, as far as its scheduler file does not say: keys of `SAMPLING`."""
        return dict(self.sidecar.get("sampling", {}))

    @property
    def enlarge(self) -> str:
        """How the parent is enlarged: one of `ENLARGERS`."""
        return str(self.sidecar.get("enlarge", "bicubic"))

    @property
    def tells_codes(self) -> bool:
        """Whether the network is told the code of the enlarged parent, and not its pixels."""
        return self.sidecar.get("parent") == CODES

    def usual_tile(self) -> tuple[int, int]:
        """Return tile and stride in pixels: the size that the network was trained at, and half of it.

        Both fit the model: tiles are multiples of `ModelFacts.multiple`, strides of latent and parent pixels.
        """
        size = self.network.config.get("sample_size") or UNSAID_SIZE
        side = max(size) if isinstance(size, list | tuple) else size
        tile = -(-side * self.facts.latent // self.facts.multiple) * self.facts.multiple
        unit = lcm(self.facts.latent, self.facts.factor or 1)
        return tile, max(unit, tile // 2 // unit * unit)


def is_checkpoint(directory: Path) -> bool:
    """Say whether a folder looks like a checkpoint in diffusers' format."""
    if (directory / "unet").is_dir() or (directory / INDEX).is_file():
        return True
    bare = directory / CONFIG
    return bare.is_file() and read_object(bare).get("_class_name") in NETWORKS


def read_checkpoint(directory: Path, scheduler_class: str | None = None) -> Checkpoint:
    """Return what a folder says of itself; raise `ModelError` if it cannot be drawn with.

    Its scheduler file is read as one of ``scheduler_class``, or of the class that it names.
    """
    sidecar = read_sidecar(directory)
    network = read_part(directory / "unet" if (directory / "unet").is_dir() else directory, NETWORKS)
    folders = [directory / name for name in ("vae", "vqvae") if (directory / name).is_dir()]
    autoencoder = read_part(folders[0], AUTOENCODERS) if folders else None
    scheduler = _scheduler(directory)
    scheduling = read_object(scheduler)
    try:
        noise = read_noise(scheduling, scheduler_class)
    except ModelError as error:
        raise ModelError(f"{scheduler}: {error}") from error
    index = _index(directory)
    state = state_channels(network, scheduling)
    controls = _controls(directory, network)
    facts = network_facts(network, autoencoder, state, sidecar)
    for control in controls:
        check_controls(control.folder, network.config, control.config, facts.latent)
    if "slots" in sidecar:
        slots = read_slots(sidecar["slots"])
    else:
        slots = slots_of(network.config, [part.config for part in controls], facts.latent, "gsd" in sidecar)
    words = None
    if any(slot.kind == "text" for slot in slots):
        channels = int(network.config.get("cross_attention_dim", 1280))
        words = read_words(directory, channels, truncate=sidecar.get("truncate", False))
    extra = (directory / name for name in (SIDECAR, INDEX))
    parts = [part for part in (network, autoencoder, *controls) if part is not None]
    return Checkpoint(
        network,
        autoencoder,
        noise,
        scheduler,
        replace(facts, slots=slots),
        sidecar,
        files=(
            scheduler,
            *(path for path in extra if path.is_file()),
            *(path for part in parts for path in (part.folder / CONFIG, *part.weights)),
            *(() if words is None else words.files),
            *_extra(directory),
        ),
        scaling=1.0 if autoencoder is None else _scaling(autoencoder, index, sidecar, facts.conditioned),
        controls=controls,
        words=words,
    )


def _extra(directory: Path) -> tuple[Path, ...]:
    """Return the files of small networks that diffusers has no place for."""
    found = tuple(sorted((directory / EXTRA).glob("*.safetensors")))
    for path in found:
        check_safetensors(path)
    return found


def _controls(directory: Path, network: Part) -> tuple[Part, ...]:
    """Return the ControlNets of a folder: ``controlnet``, ``controlnet_1`` and so on, without a gap."""
    folders = [directory / "controlnet"]
    while folders[-1].is_dir():
        folders.append(directory / f"controlnet_{len(folders)}")
    missing = folders.pop()
    if extra := sorted({*directory.glob("controlnet*/")} - {*folders}):
        raise ModelError(
            f"{extra[0]} is not read, as {missing.name} does not exist; name it so, or remove it"
        )
    if folders and network.name != CONDITIONED:
        raise ModelError(
            f"{folders[0]} steers a network of {CONDITIONED}, and {network.folder} is of "
            f"{network.name}; remove it"
        )
    return tuple(read_part(folder, CONTROLS) for folder in folders)


def _scheduler(directory: Path) -> Path:
    places = directory / "scheduler" / SCHEDULER, directory / SCHEDULER
    for place in places:
        if place.is_file():
            return place
    raise ModelError(
        f"{places[0]} does not exist; without it nobody knows what the network predicts: copy the one "
        "that it was trained with"
    )


def _index(directory: Path) -> str | None:
    """Return the pipeline that a folder is made for; ``None`` if it does not say."""
    path = directory / INDEX
    if not path.is_file():
        return None
    name = read_object(path).get("_class_name")
    if not isinstance(name, str):
        raise ModelError(f"{path}: _class_name is missing or no string; copy the file again, or remove it")
    return name


def _scaling(autoencoder: Part, index: str | None, sidecar: Mapping[str, Any], conditioned: bool) -> float:
    """Return the scaling factor that the pipeline of diffusers would use."""
    if "scaling_factor" in sidecar:
        return float(sidecar["scaling_factor"])
    # That pipeline gives codes to the decoder as they are, whatever its configuration says.
    if index == SUPER_RESOLUTION:
        return 1.0
    usual = 1.0 if autoencoder.name == "AutoencoderTiny" else 0.18215
    said = float(autoencoder.config.get("scaling_factor", usual))
    if index is None and conditioned and autoencoder.name == "VQModel" and said != 1.0:
        raise ModelError(
            f"{autoencoder.folder / CONFIG}: scaling_factor={said:g} is ignored by diffusers' "
            f"{SUPER_RESOLUTION} and used by others, and there is no {INDEX} that names one; copy it, or add "
            f'"scaling_factor": 1.0 or {said:g} to {SIDECAR}'
        )
    return said
