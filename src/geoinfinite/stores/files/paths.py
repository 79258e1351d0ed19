"""Where a file is written, and where its pixels are kept until it is finished."""

from __future__ import annotations

from pathlib import Path

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects.opening import resolved
from geoinfinite.stores.planning import Plan


class FileIsThere(StoreError):
    """A file that exists and was not to be replaced."""


def local_file(path: str | Path, *, overwrite: bool = True, name: str = "") -> Path:
    """Return the absolute path of a file that can be written, its links followed; raise `StoreError` if none.

    Without ``overwrite`` nothing may be there. ``name`` is what errors call the path, by default itself.
    """
    name = name or str(path)
    if "://" in str(path):
        raise StoreError(
            f"{str(path)!r} is a URL; files other than .zarr are written to a local path: write it there and "
            "copy it"
        )
    where = resolved(path)
    told = name if str(where) == name else f"{name} ({where})"
    if where.is_dir():
        raise StoreError(f"{told} is a folder; choose another path")
    if where.is_symlink():
        raise StoreError(f"{told} is a link that leads nowhere; delete it, or choose another path")
    if where.exists():
        if not where.is_file():
            raise StoreError(f"{told} is not a regular file; choose another path")
        if not overwrite:
            raise is_there(where)
    if not where.parent.is_dir():
        link = f"{name} is a link to {where}: " if Path(path).expanduser().is_symlink() else ""
        raise StoreError(f"{link}the folder {where.parent} does not exist; create it, or choose another path")
    return where


def is_there(where: Path) -> FileIsThere:
    """Return the error that says that a file exists."""
    return FileIsThere(f"{where} exists; choose another path, delete it, or pass overwrite=True")


def hidden_store(plan: Plan, path: str | Path) -> Path:
    """Return where a file's pixels are kept until it is finished: a store beside it.

    The token names the recipe; the rest is checked when the store is found again.
    """
    target, w = local_file(path), plan.window
    return target.with_name(
        f".{target.name}.{plan.recipe.token[:8]}-{plan.level}-{w.y0}-{w.y1}-{w.x0}-{w.x1}.zarr"
    )
