"""The checkpoint of an ldm project, taken apart: settings, tensors, and the parts that projects share."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.average import averaged
from geoinfinite.models.converting.first_stage import kl_part, vq_part
from geoinfinite.models.converting.parts import Part, Source, Tensors, split
from geoinfinite.models.converting.pickles import read_tensors
from geoinfinite.models.converting.schedule import BUFFERS, scale_factor, scheduler_json
from geoinfinite.models.converting.settings import Settings, checked
from geoinfinite.models.converting.text import clip_part, open_clip_part
from geoinfinite.models.converting.unet import unet_part
from geoinfinite.models.schema import Either, ListOf, Rule, Whole
from geoinfinite.models.systems.ldm_files import LdmFiles, ldm_files
from geoinfinite.models.systems.protocol import AVERAGED, PUBLISHED, ConvertSettings

UNET, AVERAGE, AUTOENCODER = "model.diffusion_model.", "model_ema.", "first_stage_model."
CLIP, OPEN_CLIP = "cond_stage_model.transformer.", "cond_stage_model.model."
_SIDE = Either(Whole(1, 65_536), ListOf(Whole(1, 65_536), 2, 2))


@dataclass(frozen=True, slots=True)
class LdmSource:
    """An ldm project's checkpoint."""

    files: LdmFiles
    tensors: Source

    @classmethod
    def of(cls, path: Path) -> LdmSource:
        """Read the tensors and settings of a project; raise `ModelError` for what cannot be read."""
        files = ldm_files(path)
        if files is None:
            raise ModelError(f"{path} is no ldm project; name its weights in a folder with its yaml")
        return cls(files, Source(files.weights, read_tensors(files.weights)))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are read."""
        return self.files.weights, self.files.yaml

    def section(self, name: str) -> Settings:
        """Return the parameters of a section of the settings."""
        return self.files.settings.section(name, "params")

    def same(self, section: str, key: str, found: int) -> int:
        """Return a size that tensors have; raise `ModelError` unless the settings say the same."""
        said = self.value(section, key, Whole(1, 65_536))
        if said != found:
            raise ModelError(
                f"{self.section(section).where}: {key}={said}, and {self.files.weights} has {found}; use the "
                "configuration that was published with this file, or download both again"
            )
        return found

    def value(self, section: str, key: str, rule: Rule) -> Any:
        """Return a setting that must be there."""
        return checked(self.section(section), {key: rule}, (key,))[key]

    def unet(self, settings: ConvertSettings, published: str, *own: str) -> tuple[Part, Tensors]:
        """Return the U-Net that the settings describe, and tensors that a project has added to it.

        ``published`` says which weights its authors sample with: the raw ones, or their average over the
        training. ``own`` are patterns of names, as of a shell.
        """
        raw, average = self.tensors.take(UNET), self.tensors.take(AVERAGE)
        if not raw:
            self.lacking(f"{UNET}*")
        chosen = published if settings.weights == PUBLISHED else settings.weights
        if chosen == AVERAGED and not average:
            raise ModelError(
                f"{self.files.weights} has no averaged weights, {AVERAGE}*; convert it with --weights raw"
            )
        found = self._unet(*split(raw, *own))
        return self._unet(*split(averaged(average, raw), *own)) if chosen == AVERAGED else found

    def _unet(self, tensors: Tensors, own: Tensors) -> tuple[Part, Tensors]:
        side = checked(self.files.settings, {"image_size": _SIDE}, ("image_size",))["image_size"]
        largest = max(side) if isinstance(side, list) else side
        return unet_part(self.section("unet_config"), tensors, sample_size=largest), own

    def autoencoder(self) -> tuple[Part, ...]:
        """Return the autoencoder, if the file holds it."""
        tensors = self.tensors.take(AUTOENCODER)
        if not tensors:
            return ()
        make = vq_part if self.files.target("first_stage_config").startswith("VQ") else kl_part
        return (make(self.section("first_stage_config"), tensors, scaling_factor=self.scale_factor),)

    def text_encoder(self) -> tuple[Part, ...]:
        """Return the text encoder of Stable Diffusion 1 or 2, if the file holds it."""
        clip, open_clip = self.tensors.take(CLIP), self.tensors.take(OPEN_CLIP)
        if clip:
            return (clip_part(clip),)
        return (open_clip_part(open_clip),) if open_clip else ()

    def lacking(self, names: str) -> NoReturn:
        """Raise `ModelError` for tensors that a system always publishes."""
        raise ModelError(
            f"{self.files.weights} has no tensors {names}, which are published with it; download it again"
        )

    @property
    def scale_factor(self) -> float:
        """What codes are multiplied by for the network."""
        return scale_factor(self.files.settings, self.tensors.seen(("scale_factor",)))

    def scheduler(self, class_name: str, prediction: str | None = None, **keys: Any) -> dict[str, Any]:
        """Return the scheduler file of a class of diffusers, with keys of its own."""
        held = self.tensors.seen(BUFFERS)
        return scheduler_json(self.files.settings, held, prediction) | {"_class_name": class_name, **keys}

    def finish(self, *ignorable: str) -> None:
        """Raise `ModelError` for a tensor that nothing has taken, but those that follow from the settings."""
        self.tensors.finish((*BUFFERS, "scale_factor", *ignorable))


def tile_pixels(unet: Part, autoencoder: Part) -> int:
    """Return the side of a tile that a network was trained at, in pixels."""
    blocks = (autoencoder.config or {})["block_out_channels"]
    return int((unet.config or {})["sample_size"] * prod([2] * (len(blocks) - 1)))
