"""A frozen, importable name for a model: what goes into worlds, tokens and tasks instead of weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from geoinfinite.diffusion.model import ModelFacts, TileModel
from geoinfinite.errors import ModelError, WorldError
from geoinfinite.models.diffusers import folder as diffusers_folder
from geoinfinite.models.diffusers.scheduler.reading import CheckpointSampling, from_config
from geoinfinite.models.files import CONFIG as CONFIG
from geoinfinite.models.files import SIDECAR as SIDECAR
from geoinfinite.models.files import WEIGHTS as WEIGHTS
from geoinfinite.models.files import check_safetensors as check_safetensors
from geoinfinite.models.files import read_object
from geoinfinite.token import file_digest, token

LOADERS = {
    "earth-residual-flow": "geoinfinite.models.earth.tiles:load",
    diffusers_folder.KIND: "geoinfinite.models.diffusers.tiles:load",
}
"""Where the sidecar's ``kind`` is loaded: imported only when a model is needed."""

ANALYTIC = {
    "analytic:gaussian": "geoinfinite.models.analytic.gaussian:GaussianModel",
    "analytic:planet": "geoinfinite.models.analytic.planet:PlanetModel",
    "analytic:latent": "geoinfinite.models.analytic.latent:LatentModel",
    "analytic:latent-planet": "geoinfinite.models.analytic.latent:LatentPlanetModel",
}
"""Models without weights."""

NORMALISATIONS = ("frozen", "tile")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A model by name: ``bundled:NAME``, ``analytic:NAME`` or the folder of a checkpoint.

    >>> ModelReference("analytic:gaussian").facts().factor
    4
    """

    ref: str
    dtype: str = "float32"
    normalisation: str = "frozen"
    """Statistics an autoencoder normalises by: ``"frozen"``, once for all, or ``"tile"``, each its own."""

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "bfloat16", "float16"):
            raise ModelError(f"model.dtype={self.dtype!r} is not one of float32, bfloat16, float16")
        if self.normalisation not in NORMALISATIONS:
            raise ModelError(
                f"model.normalisation={self.normalisation!r} is not one of {', '.join(NORMALISATIONS)}"
            )

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
            model: Any = _named(ANALYTIC[self.ref])
            return cast(ModelFacts, model.FACTS)
        sidecar = self._sidecar(directory)
        if sidecar["kind"] == diffusers_folder.KIND:
            return diffusers_folder.read_checkpoint(directory).facts
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
        if self._sidecar(directory)["kind"] == diffusers_folder.KIND:
            checkpoint = diffusers_folder.read_checkpoint(directory)
            content = {str(f.relative_to(directory)): file_digest(f) for f in checkpoint.files}
            latent = checkpoint.autoencoder is not None
            return token([self.dtype, self.normalisation if latent else None, content])
        return token([self.dtype, *(file_digest(directory / n) for n in (WEIGHTS, CONFIG, SIDECAR))])

    def files(self) -> tuple[Path, ...]:
        """Return every file that decides what the model computes."""
        directory = self.directory
        if directory is None:
            return ()
        if self._sidecar(directory)["kind"] == diffusers_folder.KIND:
            return diffusers_folder.read_checkpoint(directory).files
        return tuple(directory / name for name in (WEIGHTS, CONFIG, SIDECAR))

    def sampling(self) -> CheckpointSampling | None:
        """Return the solver and schedule that the checkpoint's authors chose; ``None`` if it has none.

        Raises `WorldError` for a scheduler whose pixels this library would not reproduce.
        """
        directory = self.directory
        if directory is None or self._sidecar(directory)["kind"] != diffusers_folder.KIND:
            return None
        path = diffusers_folder.read_checkpoint(directory).scheduler
        config = read_object(path)
        # PNDM has no counterpart here; its checkpoints are commonly sampled by DDIM instead.
        swap = "DDIMScheduler" if config.get("_class_name") == "PNDMScheduler" else None
        try:
            return from_config(config, swap)
        except WorldError as error:
            raise WorldError(f"{path}: {error}") from error

    def load(self, device: str) -> TileModel:
        """Load the model onto a device."""
        directory = self.directory
        if directory is None:
            return cast(TileModel, _named(ANALYTIC[self.ref])())
        kind = self._sidecar(directory)["kind"]
        settings = (self.normalisation,) if kind == diffusers_folder.KIND else ()
        return cast(TileModel, _named(LOADERS[kind])(directory, device, self.dtype, *settings))

    def _sidecar(self, directory: Path) -> dict[str, Any]:
        """Return the sidecar of a folder; a folder in diffusers' format needs none."""
        path = directory / SIDECAR
        if not path.is_file():
            if diffusers_folder.is_checkpoint(directory):
                return {"kind": diffusers_folder.KIND}
            raise ModelError(
                f"model.ref={self.ref!r}: {path} does not exist; name a folder that holds {SIDECAR}, "
                f"{CONFIG} and {WEIGHTS}, a checkpoint in diffusers' format with unet and scheduler, "
                'or "bundled:earth-small"'
            )
        try:
            sidecar = json.loads(path.read_text())
            kind = sidecar["kind"]
            if kind != diffusers_folder.KIND:
                _ = [sidecar[key] for key in ("bands", "factor", "margin", "multiple")]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is damaged ({error!r}); copy the checkpoint again") from error
        if kind not in LOADERS:
            raise ModelError(f"{path}: kind={kind!r} is not one of {', '.join(LOADERS)}")
        return cast(dict[str, Any], sidecar)


def _named(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    return cast(Callable[..., Any], getattr(import_module(module), name))


def from_pretrained(
    ref: str | Path, *, dtype: str = "float32", normalisation: str = "frozen"
) -> ModelReference:
    """Return the reference of a checkpoint folder for a `World`, checked but not loaded.

    >>> from_pretrained("bundled:earth-small").facts().bands
    3
    """
    reference = ModelReference(str(ref), dtype, normalisation)
    reference.facts()
    return reference
