"""What the JSON files of a diffusers checkpoint say, checked before a weight is read and without torch.

A folder holds ``unet/`` (or a bare ``config.json``), ``scheduler/``, for latent models ``vae/`` or
``vqvae/``, and if need be a ``geoinfinite.json`` with what diffusers has no place for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.decoder_reach import decoder_operations, halo_of, latent_pixels
from geoinfinite.models.diffusers.scheduler.training_noise import TrainingNoise, read_noise
from geoinfinite.models.files import CONFIG, SIDECAR, WEIGHTS, check_safetensors, read_object

KIND = "diffusers"
NETWORKS = ("UNet2DModel",)
AUTOENCODERS = ("AutoencoderKL", "VQModel", "AutoencoderTiny")
SCHEDULER, INDEX = "scheduler_config.json", "model_index.json"
ENLARGERS = {"bicubic": 2, "bilinear": 1, "nearest": 0}
"""Ways to enlarge the parent, with the parent pixels that each looks beyond its own."""
_NUMBERS = {"factor": 1, "margin": 0, "multiple": 1, "halo": 0}
SETTINGS = {"format", "kind", "about", "bands", "gsd", "enlarge", "scaling_factor", *_NUMBERS}
"""Keys of a sidecar of this kind."""


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a checkpoint: its folder, and what its ``config.json`` says."""

    folder: Path
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The class that diffusers would make of it."""
        return str(self.config.get("_class_name"))

    @property
    def weights(self) -> Path:
        """The file of its weights."""
        return self.folder / WEIGHTS


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that can be loaded."""

    network: Part
    autoencoder: Part | None
    noise: TrainingNoise
    """What the network was trained on; its solver and schedule are for those who ask for them."""
    scheduler: Path
    """The file that says so."""
    facts: ModelFacts
    sidecar: Mapping[str, Any]
    files: tuple[Path, ...]
    """Every file on which a pixel depends."""
    scaling: float = 1.0
    """What codes are multiplied by for the network, unless the autoencoder says it per channel."""

    @property
    def enlarge(self) -> str:
        """How the parent is enlarged: one of `ENLARGERS`."""
        return str(self.sidecar.get("enlarge", "bicubic"))


def is_checkpoint(directory: Path) -> bool:
    """Say whether a folder looks like a checkpoint in diffusers' format."""
    if (directory / "unet").is_dir() or (directory / INDEX).is_file():
        return True
    bare = directory / CONFIG
    return bare.is_file() and read_object(bare).get("_class_name") in NETWORKS


def read_checkpoint(directory: Path) -> Checkpoint:
    """Return what a folder says of itself; raise `ModelError` if it cannot be drawn with."""
    sidecar = _sidecar(directory)
    network = _part(directory / "unet" if (directory / "unet").is_dir() else directory, NETWORKS)
    folders = [directory / name for name in ("vae", "vqvae") if (directory / name).is_dir()]
    autoencoder = _part(folders[0], AUTOENCODERS) if folders else None
    scheduler = _scheduler(directory)
    scheduling = read_object(scheduler)
    try:
        noise = read_noise(scheduling)
    except ModelError as error:
        raise ModelError(f"{scheduler}: {error}") from error
    _check_network(network, sidecar)
    extra = (directory / name for name in (SIDECAR, INDEX))
    parts = [network] if autoencoder is None else [network, autoencoder]
    state = int(network.config.get("out_channels", 3))
    if str(scheduling.get("variance_type")).startswith("learned"):
        # Half of what the network returns is a variance, which no solver here asks for.
        state //= 2
    return Checkpoint(
        network,
        autoencoder,
        noise,
        scheduler,
        _facts(network, autoencoder, state, sidecar),
        sidecar,
        files=(
            scheduler,
            *(path for path in extra if path.is_file()),
            *(path for part in parts for path in (part.folder / CONFIG, part.weights)),
        ),
        scaling=1.0 if autoencoder is None else _scaling(directory, autoencoder, sidecar),
    )


def _sidecar(directory: Path) -> dict[str, Any]:
    path = directory / SIDECAR
    if not path.is_file():
        return {}
    sidecar = read_object(path)
    unknown = sorted(set(sidecar) - SETTINGS)
    if unknown:
        raise ModelError(f"{path}: {unknown[0]!r} is not one of {', '.join(sorted(SETTINGS))}")
    if sidecar.get("enlarge", "bicubic") not in ENLARGERS:
        raise ModelError(f"{path}: enlarge={sidecar['enlarge']!r} is not one of {', '.join(ENLARGERS)}")
    for name, least in _NUMBERS.items():
        value = sidecar.get(name)
        if value is not None and (not isinstance(value, int) or value < least):
            raise ModelError(f"{path}: {name}={value!r} must be a whole number of at least {least}")
    return sidecar


