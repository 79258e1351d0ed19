"""Networks of diffusers from local safetensors files: strictly, and never from a pickle."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import process_memo
from geoinfinite.models.diffusers.part import Part
from geoinfinite.models.diffusers.told_facts import hint_pixels, hint_strides, vector_channels
from geoinfinite.models.files import CONFIG, TensorEntry, read_header
from geoinfinite.models.onnx.network import OnnxNetwork
from geoinfinite.models.schema import shortened

OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""What attention layers were called in checkpoints saved before diffusers 0.17."""
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
}

ALIGNMENT = 64
"""Bytes to which torch aligns memory, and so the widest that its kernels ask for."""


def load_network(part: Part, device: torch.device) -> nn.Module:
    """Return a part of a checkpoint in float32; raise `ModelError` if weights and configuration disagree."""
    network = _without_weights(part)
    wanted = network.state_dict()
    tensors, where = load_shards(part.weights), part.weights[0]
    tensors = {_new_name(name): tensor for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if name in wanted and _is_linear_as_convolution(tensor.shape, wanted[name].shape):
            tensors[name] = tensor.reshape(wanted[name].shape)
    # What is strict for torch passes over tensors of a layer that the configuration leaves out.
    if extra := tensors.keys() - wanted.keys():
        raise _misfit(where, f"it has no place for {shortened(min(extra))}")
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        raise _misfit(where, error) from error
    _make_buffers(network, part)
    nn.Module.to(network, device, torch.float32)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def load_shards(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Return the tensors of several safetensors files; raise `ModelError` for one that two of them hold."""
    tensors: dict[str, Tensor] = {}
    for path in paths:
        for name, tensor in load_tensors(path).items():
            if name in tensors:
                raise _misfit(path, f"it holds {shortened(name)}, which another file holds too")
            tensors[name] = tensor
    return tensors


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, in memory: the file may change afterwards.

    Raises `ModelError` for a file that is not whole, and for values that are not finite.
    """
    entries = process_memo.ask(path, read_header)
    try:
        with path.open("rb") as stream:
            tensors = {name: _read(path, stream, entry) for name, entry in entries.items()}
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); copy the whole checkpoint") from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"{path}: {shortened(name)} holds values that are not finite; download the checkpoint again, "
                "or take one from before its training diverged"
            )
    return tensors


def module_bytes(module: nn.Module) -> int:
    """Return the memory of a module's parameters and buffers, and of graphs made of them, in bytes."""
    graphs = sum(part.graph_bytes for part in module.modules() if isinstance(part, OnnxNetwork))
    return graphs + sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def _read(path: Path, stream: Any, entry: TensorEntry) -> Tensor:
    """Return a tensor of its own memory, aligned as its file is.

    Kernels of torch sum in another order where a tensor begins at another address modulo 64: bits must not
    depend on where an allocation happens to lie.
    """
    dtype, size = DTYPES[entry.dtype], entry.stop - entry.start
    shift = entry.start % ALIGNMENT // dtype.itemsize * dtype.itemsize
    memory = torch.empty(shift + size, dtype=torch.uint8)[shift:]
    stream.seek(entry.start)
    if stream.readinto(memory.numpy()) != size:
        raise ModelError(f"{path} was cut short while it was read; copy the checkpoint again")
    return memory.view(dtype).reshape(entry.shape)


def _without_weights(part: Part) -> nn.Module:
    """Return a network that holds no memory yet, its shapes tried out on a state of the smallest size."""
    where = part.folder / CONFIG
    try:
        import diffusers

        architecture: Any = getattr(diffusers, part.name)
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"diffusers cannot import {part.name}: {_root_cause(error)}; install diffusers and torch in "
            "versions that fit each other"
        ) from error
    try:
        with torch.device("meta"):
            network: nn.Module = architecture(**_arguments(architecture, part.config))
            if part.name == "ControlNetModel":
                _set_strides(network, hint_strides(part.config))
            _try_shapes(part, network.eval())
    # Whatever diffusers makes of a configuration that it cannot build: its classes check little themselves.
    except Exception as error:
        raise _misfit(where, error) from error
    return network


