"""How GeoSynth's network is told a place: a vector of it is added to every residual of the ControlNet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.diffusers.inputs import Call, Input, each_tile, filled, of_tiles, strengths_of
from geoinfinite.models.diffusers.stock import Loaded, hint_inputs, words_inputs
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.networks.location_chain import LocationChain
from geoinfinite.models.networks.satclip import LocationEncoder
from geoinfinite.models.threads import one_thread


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the inputs of texts, a hint and, if the checkpoint was trained with it, a place."""
    stock = (*words_inputs(loaded), *hint_inputs(loaded))
    if not loaded.has_extra("location"):
        return stock
    chain = LocationChain.sized(loaded.extra("location")).to(loaded.device)
    encode: Callable[[Any], Tensor] = _as_vector
    held = 0
    if loaded.has_extra("satclip"):
        encoder = LocationEncoder.sized(loaded.extra("satclip"))
        encode, held = _encoding(encoder), module_bytes(encoder)
    control = loaded.controls[0].network
    return (*stock, PlaceInput(chain, encode, control, loaded.device, module_bytes(chain) + held))


def _as_vector(values: Any) -> Tensor:
    """Return the vector of a place that was told as one."""
    return torch.from_numpy(values.ravel())


def _encoding(encoder: LocationEncoder) -> Callable[[Any], Tensor]:
    """Return what encodes longitude and latitude."""

    def vector(lonlat: Any) -> Tensor:
        told: Tensor = encoder(torch.from_numpy(lonlat)[None])[0].float()
        return told

    return vector


@dataclass(frozen=True, slots=True)
class PlaceInput:
    """The input of a place, which takes effect beside a hint only, as it was trained."""

    slots: ClassVar[tuple[str, ...]] = ("location",)

    chain: LocationChain
    encode: Callable[[Any], Tensor]
    """Makes a vector ``(channel,)`` of what a tile is told."""
    control: Any
    """The ControlNet, whose embedding of the time the shares depend on."""
    device: torch.device
    nbytes: int

    @torch.inference_mode()
    def compiled(self, cond: Cond) -> Shares | None:
        """Encode the place of every tile alone."""
        told = [place for (place,) in each_tile(cond.told, self.slots)]
        strengths = strengths_of(told, cond.strength.get("location", 1.0), self.device)
        if strengths is None:
            return None
        with one_thread():
            vectors = torch.stack([self.encode(place) for place in filled(told)])
        return Shares(self, vectors.to(self.device), strengths)


@dataclass(frozen=True, slots=True)
class Shares:
    """What the places of a batch of tiles add to the residuals of a ControlNet."""

    told: PlaceInput
    vectors: Tensor
    """``(tile, channel)``."""
    strengths: Tensor
    """``(tile, 1, 1, 1)``; 0 for tiles that are told no place."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with the shares; as it is where no hint is told."""
        if not call.residuals:
            return call
        control = self.told.control
        waves = control.time_proj(call.times).to(call.seen.dtype)
        shares = self.told.chain(of_tiles(self.vectors, tile, call), control.time_embedding(waves))
        strengths = of_tiles(self.strengths, tile, call)
        return call.plus([share[:, :, None, None] * strengths for share in shares])
