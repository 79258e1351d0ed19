"""Checkpoints in diffusers' format as tile models: of pixels or latent, with a parent or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log2
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from geoinfinite.diffusion.model import Array, Cond, unknown_gsd
from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.autoencoder import Autoencoder, load_autoencoder
from geoinfinite.models.diffusers.controls import load_control
from geoinfinite.models.diffusers.folder import Checkpoint, read_checkpoint
from geoinfinite.models.diffusers.inputs import Call, Input
from geoinfinite.models.diffusers.said import Said
from geoinfinite.models.diffusers.stock import Loaded, MakeInputs, stock_inputs
from geoinfinite.models.diffusers.text_encoder import WordReader
from geoinfinite.models.diffusers.weights import load_network, module_bytes
from geoinfinite.models.threads import one_thread, tile_by_tile
from geoinfinite.told import Told


@dataclass(frozen=True, slots=True)
class CheckpointModel:
    """A loaded checkpoint on a device."""

    checkpoint: Checkpoint
    network: Any
    """A diffusers `UNet2DModel`."""
    autoencoder: Autoencoder | None
    device: torch.device
    dtype: torch.dtype
    """What the network's convolutions compute in; weights, states and the autoencoder stay float32."""
    inputs: tuple[Input, ...] = ()
    """The ways by which the network takes what tiles are told; none for a network without slots."""

    @property
    def nbytes(self) -> int:
        """Memory of the weights, in bytes."""
        coder = self.autoencoder
        held = module_bytes(self.network) + sum(part.nbytes for part in self.inputs)
        return held + (0 if coder is None else module_bytes(coder.module))

    def bind(self, cond: Cond) -> CheckpointTiles:
        """Return the network told about a batch of tiles."""
        conditioned = self.checkpoint.facts.conditioned
        if conditioned and cond.parent is None:
            raise ModelError(
                f"{self.checkpoint.network.folder} is told a parent, and a generated level 0 has none; "
                "name a model without one for it"
            )
        parent = torch.from_numpy(cond.parent).to(self.device) if conditioned else None
        said = Said.of(self.inputs, cond) if self.inputs else None
        return CheckpointTiles(self, parent, self._label(cond.gsd_m), said)

    def _label(self, gsd_m: float) -> Tensor | None:
        """Return what the network is told of the ground sample distance, if anything."""
        config: Any = self.checkpoint.network.config
        gsd: Any = self.checkpoint.sidecar.get("gsd")
        if config.get("class_embed_type") == "timestep" and gsd is not None:
            label = gsd["scale"] * log2(gsd_m) + gsd["offset"]
            return torch.tensor([label], dtype=torch.float32, device=self.device)
        if config.get("num_class_embeds") is None:
            return None
        nearest = self.checkpoint.facts.class_of(gsd_m)
        if nearest is None:
            raise ModelError(f"{self.checkpoint.network.folder} {unknown_gsd(self.checkpoint.facts, gsd_m)}")
        return torch.tensor([nearest], device=self.device)


