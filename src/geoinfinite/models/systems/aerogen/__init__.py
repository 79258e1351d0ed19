"""AeroGen: aerial images of boxes that may be turned."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.models.systems.ldm_files import ldm_files
from geoinfinite.models.systems.protocol import System


def recognises(source: Path) -> bool:
    """Say whether a project has AeroGen's encoder of boxes."""
    files = ldm_files(source)
    return files is not None and files.target("condition_tokenizer") == "RBoxEncoder"


SYSTEM = System(
    "aerogen",
    "AeroGen (Tang et al. 2025, arXiv:2411.15497)",
    recognises,
    convert="geoinfinite.models.systems.aerogen.converting:converted",
    inputs="geoinfinite.models.systems.aerogen.inputs:inputs",
    takes=("boxes",),
)
