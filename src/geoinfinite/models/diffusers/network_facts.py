"""What a world must know of a network and its autoencoder: sizes, channels, margins, halos."""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm
from pathlib import Path
from typing import Any

from geoinfinite.diffusion.model import ModelFacts
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.decoder_reach import decoder_operations, halo_of, latent_pixels
from geoinfinite.models.diffusers.part import Part
from geoinfinite.models.diffusers.sidecar import CODES, ENLARGERS, check_uses, known_gsds
from geoinfinite.models.diffusers.told_facts import CONDITIONED
from geoinfinite.models.files import CONFIG, SIDECAR


def state_channels(network: Part, scheduling: Mapping[str, Any]) -> int:
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


def network_facts(
    network: Part, autoencoder: Part | None, state: int, sidecar: Mapping[str, Any]
) -> ModelFacts:
    """Return the facts of a network whose state has ``state`` channels; raise `ModelError` if they clash."""
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