@dataclass(frozen=True, slots=True)
class CheckpointTiles:
    """The network told about one batch of tiles; its state is the image, or the code of a latent model."""

    model: CheckpointModel
    parent: Tensor | None
    label: Tensor | None
    said: Said | None = None
    """What the tiles are told; ``None`` for a network without slots."""
    enlarged: dict[int, Tensor] = field(default_factory=dict)
    """The parent at the size of the state, by the state's side: enlarged once for all steps."""

    def state(self, field: Array) -> Tensor:
        """Return a state on the network's device."""
        return torch.from_numpy(field).to(self.model.device)

    def field(self, x: Tensor) -> Array:
        """Return a state in NumPy."""
        values: Array = x.cpu().numpy()
        return values

    @torch.inference_mode()
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Return the estimate of clean data that the network's prediction stands for."""
        x0: Tensor = self.model.checkpoint.noise.denoiser(self._predict)(x, sigma)
        return x0

    def _predict(self, z: Tensor, timestep: float) -> Tensor:
        told = z if self.parent is None else torch.cat([z, self._parent_under(z)], dim=1)
        return tile_by_tile(lambda tile: self._call(told[tile], timestep, tile), len(z), self.model.device)

    @torch.inference_mode()
    def _call(self, seen: Tensor, timestep: float, tile: slice) -> Tensor:
        """Return the network's answer for some tiles: to what it sees, and to what those tiles are told."""
        model, tiles = self.model, len(seen)
        told = timestep + model.checkpoint.sidecar.get("timestep_offset", 0)
        times = torch.full((tiles,), told, device=seen.device)
        label = None if self.label is None else self.label.expand(tiles)
        seen = seen.contiguous(memory_format=torch.channels_last)
        with torch.autocast(seen.device.type, model.dtype, enabled=model.dtype is not torch.float32):
            if self.said is None:
                answer: Tensor = model.network(seen, times, class_labels=label).sample
            else:
                answer = self.said.answer(model.network, Call(seen, times, label=label), tile)
        return answer[:, : model.checkpoint.facts.channels].to(torch.float32)

    def retold(self, changes: Mapping[str, tuple[Told, ...]]) -> CheckpointTiles:
        """Return the same tiles told otherwise in some slots; ``None`` is what stands for nothing."""
        if self.said is None:
            raise TypeError(f"{self.model.checkpoint.network.folder} has no slots")
        return replace(self, said=self.said.changed(changes))

    def _parent_under(self, z: Tensor) -> Tensor:
        """Return the parent at the size of the state: enlarged, averaged where it is finer, or encoded."""
        side, checkpoint = z.shape[-1], self.model.checkpoint
        if self.parent is not None and side not in self.enlarged:
            with one_thread():
                pixels = side * (checkpoint.facts.latent if checkpoint.tells_codes else 1)
                resized = self._resize(self.parent, pixels)
            self.enlarged[side] = self._codes(resized) if checkpoint.tells_codes else resized
        return self.enlarged[side]

    def _resize(self, parent: Tensor, side: int) -> Tensor:
        checkpoint = self.model.checkpoint
        margin = checkpoint.facts.margin
        inner = parent.shape[-1] - 2 * margin
        if side % inner and inner % side:
            raise ModelError(
                f"a state of {side} px cannot be told a parent of {inner} px: one must divide the other; set "
                "sampler.tile to a multiple of both"
            )
        if side > inner:
            mode, factor = checkpoint.enlarge, side // inner
            corners = None if mode == "nearest" else False
            fine = F.interpolate(parent, scale_factor=float(factor), mode=mode, align_corners=corners)
            cut = margin * factor
            return fine[..., cut : fine.shape[-2] - cut, cut : fine.shape[-1] - cut]
        own = parent[..., margin : parent.shape[-2] - margin, margin : parent.shape[-1] - margin]
        return F.avg_pool2d(own, inner // side) if inner > side else own

    def image(self, x0: Tensor) -> Array:
        """Return x0 as an image: itself, or decoded, every tile alone."""
        coder = self.model.autoencoder
        if coder is not None:
            x0 = tile_by_tile(lambda tile: self._decoded(coder, x0[tile]), len(x0), self.model.device)
        return self.field(x0)

    @torch.inference_mode()
    def _decoded(self, coder: Autoencoder, x0: Tensor) -> Tensor:
        return coder.decode(x0)

    def encode(self, image: Array) -> Tensor:
        """Return the state of an image: itself, or its code."""
        return self._codes(self.state(image))

    def _codes(self, pixels: Tensor) -> Tensor:
        coder = self.model.autoencoder
        if coder is None:
            return pixels
        return tile_by_tile(lambda tile: self._encoded(coder, pixels[tile]), len(pixels), self.model.device)

    @torch.inference_mode()
    def _encoded(self, coder: Autoencoder, pixels: Tensor) -> Tensor:
        return coder.encode(pixels)


def load(
    directory: Path,
    device: str,
    dtype: str,
    normalisation: str = "frozen",
    scheduler: str | None = None,
    make_inputs: MakeInputs = stock_inputs,
) -> CheckpointModel:
    """Load a checkpoint folder onto a device in a dtype; only local safetensors files are read."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('numerics.device="cuda", but torch sees no CUDA device; set numerics.device = "cpu"')
    checkpoint, place = read_checkpoint(directory, scheduler), torch.device(device)
    part = checkpoint.autoencoder
    frozen = normalisation == "frozen"
    coder = None if part is None else load_autoencoder(checkpoint, part, place, frozen=frozen)
    network = load_network(checkpoint.network, place)
    inputs: tuple[Input, ...] = ()
    if checkpoint.facts.slots:
        controls = tuple(load_control(part, place) for part in checkpoint.controls)
        words = None if checkpoint.words is None else WordReader(checkpoint.words)
        inputs = make_inputs(Loaded(checkpoint, network, controls, words, place))
    return CheckpointModel(checkpoint, network, coder, place, getattr(torch, dtype), inputs)
