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
from geoinfinite.models.diffusers.architecture import check_architecture
from geoinfinite.models.diffusers.decoder_reach import decoder_operations, halo_of, latent_pixels
from geoinfinite.models.diffusers.scheduler.training_noise import TrainingNoise, read_noise
from geoinfinite.models.diffusers.sidecar import CODES, ENLARGERS, check_uses, known_gsds, read_sidecar
from geoinfinite.models.diffusers.slot_table import read_slots
from geoinfinite.models.diffusers.told_facts import CONDITIONED, check_controls, slots_of
from geoinfinite.models.diffusers.words import Words, read_words
from geoinfinite.models.files import CONFIG, SIDECAR, check_safetensors, read_object, weight_files

KIND = "diffusers"
NETWORKS = ("UNet2DModel", CONDITIONED)
CONTROLS = ("ControlNetModel",)
AUTOENCODERS = ("AutoencoderKL", "VQModel", "AutoencoderTiny")
SCHEDULER, INDEX = "scheduler_config.json", "model_index.json"
UNSAID_SIZE = 64
"""Side of a state where a configuration has no ``sample_size``."""
EXTRA = "extra"
"""The folder of small networks, one file each."""
SUPER_RESOLUTION = "LDMSuperResolutionPipeline"


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a checkpoint: its folder, and what its ``config.json`` says."""

    folder: Path
    config: Mapping[str, Any]
    """The class, ``_class_name``, and the keys that it reads."""

    @property
    def name(self) -> str:
        """The class that diffusers would make of it."""
        return str(self.config.get("_class_name"))

    @property
    def weights(self) -> tuple[Path, ...]:
        """The files of its weights."""
        return weight_files(self.folder)


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
    network = _part(directory / "unet" if (directory / "unet").is_dir() else directory, NETWORKS)
    folders = [directory / name for name in ("vae", "vqvae") if (directory / name).is_dir()]
    autoencoder = _part(folders[0], AUTOENCODERS) if folders else None
    scheduler = _scheduler(directory)
    scheduling = read_object(scheduler)
    try:
        noise = read_noise(scheduling, scheduler_class)
    except ModelError as error:
        raise ModelError(f"{scheduler}: {error}") from error
    index = _index(directory)
    state = _state_channels(network, scheduling)
    controls = _controls(directory, network)
    facts = _facts(network, autoencoder, state, sidecar)
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
    return tuple(_part(folder, CONTROLS) for folder in folders)


def _part(folder: Path, names: tuple[str, ...]) -> Part:
    where = folder / CONFIG
    part = Part(folder, check_architecture(where, read_object(where), names))
    for path in part.weights:
        check_safetensors(path)
    return part


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


def _state_channels(network: Part, scheduling: Mapping[str, Any]) -> int:
    """Return the channels of what is denoised; half of an answer may be a variance."""
    answer = int(network.config.get("out_channels", 3))
    variance = scheduling.get("variance_type")
    if not str(variance).startswith("learned"):
        return answer
    if answer % 2:
        raise ModelError(
            f"{network.folder / CONFIG}: out_channels={answer} must be even, as half of them are the "
            f"variance of variance_type={variance!r}; set that to 'fixed_small' if the network predicts none"
        )
    return answer // 2


def _facts(network: Part, autoencoder: Part | None, state: int, sidecar: Mapping[str, Any]) -> ModelFacts:
    where = network.folder / CONFIG
    bands, latent, halo = state, 1, 0
    if autoencoder is not None:
        bands, latent, halo = _decoder_facts(autoencoder, state, sidecar)
    names = sidecar.get("bands")
    if names is not None and len(names) != bands:
        raise ModelError(f"{SIDECAR}: bands has {len(names)} names, but the model draws {bands} bands")
    told = int(network.config.get("in_channels", 3)) - state
    beside = state if sidecar.get("parent") == CODES else bands
    if told not in (0, beside):
        raise ModelError(
            f"{where}: in_channels={state + told} is neither {state}, the state alone, nor {state + beside}, "
            "the state and an enlarged parent; other conditions are not read"
        )
    texts = network.name == CONDITIONED
    check_uses(sidecar, parent=bool(told), latent=autoencoder is not None, texts=texts)
    multiple = _deepest_side(network.config) * latent
    factor = sidecar.get("factor", latent if told and latent > 1 else None)
    margin = 0
    if told:
        margin = _margin(where, latent, factor, sidecar)
        multiple = lcm(multiple, factor or 1)
    if sidecar.get("multiple", multiple) % multiple:
        raise ModelError(f"{SIDECAR}: multiple={sidecar['multiple']} must be a multiple of {multiple}")
    return ModelFacts(
        bands=bands,
        factor=factor,
        margin=margin,
        multiple=sidecar.get("multiple", multiple),
        conditioned=bool(told),
        latent=latent,
        channels=state,
        halo=halo,
        gsds=known_gsds(where, network.config, sidecar),
    )


def _deepest_side(config: Mapping[str, Any]) -> int:
    """Return the least side of a state, of which all sides are multiples.

    The deepest block sees one pixel of it: two, where every channel is normalised alone, since a single value
    has no deviation.
    """
    blocks = len(config.get("down_block_types", "1234"))
    channels = config.get("block_out_channels", (224, 448, 672, 896))
    alone = config.get("norm_num_groups", 32) in channels
    return int(2**blocks if alone else 2 ** (blocks - 1))


def _margin(where: Path, latent: int, factor: int | None, sidecar: Mapping[str, Any]) -> int:
    if factor is not None and factor % latent and latent % factor:
        raise ModelError(
            f"{where}: factor={factor} and the {latent} pixels of a latent pixel must divide one another; "
            f'set "factor" in {SIDECAR} to {latent} or a multiple of it'
        )
    enlarges = factor is None or factor > latent or sidecar.get("parent") == CODES
    least = ENLARGERS[sidecar.get("enlarge", "bicubic")] if enlarges else 0
    margin = int(sidecar.get("margin", least))
    if margin < least:
        raise ModelError(
            f"{SIDECAR}: margin={margin} must be at least {least}, the parent pixels that "
            f"{sidecar.get('enlarge', 'bicubic')} enlargement looks at"
        )
    return margin


def _decoder_facts(autoencoder: Part, state: int, sidecar: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return bands, latent pixels and halo of an autoencoder that fits a network of ``state`` channels."""
    where, config = autoencoder.folder / CONFIG, autoencoder.config
    latents = config.get("vq_embed_dim") or config.get(
        "latent_channels", 3 if autoencoder.name == "VQModel" else 4
    )
    if latents != state:
        raise ModelError(
            f"{where}: codes of {latents} channels, but the network's state has {state}; the two are of "
            "different models"
        )
    bands = int(config.get("out_channels", 3))
    if bands != config.get("in_channels", 3):
        raise ModelError(f"{where}: in_channels={config['in_channels']} must equal out_channels={bands}")
    for key in ("latents_mean", "latents_std"):
        if config.get(key) and len(config[key]) != latents:
            raise ModelError(f"{where}: {key} has {len(config[key])} values for codes of {latents} channels")
    latent = latent_pixels(autoencoder.name, config)
    halo = int(sidecar.get("halo", halo_of(decoder_operations(autoencoder.name, config), latent)))
    if halo % latent:
        raise ModelError(
            f"{SIDECAR}: halo={halo} must be a multiple of {latent}, the pixels per latent pixel"
        )
    return bands, latent, halo


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
