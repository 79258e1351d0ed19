"""A frozen, importable name for a model: what goes into worlds, tokens and tasks instead of weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from geoinfinite.errors import ModelError
from geoinfinite.models.protocol import ModelFacts, TileModel
from geoinfinite.token import file_digest, token

WEIGHTS = "diffusion_pytorch_model.safetensors"
SIDECAR = "geoinfinite.json"

LOADERS = {"earth-residual-flow": "geoinfinite.models.earth:load"}
"""Where the sidecar's ``kind`` is loaded: imported only when a model is needed."""

ANALYTIC = {"analytic:gaussian": "geoinfinite.models.analytic:GaussianModel"}
"""Models without weights."""


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A model by name: ``bundled:NAME``, ``analytic:NAME`` or the folder of a checkpoint.

    >>> ModelReference("analytic:gaussian").facts().factor
    4
    """

    ref: str
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "bfloat16", "float16"):
            raise ModelError(f"model.dtype={self.dtype!r} is not one of float32, bfloat16, float16")

    @property
    def directory(self) -> Path | None:
        """The checkpoint's folder; ``None`` for an analytic model."""
        if self.ref in ANALYTIC:
            return None
        scheme, _, name = self.ref.partition(":")
        if scheme == "bundled":
            return Path(str(files("geoinfinite") / "data" / name))
        if scheme == "analytic":
            raise ModelError(f"model.ref={self.ref!r} does not exist; there is {', '.join(ANALYTIC)}")
        return Path(self.ref).expanduser()

    def facts(self) -> ModelFacts:
        """Read what a world must know, without loading a weight; raise `ModelError` for what cannot load."""
        directory = self.directory
        if directory is None:
            module = import_module(ANALYTIC[self.ref].partition(":")[0])
            return cast(ModelFacts, module.FACTS)
        sidecar = self._sidecar(directory)
        check_safetensors(directory / WEIGHTS)
        return ModelFacts(
            bands=len(sidecar["bands"]),
            factor=int(sidecar["factor"]),
            margin=int(sidecar["margin"]),
            multiple=int(sidecar["multiple"]),
        )

    def digest(self) -> str:
        """Return the name of what the model computes: its weights, its configuration, its dtype."""
        directory = self.directory
        if directory is None:
            return token([self.ref, self.dtype])
        return token([self.dtype, *(file_digest(directory / n) for n in (WEIGHTS, "config.json", SIDECAR))])

    def load(self, device: str) -> TileModel:
        """Load the model onto a device."""
        directory = self.directory
        if directory is None:
            return cast(TileModel, _named(ANALYTIC[self.ref])())
        kind = self._sidecar(directory)["kind"]
        return cast(TileModel, _named(LOADERS[kind])(directory, device, self.dtype))

    def _sidecar(self, directory: Path) -> dict[str, Any]:
        path = directory / SIDECAR
        if not path.is_file():
            raise ModelError(
                f"model.ref={self.ref!r}: {path} does not exist; name a folder that holds {SIDECAR}, "
                f'config.json and {WEIGHTS}, or "bundled:earth-small"'
            )
        try:
            sidecar = json.loads(path.read_text())
            kind = sidecar["kind"]
            _ = [sidecar[key] for key in ("bands", "factor", "margin", "multiple")]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is damaged ({error!r}); copy the checkpoint again") from error
        if kind not in LOADERS:
            raise ModelError(f"{path}: kind={kind!r} is not one of {', '.join(LOADERS)}")
        return cast(dict[str, Any], sidecar)


def _named(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    return cast(Callable[..., Any], getattr(import_module(module), name))


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


def from_pretrained(ref: str | Path, *, dtype: str = "float32") -> ModelReference:
    """Return the reference of a checkpoint folder for a `World`, checked but not loaded.

    >>> from_pretrained("bundled:earth-small").facts().bands
    3
    """
    reference = ModelReference(str(ref), dtype)
    reference.facts()
    return reference
