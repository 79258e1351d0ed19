"""ZoomLDM's published files as a folder: U-Net, autoencoder and summarizer."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.converting.parts import Part
from geoinfinite.models.diffusers.slot_table import slot_table
from geoinfinite.models.networks.summarizer import Summarizer
from geoinfinite.models.systems.conversion import Conversion
from geoinfinite.models.systems.ldm_source import LdmSource, tile_pixels
from geoinfinite.models.systems.protocol import AVERAGED, ConvertSettings
from geoinfinite.models.systems.small_networks import small_network
from geoinfinite.told import Slot

FINEST_M = 1.0
"""Ground sample distance of the finest level that the NAIP model was trained on, in metres."""
SAMPLING = {"steps": 50, "guidance": 2.0}


def converted(path: Path, settings: ConvertSettings) -> Conversion:
    """Return what becomes of a checkpoint of ZoomLDM; its authors sample with averaged weights."""
    source = LdmSource.of(path)
    unet, _ = source.unet(settings, AVERAGED)
    (vqvae,) = source.autoencoder() or source.lacking("first_stage_model.*")
    tensors, summarizer = small_network(
        Summarizer.renamed, Summarizer.sized, source.tensors.take("cond_stage_model.")
    )
    source.finish()
    levels = source.same("cond_stage_config", "mag_levels", summarizer.level.num_embeddings)
    finest = FINEST_M if settings.gsd is None else settings.gsd
    vectors = Slot(
        "embedding",
        "embedding",
        channels=source.same("cond_stage_config", "input_channels", summarizer.reduce.in_features),
        cell_m=tile_pixels(unet, vqvae) * finest,
        dropped=True,
    )
    return Conversion(
        source.paths,
        (unet, vqvae, Part("extra", None, tensors, "summarizer")),
        source.scheduler("PNDMScheduler", skip_prk_steps=True),
        {
            "slots": slot_table([vectors]),
            "gsd": [finest * 2**level for level in range(levels)],
            "sampling": SAMPLING,
            "scaling_factor": source.scale_factor,
        },
    )
