"""The autoencoder of a latent checkpoint: encodes images to the codes of its network and decodes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geoinfinite.diffusion.model import Array
from geoinfinite.diffusion.noise import NoiseField
from geoinfinite.models.diffusers.decoder_reach import ATTENTION
from geoinfinite.models.diffusers.folder import Checkpoint
from geoinfinite.models.diffusers.frozen_norm import freeze_norms
from geoinfinite.models.diffusers.local_attention import restrict_attention
from geoinfinite.models.diffusers.part import Part
from geoinfinite.models.diffusers.weights import load_network
from geoinfinite.models.threads import one_thread
from geoinfinite.plane.window import Window

PICTURES, PICTURE_CODES = 4, 32
"""Number of pictures that calibrate frozen statistics, and their side in latent pixels."""

USUAL_SPAN = -1.0, 1.0


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """An `AutoencoderKL`, `VQModel` or `AutoencoderTiny`, in float32 whatever the network's dtype."""

    module: Any
    name: str
    spread: Tensor
    """Deviation of the decoder's codes per unit of the network's, ``(1, channel or 1, 1, 1)``."""
    centre: Tensor
    """The decoder's code where the network's is 0."""
    span: tuple[float, float] = USUAL_SPAN
    """What its own images hold for the least and the greatest value of a world."""

    def decode(self, z: Tensor) -> Tensor:
        """Return images ``(tile, band, y, x)`` of codes; a `VQModel` snaps them to its codebook."""
        image: Tensor = self.module.decode(z * self.spread + self.centre).sample
        low, high = self.span
        return image if self.span == USUAL_SPAN else (image - low) * (2 / (high - low)) - 1

    def encode(self, image: Tensor) -> Tensor:
        """Return the codes of images: the mean where the encoder gives a distribution, not quantised."""
        low, high = self.span
        own = image if self.span == USUAL_SPAN else (image + 1) * ((high - low) / 2) + low
        found = self.module.encode(own)
        code: Tensor = found.latent_dist.mode() if self.name == "AutoencoderKL" else found.latents
        return (code - self.centre) / self.spread


def load_autoencoder(
    checkpoint: Checkpoint, part: Part, device: torch.device, *, frozen: bool
) -> Autoencoder:
    """Load an autoencoder; ``frozen`` makes it look at a neighbourhood, never at a whole tile."""
    module = load_network(part, device)
    spread, centre = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in _scale(checkpoint, part))
    low, high = checkpoint.sidecar.get("image_span", USUAL_SPAN)
    autoencoder = Autoencoder(module, part.name, spread, centre, (float(low), float(high)))
    if frozen:
        with one_thread(), torch.inference_mode():
            restrict_attention(module, ATTENTION)
            facts = checkpoint.facts
            images = torch.from_numpy(pictures(int(facts.bands or 1), PICTURE_CODES * facts.latent)).to(
                device
            )
            freeze_norms(module, lambda: autoencoder.decode(autoencoder.encode(images)))
    return autoencoder


def _scale(checkpoint: Checkpoint, part: Part) -> tuple[list[float], list[float]]:
    config = part.config
    if config.get("latents_mean") and config.get("latents_std"):
        return [std / checkpoint.scaling for std in config["latents_std"]], list(config["latents_mean"])
    return [1 / checkpoint.scaling], [float(config.get("shift_factor") or 0.0)]


def pictures(bands: int, side: int) -> Array:
    """Return fixed pictures ``(picture, band, y, x)`` in [-1, 1] with the spectrum of landscapes.

    Amplitude falls as 1 / frequency (Field 1987, Journal of the Optical Society of America A 4, 2379); bands
    are nearly alike; brightness differs between pictures.
    """
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)) * side
    filters = 1 / np.maximum(frequency, 1) * (frequency > 0)
    found = []
    for i in range(PICTURES):
        white = NoiseField(key=0, level=0, channels=bands + 1, purpose=0)(Window(0, side, 0, side), draw=i)
        coloured = np.fft.irfft2(np.fft.rfft2(white) * filters, s=(side, side))
        coloured /= coloured.std((-2, -1), keepdims=True)
        tone = -0.45 + 0.3 * i
        found.append(tone + 0.25 * coloured[:1] + 0.08 * coloured[1:])
    return np.asarray(np.clip(found, -1, 1), np.float32)
