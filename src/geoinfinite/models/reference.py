"""A frozen, importable name for a model: what goes into worlds, tokens and tasks instead of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from geoinfinite.diffusion.model import ModelFacts, TileModel
from geoinfinite.errors import ModelError, WorldError
from geoinfinite.file_memo import file_digest
from geoinfinite.models import hub
from geoinfinite.models.diffusers import folder as diffusers_folder
from geoinfinite.models.diffusers.scheduler.reading import (
    READERS,
    CheckpointSampling,
    checkpoint_sampling,
)
from geoinfinite.models.diffusers.scheduler.training_noise import TrainingNoise
from geoinfinite.models.earth import detail_files
from geoinfinite.models.earth import settings as earth_settings
from geoinfinite.models.files import CONFIG as CONFIG
from geoinfinite.models.files import SIDECAR as SIDECAR
from geoinfinite.models.files import WEIGHTS as WEIGHTS
from geoinfinite.models.files import check_safetensors as check_safetensors
from geoinfinite.models.files import is_file, is_folder, read_object
from geoinfinite.models.schema import shortened
from geoinfinite.models.systems.first_use import runnable, unknown_layout
from geoinfinite.models.systems.known import imported, system_named
from geoinfinite.models.systems.ldm_files import without_settings
from geoinfinite.samplers import PRESETS, SOLVERS, EarlySync, IndependentTiles
from geoinfinite.samplers.tiled import CHECKPOINT, TiledSampler
from geoinfinite.token import token

LOADERS = {
    earth_settings.KIND: "geoinfinite.models.earth.tiles:load",
    earth_settings.DETAIL_KIND: "geoinfinite.models.earth.detail_tiles:load",
    diffusers_folder.KIND: "geoinfinite.models.diffusers.tiles:load",
}
"""Where the sidecar's ``kind`` is loaded: imported only when a model is needed."""

SAMPLERS: dict[str, TiledSampler] = {
    earth_settings.KIND: IndependentTiles(solver="ab2", shift=3.0, steps=4, tile=128, stride=120),
    earth_settings.DETAIL_KIND: detail_files.SAMPLER,
}
"""How a network without a scheduler's file is sampled, by the sidecar's ``kind``."""

ANALYTIC = {
    "analytic:gaussian": "geoinfinite.models.analytic.gaussian:GaussianModel",
    "analytic:planet": "geoinfinite.models.analytic.planet:PlanetModel",
    "analytic:latent": "geoinfinite.models.analytic.latent:LatentModel",
    "analytic:conditional": "geoinfinite.models.analytic.conditional:ConditionalModel",
    "analytic:conditional-latent": "geoinfinite.models.analytic.conditional:ConditionalLatentModel",
    "analytic:latent-planet": "geoinfinite.models.analytic.latent:LatentPlanetModel",
}
"""Models without weights."""