def _arguments(architecture: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    known = inspect.signature(architecture.__init__).parameters
    return {key: value for key, value in config.items() if key in known}


def _try_shapes(part: Part, network: Any) -> None:
    """Raise ValueError unless a network returns what its configuration promises, in shape."""
    config = part.config
    bands, answer = int(config.get("in_channels", 3)), int(config.get("out_channels", 3))
    if part.name == "ControlNetModel":
        _try_control(config, network)
        return
    if part.name in ("UNet2DModel", "UNet2DConditionModel"):
        side = 2 ** (len(config.get("down_block_types", "1234")) + 1)
        told = {} if part.name == "UNet2DModel" else {"encoder_hidden_states": _try_words(config)}
        label = None
        if config.get("class_embed_type") == "identity":
            label = torch.zeros(1, vector_channels(config))
        elif config.get("class_embed_type") or config.get("num_class_embeds"):
            label = torch.zeros(1, dtype=torch.float32 if config.get("class_embed_type") else torch.int64)
        state = torch.zeros(1, bands, side, side)
        found = network(state, torch.zeros(1), class_labels=label, **told).sample
    else:
        blocks = config.get("num_decoder_blocks") or config.get("block_out_channels", (64,))
        if part.name == "AutoencoderTiny" and "num_decoder_blocks" not in config:
            blocks = (3, 3, 3, 1)
        side = 2 ** (len(blocks) + 1)
        code = network.encode(torch.zeros(1, bands, side, side))
        code = code.latent_dist.mode() if part.name == "AutoencoderKL" else code.latents
        found = network.decode(code).sample
    if found.shape != (1, answer, side, side):
        raise ValueError(f"an answer of shape {tuple(found.shape)} to a state of {side} x {side}")


def _try_control(config: Mapping[str, Any], network: Any) -> None:
    side = 2 ** (len(config.get("down_block_types", "1234")) + 1)
    state = torch.zeros(1, int(config.get("in_channels", 4)), side, side)
    pixels = side * hint_pixels(config)
    hint = torch.zeros(1, int(config.get("conditioning_channels", 3)), pixels, pixels)
    vector = torch.zeros(1, vector_channels(config)) if config.get("class_embed_type") else None
    network(state, torch.zeros(1), _try_words(config), hint, class_labels=vector)


def _set_strides(network: Any, strides: Sequence[int]) -> None:
    """Set the strides of the convolutions that read a hint: no tensor tells them."""
    blocks = network.controlnet_cond_embedding.blocks[1::2]
    for convolution, stride in zip(blocks, strides, strict=True):
        convolution.stride = stride, stride


def _try_words(config: Mapping[str, Any]) -> Tensor:
    return torch.zeros(1, 2, int(config.get("cross_attention_dim", 1280)))


def _make_buffers(network: nn.Module, part: Part) -> None:
    """Fill in what a class computes by itself and no file holds, such as fixed kernels."""
    empty = [name for name, buffer in network.named_buffers() if buffer.is_meta]
    if not empty:
        return
    import diffusers

    architecture: Any = getattr(diffusers, part.name)
    with torch.random.fork_rng(devices=[]):
        filled = dict(architecture(**_arguments(architecture, part.config)).named_buffers())
    for name in empty:
        owner, _, attribute = name.rpartition(".")
        network.get_submodule(owner).register_buffer(attribute, filled[name], persistent=False)


def _is_linear_as_convolution(found: torch.Size, wanted: torch.Size) -> bool:
    """Say whether one shape is (out, in) and the other (out, in, 1, 1): attention was once a convolution."""
    shorter, longer = sorted((tuple(found), tuple(wanted)), key=len)
    return len(shorter) == 2 and longer == (*shorter, 1, 1)


def _new_name(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _misfit(path: Path, reason: object) -> ModelError:
    because = " ".join(str(reason).split())[:160]
    return ModelError(
        f"{path} does not fit its configuration ({because}); copy the whole checkpoint again, "
        f"{CONFIG} and weights"
    )
