"""The outputs that ``--out`` names, checked before anything is drawn for them."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from geoinfinite.cli.exits import OutputExists
from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.stores.pictures import write_cog, write_png
from geoinfinite.stores.planning import Plan, bytes_text
from geoinfinite.stores.writing import local_path

HIGHEST_COMPRESSION = 20
"""More than any imagery but a flat one compresses losslessly."""

PICTURES = {".tif": write_cog, ".tiff": write_cog, ".png": write_png}


def check_targets(outs: Sequence[str], *, overwrite: bool) -> list[Path]:
    """Return the paths to write, a store first; raise `StoreError` for one that cannot be written."""
    paths = [_checked(out, overwrite=overwrite) for out in outs]
    twice = next((out for out, path in zip(outs, paths, strict=True) if paths.count(path) > 1), None)
    if twice is not None:
        raise StoreError(f"--out={twice} is given twice; leave one out")
    paths.sort(key=lambda path: path.suffix != ".zarr")
    if len(paths) > 1 and paths[1].suffix == ".zarr":
        raise StoreError(
            f"--out names two stores, {paths[0].name} and {paths[1].name}; name one, and copy it"
        )
    return paths


def _checked(out: str, *, overwrite: bool) -> Path:
    path = local_path(out)
    if path.suffix != ".zarr" and path.suffix not in PICTURES:
        raise StoreError(f"--out={out}: the ending {path.suffix!r} is not .zarr, .tif or .png; choose one")
    if not path.parent.is_dir():
        raise StoreError(
            f"--out={out}: the folder {path.parent} does not exist; create it: "
            f"mkdir -p {shlex.quote(str(path.parent))}"
        )
    if path.suffix == ".zarr":
        if overwrite and path.exists():
            raise OutputExists(
                "--overwrite is for .tif and .png: a .zarr is resumed, never replaced; "
                f"leave it out, or delete {out} first"
            )
    elif path.is_dir():
        raise OutputExists(f"--out={out} is a folder; choose another path, or delete it first")
    elif path.exists() and not overwrite:
        raise OutputExists(f"--out={out} exists; choose another path, or add --overwrite")
    return path


def check_space(path: Path, plan: Plan) -> None:
    """Refuse what would not fit on the disk however well it compressed."""
    free = shutil.disk_usage(path.parent).free
    if plan.bytes > HIGHEST_COMPRESSION * free:
        raise BudgetError(
            f"{path.name} would hold {bytes_text(plan.bytes)} of pixels before compression, {path.parent} "
            f"has {bytes_text(free)} free; take a smaller --bbox or a lower --level"
        )