NORMALISATIONS = ("frozen", "tile")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A model by name: ``bundled:NAME``, ``analytic:NAME``, the folder of a checkpoint, or a hub's.

    A commit of the Hugging Face hub is ``hf:organisation/name@commit``; `from_pretrained` finds it.

    >>> ModelReference("analytic:gaussian").facts().factor
    4
    """

    ref: str
    dtype: str = "float32"
    normalisation: str = "frozen"
    """Statistics an autoencoder normalises by: ``"frozen"``, once for all, or ``"tile"``, each its own."""
    scheduler: str | None = None
    """The class of diffusers as which the checkpoint's scheduler file is read; ``None``: the file's own."""

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "bfloat16", "float16"):
            raise ModelError(f"model.dtype={self.dtype!r} is not one of float32, bfloat16, float16")
        if self.normalisation not in NORMALISATIONS:
            raise ModelError(
                f"model.normalisation={self.normalisation!r} is not one of {', '.join(NORMALISATIONS)}"
            )
        if self.scheduler is not None and self.scheduler not in READERS:
            raise ModelError(
                f"model.scheduler={shortened(self.scheduler)} is not one of {', '.join(sorted(READERS))}"
            )

    @property
    def directory(self) -> Path | None:
        """The checkpoint's folder; ``None`` for an analytic model."""
        if self.ref in ANALYTIC:
            return None
        scheme, _, name = self.ref.partition(":")
        if scheme == "bundled":
            return Path(str(files("geoinfinite") / "data" / name))
        if scheme == hub.SCHEME:
            return hub.pinned(self.ref).folder
        if scheme == "analytic":
            raise ModelError(f"model.ref={self.ref!r} does not exist; there is {', '.join(ANALYTIC)}")
        return runnable(Path(self.ref).expanduser())

    def facts(self) -> ModelFacts:
        """Read what a world must know, without loading a weight; raise `ModelError` for what cannot load."""
        checkpoint, directory = self._checkpoint(), self.directory
        if checkpoint is not None:
            return checkpoint.facts
        if self.scheduler is not None:
            raise ModelError(
                f"model.scheduler={self.scheduler!r} is how a scheduler's file is read, and "
                f"model.ref={shortened(self.ref, 200)} has none; remove it"
            )
        if directory is None:
            model: Any = _named(ANALYTIC[self.ref])
            return cast(ModelFacts, model.FACTS)
        if self._kind(directory) == earth_settings.DETAIL_KIND:
            return detail_files.read_facts(directory)
        check_safetensors(directory / WEIGHTS)
        settings = earth_settings.read_settings(directory)
        earth_settings.read_config(directory, settings)
        return ModelFacts(
            bands=earth_settings.BANDS,
            factor=settings.factor,
            margin=settings.margin,
            multiple=settings.multiple,
        )

    def digest(self) -> str:
        """Return the name of what the model computes: its weights, its configuration, its dtype."""
        directory = self.directory
        if directory is None:
            return token([self.ref, self.dtype])
        if self._kind(directory) == diffusers_folder.KIND:
            checkpoint = diffusers_folder.read_checkpoint(directory, self.scheduler)
            content = {str(f.relative_to(directory)): file_digest(f) for f in checkpoint.files}
            latent = checkpoint.autoencoder is not None
            read_as = [] if self.scheduler is None else [self.scheduler]
            return token([self.dtype, self.normalisation if latent else None, content, *read_as])
        return token([self.dtype, *(file_digest(directory / n) for n in (WEIGHTS, CONFIG, SIDECAR))])

    def files(self) -> tuple[Path, ...]:
        """Return every file that decides what the model computes."""
        directory = self.directory
        if directory is None:
            return ()
        checkpoint = self._checkpoint()
        if checkpoint is not None:
            return checkpoint.files
        return tuple(directory / name for name in (WEIGHTS, CONFIG, SIDECAR))

    def training_noise(self) -> TrainingNoise | None:
        """Return the noise that a checkpoint was trained on; ``None`` without a scheduler file."""
        checkpoint = self._checkpoint()
        return None if checkpoint is None else checkpoint.noise

    def sampling(self) -> CheckpointSampling | None:
        """Return the solver and schedule that the checkpoint's authors chose; ``None`` if it has none.

        Raises `WorldError` for a scheduler whose pixels this library would not reproduce.
        """
        checkpoint = self._checkpoint()
        if checkpoint is None:
            return None
        path = checkpoint.scheduler
        try:
            return checkpoint_sampling(read_object(path), self.scheduler)
        except WorldError as error:
            raise WorldError(f"{path}: {error}") from error

    def default_sampler(self) -> TiledSampler | None:
        """Return the sampler that suits the model: a checkpoint's own solver, schedule and size of tile.

        Tiles have the checkpoint's ``sample_size``, made to fit `ModelFacts.multiple`, and overlap by half. A
        checkpoint whose scheduler is not offered here is solved by ``dpmpp_2m``. A model that is told no
        parent is fused in its first steps, where tiles could disagree; a published system is sampled as its
        authors do. ``None`` for an analytic model.

        >>> ModelReference("bundled:earth-small").default_sampler().preset
        'independent'
        """
        if self.directory is None:
            return None
        checkpoint = self._checkpoint()
        if checkpoint is None:
            return SAMPLERS[self._kind(self.directory)]
        solving: dict[str, Any] = {"solver": CHECKPOINT, "schedule": CHECKPOINT, "shift": 1.0}
        try:
            told = self.sampling()
        except WorldError:
            told = None
        steps = None if told is None else told.common_steps()
        if told is None or steps is None:
            told, steps = None, 24
            solving = {"solver": "dpmpp_2m", "schedule": "karras", "shift": 1.0}
        tile, stride = checkpoint.usual_tile()
        solving |= {"steps": steps, "tile": tile, "stride": stride}
        if published := dict(checkpoint.sampling):
            preset = PRESETS[published.pop("preset", IndependentTiles.preset)]
            # What is drawn from a parent keeps its means.
            free = {} if checkpoint.facts.conditioned else {"consistency": "none"}
            return preset(**free | solving | published)
        if checkpoint.facts.conditioned:
            return IndependentTiles(**solving)
        once = told is None or SOLVERS[told.solver].evaluations == 1
        kind = EarlySync if once and steps > 1 else IndependentTiles
        return kind(consistency="none", **solving)

    @property
    def is_published(self) -> bool:
        """Whether it is of a system whose authors say how it is sampled."""
        checkpoint = self._checkpoint()
        return checkpoint is not None and bool(checkpoint.sampling)

    def _checkpoint(self) -> diffusers_folder.Checkpoint | None:
        """Return the folder in diffusers' format; ``None`` for a model of another kind."""
        directory = self.directory
        if directory is None or self._kind(directory) != diffusers_folder.KIND:
            return None
        return diffusers_folder.read_checkpoint(directory, self.scheduler)

    def load(self, device: str) -> TileModel:
        """Load the model onto a device."""
        directory = self.directory
        if directory is None:
            return cast(TileModel, _named(ANALYTIC[self.ref])())
        kind = self._kind(directory)
        load = _named(LOADERS[kind])
        checkpoint = self._checkpoint()
        if checkpoint is None:
            return cast(TileModel, load(directory, device, self.dtype))
        own = () if checkpoint.system is None else (imported(system_named(checkpoint.system).inputs),)
        return cast(TileModel, load(directory, device, self.dtype, self.normalisation, self.scheduler, *own))

    def _kind(self, directory: Path) -> str:
        """Return the kind of a folder's model: as its sidecar says, or diffusers' where there is none."""
        if self.ref.startswith(f"{hub.SCHEME}:"):
            hub.pinned(self.ref).fetch()
        path = directory / SIDECAR
        if not is_file(path):
            if is_folder(directory) and diffusers_folder.is_checkpoint(directory):
                return diffusers_folder.KIND
            if (is_folder(directory) or is_file(directory)) and without_settings(directory) is not None:
                raise ModelError(unknown_layout(directory))
            found = "holds no model" if is_folder(directory) else "is no folder, and nothing is downloaded"
            raise ModelError(
                f"model.ref={shortened(self.ref, 200)} {found}; name a folder that "
                f"holds {SIDECAR}, {CONFIG} and {WEIGHTS}, a checkpoint in diffusers' format with unet and "
                'scheduler, or "bundled:earth-small"'
            )
        kind = read_object(path).get("kind")
        if not isinstance(kind, str) or kind not in LOADERS:
            raise ModelError(f"{path}: kind={shortened(kind)} is not one of {', '.join(LOADERS)}")
        return kind