def _part(folder: Path, names: tuple[str, ...]) -> Part:
    part = Part(folder, read_object(folder / CONFIG))
    if part.name not in names:
        raise ModelError(
            f"{folder / CONFIG}: _class_name={part.name!r} is not one of {', '.join(names)}; networks "
            "that are told text or other embeddings are not read"
        )
    check_safetensors(part.weights)
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


def _check_network(network: Part, sidecar: Mapping[str, Any]) -> None:
    where, config = network.folder / CONFIG, network.config
    if config.get("time_embedding_type", "positional") != "positional":
        raise ModelError(
            f"{where}: time_embedding_type={config['time_embedding_type']!r} is not positional; noise levels "
            "are told as timesteps"
        )
    gsd, kind = sidecar.get("gsd"), config.get("class_embed_type")
    classes = config.get("num_class_embeds")
    if kind == "timestep":
        if not (isinstance(gsd, dict) and set(gsd) == {"scale", "offset"}):
            raise ModelError(
                f"{where}: class_embed_type='timestep' is told the ground sample distance, but {SIDECAR} "
                'does not say how; add "gsd": {"scale": A, "offset": B} for the label A log2(metres) + B'
            )
    elif kind is not None:
        raise ModelError(f"{where}: class_embed_type={kind!r} is not null or timestep")
    elif classes is not None and not (isinstance(gsd, list) and len(gsd) == classes):
        raise ModelError(
            f"{where}: num_class_embeds={classes} classes, but {SIDECAR} does not say the ground sample "
            f'distance of each; add "gsd": [{classes} values in metres]'
        )


def _facts(network: Part, autoencoder: Part | None, state: int, sidecar: Mapping[str, Any]) -> ModelFacts:
    where = network.folder / CONFIG
    bands, latent, halo = state, 1, 0
    if autoencoder is not None:
        bands, latent, halo = _decoder_facts(autoencoder, state, sidecar)
    names = sidecar.get("bands")
    if names is not None and len(names) != bands:
        raise ModelError(f"{SIDECAR}: bands has {len(names)} names, but the model draws {bands} bands")
    told = int(network.config.get("in_channels", 3)) - state
    if told not in (0, bands):
        raise ModelError(
            f"{where}: in_channels={state + told} is neither {state}, the state alone, nor {state + bands}, "
            "the state and an enlarged parent; other conditions are not read"
        )
    multiple = 2 ** (len(network.config.get("down_block_types", "1234")) - 1) * latent
    factor = sidecar.get("factor", latent if told and latent > 1 else None)
    margin = 0
    if told:
        margin = _margin(where, latent, factor, sidecar)
        multiple = lcm(multiple, factor or 1)
    elif "factor" in sidecar or "margin" in sidecar:
        raise ModelError(
            f"{SIDECAR}: factor and margin are of a parent, and the network is told none; remove them"
        )
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
    )


def _margin(where: Path, latent: int, factor: int | None, sidecar: Mapping[str, Any]) -> int:
    if factor is not None and factor % latent and latent % factor:
        raise ModelError(
            f"{where}: factor={factor} and the {latent} pixels of a latent pixel must divide one another; "
            f'set "factor" in {SIDECAR} to {latent} or a multiple of it'
        )
    enlarges = factor is None or factor > latent
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
    if config.get("norm_type", "group") != "group":
        raise ModelError(
            f"{where}: norm_type={config['norm_type']!r} is not group, the only one that is read"
        )
    if config.get("upsample_fn", "nearest") != "nearest":
        raise ModelError(f"{where}: upsample_fn={config['upsample_fn']!r} is not nearest")
    latent = latent_pixels(autoencoder.name, config)
    halo = int(sidecar.get("halo", halo_of(decoder_operations(autoencoder.name, config), latent)))
    if halo % latent:
        raise ModelError(
            f"{SIDECAR}: halo={halo} must be a multiple of {latent}, the pixels per latent pixel"
        )
    return bands, latent, halo


def _scaling(directory: Path, autoencoder: Part, sidecar: Mapping[str, Any]) -> float:
    """Return the scaling factor that the pipeline of diffusers would use."""
    if "scaling_factor" in sidecar:
        return float(sidecar["scaling_factor"])
    index = directory / INDEX
    # That pipeline gives codes to the decoder as they are, whatever its configuration says.
    if index.is_file() and read_object(index).get("_class_name") == "LDMSuperResolutionPipeline":
        return 1.0
    usual = 1.0 if autoencoder.name == "AutoencoderTiny" else 0.18215
    return float(autoencoder.config.get("scaling_factor", usual))
