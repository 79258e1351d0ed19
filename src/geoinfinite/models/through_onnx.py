"""Loaded models whose networks ONNX Runtime evaluates."""

from __future__ import annotations

from dataclasses import replace

from geoinfinite.diffusion.model import TileModel
from geoinfinite.models.diffusers.tiles import CheckpointModel
from geoinfinite.models.earth.detail_tiles import DetailModel
from geoinfinite.models.earth.tiles import EarthModel
from geoinfinite.models.onnx.network import OnnxNetwork, OnnxUNet


def through_onnx(model: TileModel) -> TileModel:
    """Return a loaded model on the CPU with its network evaluated by ONNX Runtime."""
    if isinstance(model, EarthModel):
        return replace(model, network=replace(model.network, unet=OnnxUNet(model.network.unet)))
    if isinstance(model, DetailModel):
        return replace(model, network=OnnxNetwork(model.network))
    if isinstance(model, CheckpointModel):
        return replace(model, network=OnnxUNet(model.network))
    raise TypeError(f"{type(model).__name__} has no network of pixels")