def _named(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    return cast(Callable[..., Any], getattr(import_module(module), name))


def from_pretrained(
    ref: str | Path,
    *,
    revision: str | None = None,
    dtype: str = "float32",
    normalisation: str = "frozen",
    scheduler: str | None = None,
) -> ModelReference:
    """Return the reference of a checkpoint for a `World`, checked but not loaded.

    ``ref`` is a folder, a name such as ``bundled:earth-small``, or a repository of the Hugging Face hub,
    ``organisation/name``, where there is no such folder. ``revision`` is a branch, a tag or a commit of the
    repository; the reference names the commit that it stands for now. Files come from the cache of
    huggingface_hub where they are there; neither pickles nor code are downloaded. ``scheduler`` names the
    class of diffusers as which the scheduler file is read, as published systems do.

    Raises `ModelError` for what cannot be had or cannot load.

    >>> from_pretrained("bundled:earth-small").facts().bands
    3
    """
    reference = ModelReference(_resolved(ref, revision), dtype, normalisation, scheduler)
    reference.facts()
    return reference


def _resolved(ref: str | Path, revision: str | None) -> str:
    """Return a reference that means the same tomorrow: a repository of the hub at a commit."""
    scheme, _, rest = str(ref).rpartition(":")
    name, _, own = rest.partition("@")
    of_hub = scheme == hub.SCHEME or (isinstance(ref, str) and not scheme and not is_folder(Path(ref)))
    if of_hub and hub.is_repository(name):
        if own and revision is not None:
            raise ModelError(f"revision={revision!r} is said besides model.ref={ref!r}; leave one out")
        return hub.resolve(name, own or revision).ref
    if revision is not None:
        raise ModelError(
            f"revision={revision!r} is of a repository of the hub, and model.ref={str(ref)!r} is none; leave "
            "it out"
        )
    return str(ref)
