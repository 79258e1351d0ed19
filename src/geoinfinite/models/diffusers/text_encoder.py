"""Words as a network reads them: each text is encoded once per process, alone, in one thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.weights import load_shards, load_tensors, module_bytes
from geoinfinite.models.diffusers.words import EncoderPart, PromptTable, Words
from geoinfinite.models.files import CONFIG, SIDECAR
from geoinfinite.models.schema import shortened
from geoinfinite.models.threads import one_thread

KEPT = 1024
"""Encoded texts that are kept."""
_PREFIX = "text_model."
_POSITIONS = "embeddings.position_ids"


class WordReader:
    """Encodes texts, on the CPU in float32, and keeps what it has encoded; thread-safe."""

    def __init__(self, words: Words) -> None:
        self._encode = _Encoder(words) if isinstance(words, EncoderPart) else _Table(words)
        self._kept: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory of its weights, in bytes."""
        return self._encode.nbytes

    def __call__(self, text: str) -> Tensor:
        """Return the tokens ``(token, channel)`` of a text."""
        with self._lock:
            if text not in self._kept:
                with one_thread(), torch.inference_mode():
                    self._kept[text] = self._encode(text)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(text)
            return self._kept[text]


class _Table:
    """Prompts that were encoded before."""

    def __init__(self, table: PromptTable) -> None:
        self._path = table.path
        self._tokens = {name: tensor.float() for name, tensor in load_tensors(table.path).items()}

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self._tokens.values())

    def __call__(self, text: str) -> Tensor:
        if text not in self._tokens:
            raise ModelError(
                f"{self._path} has no prompt {shortened(text)}; it has "
                f"{', '.join(map(repr, sorted(self._tokens)[:8]))}: write one of them, or add this one"
            )
        return self._tokens[text]


class _Encoder:
    """A `CLIPTextModel` of transformers and its tokenizer."""

    def __init__(self, part: EncoderPart) -> None:
        self._part = part
        self._tokenizer = _tokenizer(part)
        model: Any = _loaded(_empty(part), part).eval().requires_grad_(False)
        self._model, config = model, model.config
        self._longest = int(min(self._tokenizer.model_max_length, config.max_position_embeddings))
        largest = max(self._tokenizer.get_vocab().values())
        if largest >= config.vocab_size:
            raise ModelError(
                f"{part.folder / CONFIG}: vocab_size={config.vocab_size}, but {part.tokenizer} counts to "
                f"{largest}; the two are of different models"
            )

    @property
    def nbytes(self) -> int:
        return module_bytes(self._model)

    def __call__(self, text: str) -> Tensor:
        # What the tokenizer would log is an error here.
        tokens = len(self._tokenizer(text, verbose=False).input_ids)
        if tokens > self._longest and not self._part.truncate:
            raise ModelError(
                f"prompt {shortened(text)} has {tokens} tokens, and {self._part.folder} takes "
                f'{self._longest}; shorten it, or add "truncate": true to {SIDECAR}, which cuts it'
            )
        padded = self._tokenizer(
            text, padding="max_length", max_length=self._longest, truncation=True, return_tensors="pt"
        )
        encoded: Tensor = self._model(padded.input_ids)[0][0]
        return encoded


def _transformers(part: EncoderPart) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            f"{part.folder} needs transformers, which is not installed: pip install 'geoinfinite[text]'"
        ) from error
    return transformers


def _tokenizer(part: EncoderPart) -> Any:
    library = _transformers(part)
    try:
        return library.CLIPTokenizer.from_pretrained(str(part.tokenizer), local_files_only=True)
    # Whatever its readers make of a damaged vocabulary.
    except Exception as error:
        raise ModelError(
            f"{part.tokenizer} cannot be read ({' '.join(str(error).split())[:160]}); copy the whole "
            "tokenizer"
        ) from error


def _empty(part: EncoderPart) -> nn.Module:
    """Return a text model that holds no memory yet."""
    library = _transformers(part)
    try:
        with torch.device("meta"):
            model: nn.Module = library.CLIPTextModel(library.CLIPTextConfig(**part.config))
    # Whatever transformers makes of a configuration that it cannot build.
    except Exception as error:
        raise ModelError(
            f"{part.folder / CONFIG} describes no text encoder ({' '.join(str(error).split())[:160]}); copy "
            "the whole text encoder again"
        ) from error
    return model


def _loaded(model: nn.Module, part: EncoderPart) -> nn.Module:
    """Return a text model with its weights in float32: all of them, and no others."""
    wanted = model.state_dict()
    bare = not any(name.startswith(_PREFIX) for name in wanted)
    tensors = {}
    for name, tensor in load_shards(part.weights).items():
        known = name.removeprefix(_PREFIX) if bare else name
        if known.endswith(_POSITIONS):
            _check_counted(part, tensor)
        else:
            tensors[known] = tensor
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    misshapen = sorted(n for n in wanted.keys() & tensors.keys() if tensors[n].shape != wanted[n].shape)
    for what, names in (("lacks", missing), ("has no place for", extra), ("has another shape of", misshapen)):
        if names:
            raise ModelError(
                f"{part.weights[0]} does not fit its configuration (it {what} {shortened(names[0])}); copy "
                "the whole text encoder again"
            )
    model.load_state_dict(tensors, strict=True, assign=True)
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            owner, _, attribute = name.rpartition(".")
            positions = torch.arange(buffer.shape[-1]).expand(buffer.shape)
            model.get_submodule(owner).register_buffer(attribute, positions, persistent=False)
    return model.float()


def _check_counted(part: EncoderPart, positions: Tensor) -> None:
    """Raise `ModelError` unless positions, which no version reads, are those that every version counts."""
    if not torch.equal(positions.ravel().to(torch.int64), torch.arange(positions.numel())):
        raise ModelError(
            f"{part.weights[0]} does not fit its configuration ({_POSITIONS} does not count from 0); "
            "copy the "
            "whole text encoder again"
        )
