"""GeoSynth: ControlNets on maps, masks and edges, and a place on the Earth."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.ldm_files import ldm_files
from geoinfinite.models.systems.protocol import System


def recognises(source: Path) -> bool:
    """Say whether a project has a ControlNet of the kind that GeoSynth trained."""
    files = ldm_files(source)
    return files is not None and files.target("control_stage_config") == "ControlNet"


SYSTEM = System(
    "geosynth",
    "GeoSynth (Sastry et al. 2024, arXiv:2404.06637)",
    recognises,
    convert="geoinfinite.models.systems.geosynth.converting:converted",
    inputs="geoinfinite.models.systems.geosynth.inputs:inputs",
)
