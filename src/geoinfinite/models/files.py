"""The files of a checkpoint, read without torch: JSON objects and the headers of safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError

WEIGHTS = "diffusion_pytorch_model.safetensors"
CONFIG = "config.json"
SIDECAR = "geoinfinite.json"


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds; raise `ModelError` if it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); copy the whole checkpoint") from error
    except ValueError as error:
        raise ModelError(f"{path} is damaged ({error!r}); copy the checkpoint again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged (it is no JSON object); copy the checkpoint again")
    return found


def check_safetensors(path: Path) -> None:
    """Raise `ModelError` unless ``path`` is a whole safetensors file, by its header and its length."""
    if not path.is_file():
        raise ModelError(f"{path} does not exist; a checkpoint needs its weights as {WEIGHTS}")
    with path.open("rb") as stream:
        head = stream.read(8)
        opens_json = stream.peek(1)[:1] == b"{"
        if not opens_json and head.startswith((b"PK", b"\x80")):
            raise ModelError(
                f"{path} is a pickle, which can run code when it is read, and is refused; "
                "save the weights with safetensors.torch.save_file"
            )
        length = int.from_bytes(head, "little")
        size = path.stat().st_size
        try:
            if len(head) < 8 or length > min(size, 100_000_000):
                raise ValueError("header is cut off")
            header = json.loads(stream.read(length))
            end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
            if 8 + length + end != size:
                raise ValueError(f"{8 + length + end} bytes promised, {size} found")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{path} is truncated or damaged ({error}); copy or download the checkpoint again"
            ) from error
