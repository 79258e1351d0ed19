"""How AeroGen's network is told boxes: as tokens, and as objects written into their masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from geoinfinite.diffusion.model import Cond
from geoinfinite.models.diffusers.inputs import Call, Input, each_tile, of_tiles
from geoinfinite.models.diffusers.stock import Loaded, words_inputs
from geoinfinite.models.diffusers.weights import module_bytes
from geoinfinite.models.networks.box_cells import Rule, cells, masks
from geoinfinite.models.networks.box_encoder import BoxEncoder
from geoinfinite.models.networks.layout_attention import install
from geoinfinite.models.networks.layout_mask import LayoutMask
from geoinfinite.models.threads import one_thread
from geoinfinite.told import Boxes, Slot


def inputs(loaded: Loaded) -> tuple[Input, ...]:
    """Return the inputs of texts and boxes; the network is made to attend to boxes."""
    network, device = loaded.network, loaded.device
    install(network, loaded.extra("layout"))
    # What follows the first convolution is computed before the network is called, which then has none.
    first, network.conv_in = network.conv_in, nn.Identity()
    slot = next(slot for slot in loaded.checkpoint.facts.slots if slot.kind == "boxes")
    boxes = BoxesInput(
        slot,
        BoxEncoder.sized(loaded.extra("boxes")).to(device),
        LayoutMask.sized(loaded.extra("layout_mask")).to(device),
        first,
        loaded.extra("classes")["vectors"].to(device),
        loaded.checkpoint.facts.latent,
        "centre" if loaded.options.get("mask") == "centre" else "outline",
    )
    return (*words_inputs(loaded), boxes)


@dataclass(frozen=True, slots=True)
class BoxesInput:
    """The input of boxes; slots that no box fills hold a learned token, also where nothing is told."""

    slots: ClassVar[tuple[str, ...]] = ("boxes",)

    slot: Slot
    encoder: BoxEncoder
    mask: LayoutMask
    first: nn.Module
    """The first convolution of the network."""
    vectors: Tensor
    """``(class, text)``."""
    latent: int
    rule: Rule
    """Which cells of the state an object covers."""

    @property
    def nbytes(self) -> int:
        """Memory of its weights, in bytes."""
        return sum(map(module_bytes, (self.encoder, self.mask, self.first))) + self.vectors.nbytes

    @torch.inference_mode()
    def compiled(self, cond: Cond) -> Layout:
        """Encode the boxes of every tile alone."""
        tiles: list[Any] = [boxes for (boxes,) in each_tile(cond.told, self.slots)]
        with one_thread():
            kinds = torch.stack([self._kinds(tile) for tile in tiles])
            tokens = [self._tokens(tile, kinds[i : i + 1]) for i, tile in enumerate(tiles)]
        return Layout(self, tuple(tiles), torch.cat(tokens), kinds)

    def _kinds(self, boxes: Boxes | None) -> Tensor:
        """Return the vectors ``(slot, text)`` of the classes of boxes; 0 for empty slots."""
        kinds = self.vectors.new_zeros(self.slot.most, self.vectors.shape[1])
        for number, name in enumerate(() if boxes is None else boxes.classes):
            kinds[number] = self.vectors[self.slot.classes.index(name)]
        return kinds

    def _tokens(self, boxes: Boxes | None, kinds: Tensor) -> Tensor:
        numbers = np.zeros((self.slot.most, 8), np.int64)
        count = 0 if boxes is None else len(boxes.classes)
        if boxes is not None and count:
            # A whole number of pixels a cell: the tile's size cancels out.
            numbers[:count] = cells(boxes.corners, (self.latent, self.latent), (1, 1))
        present = torch.arange(self.slot.most, device=kinds.device) < count
        tokens: Tensor = self.encoder(
            torch.from_numpy(numbers)[None].to(kinds.device), kinds, present[None]
        )
        return tokens

    def masks_of(self, boxes: Boxes | None, shape: tuple[int, int]) -> Tensor:
        """Return the masks ``(slot, y, x)`` of boxes on a state of ``shape``."""
        found = np.zeros((self.slot.most, *shape), np.float32)
        if boxes is not None and boxes.classes:
            corners = cells(boxes.corners, (self.latent, self.latent), (1, 1))
            found[: len(boxes.classes)] = masks(boxes.outlines / self.latent, corners, shape, self.rule)
        return torch.from_numpy(found)


@dataclass(frozen=True, slots=True)
class Layout:
    """The boxes of a batch of tiles, as the network takes them."""

    told: BoxesInput
    tiles: tuple[Boxes | None, ...]
    tokens: Tensor
    """``(tile, slot, channel)``."""
    kinds: Tensor
    """``(tile, slot, text)``."""
    drawn: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """Masks ``(tile, slot, y, x)`` by the state's rows and columns: drawn once for all steps."""

    def added(self, call: Call, tile: slice) -> Call:
        """Return a call with boxes: after the first convolution, and told to every attention."""
        shape = call.seen.shape[-2], call.seen.shape[-1]
        if shape not in self.drawn:
            masks = torch.stack([self.told.masks_of(boxes, shape) for boxes in self.tiles])
            self.drawn[shape] = masks.to(call.seen.device)
        seen = self.told.mask.gated(
            self.told.first(call.seen),
            of_tiles(self.kinds, tile, call),
            of_tiles(self.drawn[shape], tile, call),
            call.times,
        )
        layout = of_tiles(self.tokens, tile, call)
        return replace(call, seen=seen, attention={**call.attention, "layout": layout})
