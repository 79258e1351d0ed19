"""How DiffusionSat's networks are told metadata, coarse bands and earlier images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from geoinfinite.diffusion.model import Array, Cond
from geoinfinite.models.diffusers.controls import HintInput, as_told
from geoinfinite.models.diffusers.inputs import (
    Call,
    Input,
    Labels,
    RowInput,
    each_tile,
    filled,
    of_tiles,
    strengths_of,
)
from geoinfinite.models.diffusers.stock import Loaded, words_inputs
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.networks.control3d import Control3d
from geoinfinite.models.networks.metadata_embedder import MetadataEmbedder
from geoinfinite.models.threads import one_thread
from geoinfinite.told.schemas import DIFFUSIONSAT
from geoinfinite.told.sentinel import SENTINEL2, normalised

HINT_GSD_M = 10.0
"""Ground sample distance that the ControlNet of Sentinel-2 is told of its hint, in metres."""
METADATA, HINT, HINT_METADATA, FRAMES = "metadata", "hint", "hint_metadata", "frames"
Facts = Any
"""float64 ``(item,)`` in units of the world, NaN where nothing is known; ``None`` for nothing at all."""


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the inputs of texts and metadata, and of a hint or of frames."""
    embedder = MetadataEmbedder.sized(loaded.extra(METADATA)).to(loaded.device)

    def vector(facts: Facts) -> Tensor:
        return _embedded(embedder, facts, loaded.device)

    own = RowInput((METADATA,), vector, Labels, loaded.device, module_bytes(embedder))
    return (*words_inputs(loaded), own, *_control_inputs(loaded))


def _control_inputs(loaded: Loaded) -> tuple[Input, ...]:
    if not loaded.has_extra("control_metadata"):
        return ()
    embedder = MetadataEmbedder.sized(loaded.extra("control_metadata")).to(loaded.device)
    if loaded.has_extra("control3d"):
        network = Control3d.sized(loaded.extra("control3d"), loaded.options["control3d"]).to(loaded.device)
        return (FramesInput(network, embedder, loaded.device),)

    def vector(facts: Facts, of_hint: Facts) -> Tensor:
        of_hint = _of_hint(facts) if of_hint is None else of_hint
        return _embedded(embedder, facts, loaded.device) + _embedded(embedder, of_hint, loaded.device)

    row = RowInput((METADATA, HINT_METADATA), vector, Labels, loaded.device, module_bytes(embedder))
    slot = next(slot for slot in loaded.checkpoint.facts.slots if slot.name == HINT)
    encoded = _of_sentinel(slot.bands) if slot.encoding == SENTINEL2 else as_told
    return (HintInput(HINT, loaded.controls[0], loaded.device, row, encoded),)


def _of_hint(facts: Facts) -> Facts:
    """Return the metadata of a hint about which nothing is said: those of the image, but its resolution.

    Where nothing is said of the image, nothing is of the hint.
    """
    if facts is None:
        return None
    changed = np.array(facts)
    changed[DIFFUSIONSAT.names.index("gsd")] = HINT_GSD_M
    return changed


def _of_sentinel(bands: tuple[str, ...]) -> Callable[[Array], Array]:
    return lambda values: normalised(values, bands)


def _embedded(embedder: MetadataEmbedder, facts: Facts, device: torch.device) -> Tensor:
    """Return the vector ``(channel,)`` of metadata; what is not known is 0 before it is embedded."""
    items = len(DIFFUSIONSAT.items)
    scaled = np.zeros(items) if facts is None else DIFFUSIONSAT.encoded(facts)
    with one_thread():
        vector: Tensor = embedder(torch.tensor(scaled, dtype=torch.float32, device=device)[None])[0]
    return vector


@dataclass(frozen=True, slots=True)
class FramesInput:
    """The input of pictures of a place at several times."""

    slots: ClassVar[tuple[str, ...]] = (FRAMES, METADATA)

    network: Control3d
    embedder: MetadataEmbedder
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory of its weights, in bytes."""
        return module_bytes(self.network) + module_bytes(self.embedder)

    @torch.inference_mode()
    def compiled(self, cond: Cond) -> Series | None:
        """Read the frames of every tile alone; ``None`` if they add nothing."""
        tiles = each_tile(cond.told, self.slots)
        told = [frames for frames, _ in tiles]
        strengths = strengths_of(told, cond.strength.get(FRAMES, 1.0), self.device)
        if strengths is None:
            return None
        series = filled(told)
        with one_thread():
            read = torch.cat([self._read(frames) for frames in series])
        vectors = [self._vectors(f, facts) for f, (_, facts) in zip(series, tiles, strict=True)]
        return Series(self.network, read, torch.stack(vectors), strengths)

    def _read(self, frames: Any) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(frames.pixels)).to(self.device)
        return self.network.read_hint(pixels.transpose(0, 1)[None])

    def _vectors(self, frames: Any, facts: Facts) -> Tensor:
        """Return ``(frame, channel)``: the metadata of the image and those of each frame, added."""
        own = _embedded(self.embedder, facts, self.device)
        # Where nothing is told of the image, as in the less-told half of guidance, nothing is of frames.
        each = [None if facts is None else of_frame for of_frame in frames.facts]
        return torch.stack([own + _embedded(self.embedder, of_frame, self.device) for of_frame in each])


@dataclass(frozen=True, slots=True)
class Series:
    """The frames of a batch of tiles, as the network takes them."""

    network: Control3d
    read: Tensor
    """``(tile, channel, frame, y, x)``."""
    vectors: Tensor
    """``(tile, frame, channel)``."""
    strengths: Tensor
    """``(tile, 1, 1, 1)``; 0 for tiles that are told none."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with the residuals of the ControlNet; none where no tile is told frames."""
        strengths = of_tiles(self.strengths, tile, call)
        if not strengths.any() or call.tokens is None:
            return call
        read, vectors = of_tiles(self.read, tile, call), of_tiles(self.vectors, tile, call)
        down, middle = self.network(call.seen, call.times, call.tokens, read, vectors)
        return call.plus([residual * strengths for residual in (*down, middle)])
