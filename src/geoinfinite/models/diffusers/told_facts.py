"""What a checkpoint can be told, by its configuration: slots of texts, hints, numbers and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.told import Slot
from geoinfinite.told.schemas import TEXT2EARTH

CONDITIONED = "UNet2DConditionModel"
"""The class of networks that are told texts."""
_USUAL_CHANNELS = (320, 640, 1280, 1280)
_USUAL_HINT = (16, 32, 96, 256)


def hint_strides(config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the strides of the stages of a ControlNet that read its hint.

    DiffusionSat's ``conditioning_scale`` says how much coarser its hint is than usual: stages halve the
    hint while the scale, doubled at each of them, is below 8.

    >>> hint_strides({}), hint_strides({"conditioning_scale": 2})
    ((2, 2, 2), (2, 2, 1))
    """
    stages = range(len(config.get("conditioning_embedding_out_channels", _USUAL_HINT)) - 1)
    scale = config.get("conditioning_scale")
    return tuple(2 if scale is None or scale * 2**stage < 8 else 1 for stage in stages)


def hint_pixels(config: Mapping[str, Any]) -> int:
    """Return the pixels of a ControlNet's hint along each side of a pixel of its state."""
    return prod(hint_strides(config))


def vector_channels(config: Mapping[str, Any]) -> int:
    """Return the channels of the vector that is added to the embedding of a network's time."""
    first = config.get("block_out_channels", _USUAL_CHANNELS)[0]
    return int(config.get("time_embedding_dim") or 4 * first)


def slots_of(
    network: Mapping[str, Any], controls: Sequence[Mapping[str, Any]], latent: int, tells_gsd: bool
) -> tuple[Slot, ...]:
    """Return the slots of a network and its ControlNets, by what their configurations say.

    ``tells_gsd``: a sidecar says how the class label follows from the ground sample distance. Without one a
    label of class ``timestep`` is the zoom level of Text2Earth.
    """
    if network.get("_class_name") != CONDITIONED:
        return ()
    slots = [Slot("prompt", "text", dropped=True)]
    for number, control in enumerate(controls):
        slots.append(
            Slot(
                f"hint_{number}" if number else "hint",
                "raster",
                channels=int(control.get("conditioning_channels", 3)),
                span=(0.0, 1.0),
                pixels=latent // hint_pixels(control),
            )
        )
    label = network.get("class_embed_type")
    if label == "timestep" and not tells_gsd:
        slots.append(Slot("metadata", "metadata", TEXT2EARTH.names, dropped=True, required=False))
    if label == "identity":
        slots.append(Slot("vector", "embedding", channels=vector_channels(network), cells=1, required=False))
    return tuple(slots)


def check_controls(folder: Path, network: Mapping[str, Any], control: Mapping[str, Any], latent: int) -> None:
    """Raise `ModelError` unless a ControlNet fits its network."""
    for key, usual in (
        ("in_channels", 4),
        ("cross_attention_dim", 1280),
        ("block_out_channels", list(_USUAL_CHANNELS)),
        ("layers_per_block", 2),
    ):
        own, wanted = (_listed(config.get(key, usual)) for config in (control, network))
        if own != wanted:
            raise ModelError(
                f"{folder}: {key}={own} is not that of the network, {wanted}; the two are of different "
                "models: take the ControlNet that was trained for this one"
            )
    if latent % hint_pixels(control):
        raise ModelError(
            f"{folder}: its hint has {hint_pixels(control)} pixels a side for each of the state, which must "
            f"divide the {latent} pixels of the image; the two are of different models"
        )


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
