"""A store in a local folder: atomic renames, a lock, and nothing outside the folder."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zarr.abc.store import Store

from geoinfinite.errors import StoreError
from geoinfinite.stores.objects.port import checked
from geoinfinite.stores.objects.zarr_view import ZarrView

try:
    import fcntl
except ImportError:  # Windows has no advisory locks: there two writers must be kept apart by hand.
    fcntl = None  # type: ignore[assignment]

_HAS_LOCKS = fcntl is not None
_PARTIAL = re.compile(r".+\.[0-9a-f]{32}\.partial")
_TRIES = 20
"""How often a write starts again whose folder or partial file another process has just removed."""


@dataclass(frozen=True, slots=True)
class LocalObjects:
    """The objects of a store as files below a folder.

    A write goes to a partial file of a unique name, which is then renamed. Nothing is flushed to the disk
    itself: a killed process loses nothing, while a power cut may lose the newest objects, which `verify`
    then names and `resume_store` draws again. Links and special files below the folder are refused.
    """

    root: Path

    @property
    def url(self) -> str:
        """The absolute path of the folder."""
        return str(self.root)

    def get(self, name: str) -> bytes | None:
        """Return the bytes of an object; ``None`` if it is not there."""
        try:
            with open(self._file(name), "rb") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start``; raise `FileNotFoundError` if there is no object."""
        with open(self._file(name), "rb") as stream:
            stream.seek(start)
            return stream.read(length)

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object, unread; ``None`` if it is not there."""
        try:
            found = os.lstat(self._file(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def put(self, name: str, data: bytes) -> None:
        """Write an object; readers see the old bytes or the new ones, never a part."""

        def publish(partial: str, target: str) -> bool:
            os.replace(partial, target)
            return True

        self._write(name, data, publish)

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that is not there, whole; ``False`` and nothing written if it is there."""
        return self._write(name, data, publish_new)

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(self._file(name))

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the objects below ``prefix``, in no order; partial files are no objects."""
        start = self._file(prefix.rstrip("/")) if prefix else str(self.root)
        folders = [(start, prefix)]
        while folders:
            folder, before = folders.pop()
            for entry in self._entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, f"{before}{entry.name}/"))
                elif not entry.is_file(follow_symlinks=False):
                    raise _refused(entry.path, entry.is_symlink())
                elif not _PARTIAL.fullmatch(entry.name):
                    yield before + entry.name

    def zarr_store(self) -> Store:
        """Return what zarr-python and xarray read the store through; it is read-only."""
        return ZarrView(self)

    @contextlib.contextmanager
    def writing(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the folder for one writing job until it ends or dies; partial files are removed.

        Raises `StoreError` if another job holds it; with ``shared``, only if that one is not shared.
        Jobs that share leave partial files alone, which may be each other's.
        """
        with self._locked(shared):
            if shared:
                yield
                return
            self._tidy()
            try:
                yield
            finally:
                # Workers of a cluster may have been killed on the way, or this process be interrupted.
                self._tidy()

    @contextlib.contextmanager
    def _locked(self, shared: bool) -> Iterator[None]:
        if not _HAS_LOCKS:
            yield
            return
        removed = StoreError(f"{self.root} was removed by another process; run the same again")
        try:
            descriptor = os.open(self.root, os.O_RDONLY)
        except FileNotFoundError as error:
            raise removed from error
        try:
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(
                    f"{self.root} is being written by another process; wait for it, or end it"
                ) from error
            except OSError:
                pass  # Some network file systems have no locks; objects are still written whole, one by one.
            if not _is_still(descriptor, self.root):
                raise removed
            yield
        finally:
            os.close(descriptor)

    def _tidy(self) -> None:
        """Remove what killed writers left: partial files, and folders without a file."""
        for folder, _, names in os.walk(self.root, topdown=False):
            for name in names:
                if _PARTIAL.fullmatch(name):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))
            if folder != str(self.root):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def remove(self) -> None:
        """Remove the folder and all that is in it; it is gone at once for those that would open it."""
        gone = self.root.with_name(f"{self.root.name}.{uuid.uuid4().hex}.partial")
        os.rename(self.root, gone)
        shutil.rmtree(gone)

    def _write(self, name: str, data: bytes, publish: Callable[[str, str], bool]) -> bool:
        for last in (*[False] * (_TRIES - 1), True):
            target = self._file(name)
            partial = f"{target}.{uuid.uuid4().hex}.partial"
            try:
                if not self.root.is_dir():
                    # The folders above the store are not ours to make.
                    with contextlib.suppress(FileExistsError):
                        self.root.mkdir()
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(partial, "xb") as stream:
                    stream.write(data)
                return publish(partial, target)
            except FileNotFoundError as error:
                if not self.root.parent.is_dir():
                    raise StoreError(
                        f"the folder {self.root.parent} does not exist; create it, or choose another path"
                    ) from error
                if last:
                    raise
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(partial)
        raise AssertionError("the last try returns or raises")

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return list(found)
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            if self.root.exists() and not self.root.is_dir():
                raise StoreError(f"{self.root} is not a store of geoinfinite; name another path") from error
            return []

    def _file(self, name: str) -> str:
        """Return the path of an object; raise `StoreError` if a link or special file is on the way."""
        path = str(self.root)
        for part in checked(name):
            path = os.path.join(path, part)
            try:
                mode = os.lstat(path).st_mode
            except (FileNotFoundError, NotADirectoryError):
                continue
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise _refused(path, stat.S_ISLNK(mode))
        return path


def _is_still(descriptor: int, path: Path) -> bool:
    """Say whether an open folder is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def publish_new(partial: str, target: str) -> bool:
    """Give a finished file its name if nothing has it; return whether it was given.

    Where the file system has no hard links, two processes at the same instant may both be told so.
    """
    try:
        os.link(partial, target)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:
        if os.path.lexists(target):
            return False
        os.replace(partial, target)
    return True


def _refused(path: str, is_link: bool) -> StoreError:
    kind = "a link" if is_link else "not a regular file"
    return StoreError(f"{path} is {kind}, and a store consists of files and folders only; delete it")
