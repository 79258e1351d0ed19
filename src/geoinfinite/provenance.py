"""The sentence by which every output says that it is synthetic, and the versions of packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

SYNTHETIC = (
    "Synthetic imagery drawn by a diffusion model: it shows no real place, although its coarsest level may "
    "be an observation. Do not use it as one."
)

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name of media made by a trained model, which programs read where people read `SYNTHETIC`."""


@cache
def version(package: str = "geoinfinite") -> str:
    """Return the version of an installed package; sources that were never installed have none."""
    try:
        return installed_version(package)
    except PackageNotFoundError:
        return "not installed"
