"""Where a checkpoint's words come from: a text encoder with its tokenizer, or a table of encoded prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.architecture_told import TEXT
from geoinfinite.models.files import CONFIG, check_safetensors, read_header, read_object, weight_files
from geoinfinite.models.schema import check_values, shortened

ENCODER, TOKENIZER, PROMPTS = "text_encoder", "tokenizer", "prompts.safetensors"
ARCHITECTURE = "CLIPTextModel"
_STEM = "model"
_VOCABULARY = "vocab.json", "merges.txt"
_WHOLE_TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class EncoderPart:
    """A text encoder and its tokenizer."""

    folder: Path
    config: Mapping[str, Any]
    tokenizer: Path
    truncate: bool = False
    """Whether texts of more tokens than it takes are cut."""

    @property
    def weights(self) -> tuple[Path, ...]:
        """The files of its weights."""
        return weight_files(self.folder, _STEM)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file on which an encoded text depends."""
        said = (path for path in self.tokenizer.iterdir() if path.suffix in (".json", ".txt"))
        return (self.folder / CONFIG, *self.weights, *sorted(said))


@dataclass(frozen=True, slots=True)
class PromptTable:
    """A file of encoded prompts, for a checkpoint that has no text encoder of its own."""

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The file itself."""
        return (self.path,)


Words = EncoderPart | PromptTable


def read_words(directory: Path, channels: int, *, truncate: bool = False) -> Words:
    """Return where the words of a checkpoint come from, checked by headers.

    ``channels`` are those of a token that the network takes. Raises `ModelError` if there is nothing that
    encodes text, or if it does not fit the network.
    """
    if (directory / PROMPTS).is_file():
        table = PromptTable(directory / PROMPTS)
        _check_table(
            table.path, {name: entry.shape for name, entry in read_header(table.path).items()}, channels
        )
        return table
    folder, tokenizer = directory / ENCODER, directory / TOKENIZER
    if not folder.is_dir() or not tokenizer.is_dir():
        raise ModelError(
            f"{directory} is told texts, and has neither {ENCODER} and {TOKENIZER} nor {PROMPTS}; copy the "
            "first two from the pipeline that the network belongs to"
        )
    said = read_object(folder / CONFIG)
    if said.get("architectures", [ARCHITECTURE]) != [ARCHITECTURE]:
        raise ModelError(
            f"{folder / CONFIG}: architectures={shortened(said['architectures'])} is not [{ARCHITECTURE!r}]; "
            "other text encoders are not read"
        )
    config = check_values(folder / CONFIG, said, TEXT)
    found = config.get("hidden_size", 512)
    if found != channels:
        raise ModelError(
            f"{folder / CONFIG}: hidden_size={found} is not the cross_attention_dim={channels} of the "
            "network; the two are of different models"
        )
    if not (tokenizer / _WHOLE_TOKENIZER).is_file():
        for name in _VOCABULARY:
            if not (tokenizer / name).is_file():
                raise ModelError(f"{tokenizer / name} does not exist; copy the whole tokenizer")
    part = EncoderPart(folder, config, tokenizer, truncate)
    for path in part.weights:
        check_safetensors(path)
    return part


def _check_table(path: Path, shapes: Mapping[str, tuple[int, ...]], channels: int) -> None:
    """Raise `ModelError` unless all prompts have equally many tokens of ``channels``, the empty one too."""
    if "" not in shapes:
        raise ModelError(f'{path} has no tensor for "", which stands for nothing said; add it')
    tokens = shapes[""][0] if shapes[""] else 1
    for name, shape in shapes.items():
        if shape != (tokens, channels):
            raise ModelError(
                f"{path}: {shortened(name)} has shape {list(shape)}, and all must have ({tokens}, "
                f"{channels}), "
                "tokens and channels of the network; encode the prompts with the model's own text encoder"
            )
