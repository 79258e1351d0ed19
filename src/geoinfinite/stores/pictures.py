"""A window as one file: a cloud-optimised GeoTIFF, or a PNG to look at."""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import rasterio
import rasterio.shutil
import rasterio.windows

from geoinfinite.errors import BudgetError, StoreError
from geoinfinite.progress import Progress
from geoinfinite.stores import layout
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.objects.local import LocalObjects, publish_new
from geoinfinite.stores.objects.opening import resolved
from geoinfinite.stores.planning import Plan
from geoinfinite.stores.rasters import BLOCK, png_text, shape, to_bytes, write_flat
from geoinfinite.stores.writing import opened, written

LARGEST_PNG = 2**26
"""Pixels: beyond, most programs refuse to open a PNG, and it has no overviews to look at."""


def write_cog(
    plan: Plan,
    path: str | Path,
    *,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
    bands: Sequence[int] | None = None,
) -> Path:
    """Write a plan's finest level as a cloud-optimised GeoTIFF with averaged overviews.

    Its tags say that it is synthetic and carry the recipe. Memory does not grow with the window. A
    killed run leaves no half file, and the same call goes on where it was. Raises `StoreError` if
    ``path`` exists, unless ``overwrite``. With ``store``, a Zarr store of the same plan, pixels are
    drawn into it where it lacks them, and it is kept. ``bands`` are those that are written, counted from 0,
    by default all of them.
    """
    where = local_file(path, overwrite=overwrite)
    with (
        _drawn(plan, where, overwrite, store, progress) as drawn,
        _finished(where, drawn, overwrite) as unfinished,
    ):
        flat = drawn.partial()
        try:
            write_flat(plan, drawn.objects, flat, _picked(plan, bands))
            rasterio.shutil.copy(
                flat,
                unfinished,
                driver="COG",
                compress="DEFLATE",
                predictor="YES",
                blocksize=BLOCK,
                overview_resampling="AVERAGE",
                bigtiff="IF_SAFER",
            )
        finally:
            flat.unlink(missing_ok=True)
    return where


def write_png(
    plan: Plan,
    path: str | Path,
    *,
    overwrite: bool = False,
    store: str | Path | Objects | None = None,
    progress: Progress | None = None,
    bands: Sequence[int] | None = None,
) -> Path:
    """Write a plan's finest level as an 8-bit PNG: its first three bands as RGB, or the first one as grey.

    The range of other dtypes is mapped to 0..255. Its text says that it is synthetic and carries the
    recipe. Raises `BudgetError` for a window of more than `LARGEST_PNG` pixels and `StoreError` if
    ``path`` exists, unless ``overwrite``. ``store`` and ``bands`` are as in `write_cog`.
    """
    check_png(plan)
    where = local_file(path, overwrite=overwrite)
    with (
        _drawn(plan, where, overwrite, store, progress) as drawn,
        _finished(where, drawn, overwrite) as unfinished,
    ):
        image = layout.open_image(drawn.objects, plan.level)
        picked = _picked(plan, bands)
        picked = picked[:3] if len(picked) >= 3 else picked[:1]
        with rasterio.MemoryFile() as memory:
            with memory.open(driver="GTiff", **shape(plan, len(picked), "uint8")) as raster:
                raster.write(to_bytes(image[:][picked], plan.recipe.encoding))
                raster.update_tags(**png_text(plan, picked))
            with rasterio.Env(GDAL_PAM_ENABLED=False):
                rasterio.shutil.copy(memory.name, unfinished, driver="PNG", write_metadata_as_text="YES")
    return where


def check_png(plan: Plan) -> None:
    """Raise `BudgetError` for a window that is too large for a PNG."""
    if plan.window.size > LARGEST_PNG:
        levels = math.ceil(math.log(plan.window.size / LARGEST_PNG, plan.recipe.grid.factor**2))
        raise BudgetError(
            f"a PNG of {plan.window.width} x {plan.window.height} px is too large to be opened (limit: "
            f"{LARGEST_PNG} px); write .tif or .zarr, or take level {max(0, plan.level - levels)}"
        )


def hidden_store(plan: Plan, path: str | Path) -> Path:
    """Return where a file's pixels are kept until it is finished: a store beside it.

    The token names the recipe; the rest is checked when the store is found again.
    """
    target, w = local_file(path), plan.window
    return target.with_name(
        f".{target.name}.{plan.recipe.token[:8]}-{plan.level}-{w.y0}-{w.y1}-{w.x0}-{w.x1}.zarr"
    )


def local_file(path: str | Path, *, overwrite: bool = True) -> Path:
    """Return the absolute path of a file that can be written, its links followed; raise `StoreError` if none.

    Without ``overwrite`` nothing may be there.
    """
    if "://" in str(path):
        raise StoreError(
            f"{str(path)!r} is a URL; a GeoTIFF or PNG is written to a local path: write it there and copy it"
        )
    where = resolved(path)
    if where.is_dir():
        raise StoreError(f"{where} is a folder; choose another path")
    if where.exists():
        if not where.is_file():
            raise StoreError(f"{where} is not a regular file; choose another path")
        if not overwrite:
            raise _exists(where)
    if not where.parent.is_dir():
        raise StoreError(f"the folder {where.parent} does not exist; create it, or choose another path")
    return where


def _exists(where: Path) -> StoreError:
    return StoreError(f"{where} exists; choose another path, delete it, or pass overwrite=True")


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A finished store, held for this job, and where a file made of it is put together."""

    objects: Objects
    folder: Path
    """Partial files lie here: in the hidden store, which tidies up after a killed job, or beside the file."""
    name: str

    def partial(self) -> Path:
        """Return a new name for an unfinished file."""
        return self.folder / f"{self.name}.{uuid.uuid4().hex}.partial"


@contextlib.contextmanager
def _drawn(
    plan: Plan,
    target: Path,
    overwrite: bool,
    store: str | Path | Objects | None,
    progress: Progress | None,
) -> Iterator[_Drawn]:
    """Yield a finished store of the plan: the one given, or one hidden beside ``target``.

    The hidden one is removed in the end; if this call is killed, the next one goes on with it.
    """
    if store is not None:
        with written(plan, opened(store), progress=progress) as report:
            del report
            yield _Drawn(opened(store), target.parent, f".{target.name}")
        return
    hidden = LocalObjects(hidden_store(plan, target))

    def check() -> None:
        try:
            # Another process may have finished the file since this call began.
            local_file(target, overwrite=overwrite)
        except StoreError:
            hidden.remove()
            raise

    with written(plan, hidden, progress=progress, check=check):
        yield _Drawn(hidden, hidden.root, target.name)
        hidden.remove()


@contextlib.contextmanager
def _finished(target: Path, drawn: _Drawn, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path, which is renamed to ``target`` if all goes well."""
    unfinished = drawn.partial()
    try:
        yield unfinished
        if overwrite:
            os.replace(unfinished, target)
        elif not publish_new(str(unfinished), str(target)):
            raise _exists(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _picked(plan: Plan, bands: Sequence[int] | None) -> list[int]:
    """Return which bands are written; raise `StoreError` for one that the world does not have."""
    total = plan.recipe.bands
    picked = list(range(total) if bands is None else bands)
    if not picked or not all(0 <= band < total for band in picked):
        raise StoreError(f"bands={picked} must be some of 0 to {total - 1}; leave it out for all")
    return picked
