"""Large-Image-Diffusion's published files as a folder: U-Net, autoencoder and embedder."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.parts import Part
from geoinfinite.models.converting.settings import checked
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.networks.patch_embedder import PatchEmbedder
from geoinfinite.models.schema import FLAG
from geoinfinite.models.systems.conversion import Conversion
from geoinfinite.models.systems.ldm_source import LdmSource, tile_pixels
from geoinfinite.models.systems.protocol import RAW, ConvertSettings
from geoinfinite.models.systems.small_networks import small_network
from geoinfinite.told import Slot

SAMPLING = {"preset": "multidiffusion", "solver": "ddim", "eta": 1.0, "steps": 50, "guidance": 4.0}
"""Guidance is 1 more than the authors' w, as they write (1 + w) c - w u."""
STRIDES = 4
"""Strides along each side of a window."""


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of Large-Image-Diffusion; its authors sample with raw weights."""
    source = LdmSource.of(path)
    unet, _ = source.unet(settings, RAW)
    (vqvae,) = source.autoencoder() or source.lacking("first_stage_model.*")
    tensors, embedder = small_network(
        PatchEmbedder.renamed, PatchEmbedder.sized, source.tensors.take("cond_stage_model.")
    )
    channels = embedder.patch_fc.in_features
    source.finish()
    said = checked(source.section("cond_stage_config"), {"normalize_ssl": FLAG}, ())
    return Conversion(
        source.paths,
        (unet, vqvae, Part("extra", None, tensors, "embedder")),
        # Its authors count timesteps from 1, and take the noise of the one before.
        source.scheduler("DDIMScheduler", timestep_spacing="trailing", steps_offset=0),
        {
            "slots": slot_table([Slot("embedding", "embedding", channels=channels, cells=1, dropped=True)]),
            "timestep_offset": 1,
            "sampling": {**SAMPLING, "stride": tile_pixels(unet, vqvae) // STRIDES},
            "scaling_factor": source.scale_factor,
            "options": {"normalise": said.get("normalize_ssl", True)},
        },
    )
