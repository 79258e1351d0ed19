"""States of files, and a memory of facts about files, valid while their states stay the same."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileState:
    """Size, time and inode of a file when it was looked at: a change is noticed without reading it."""

    path: Path
    size: int
    changed_ns: int
    inode: int
    touched_ns: int = 0
    """When the file's bytes or facts were last changed: unlike ``changed_ns`` it cannot be set back."""

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file now; raise `OSError` if there is none."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)

    @classmethod
    def or_absent(cls, path: Path) -> FileState:
        """Return the state of a file now, also of one that is not there: it has a negative size."""
        try:
            return cls.of(path)
        except (OSError, ValueError):
            return cls(path, -1, 0, 0)

    @property
    def exists(self) -> bool:
        """Whether the file was there."""
        return self.size >= 0

    def is_current(self) -> bool:
        """Say whether the file is still as it was found."""
        return FileState.or_absent(self.path) == self


class FileMemo:
    """Answers to questions about files, kept while the files stand unchanged; thread-safe.

    >>> memo, asked = FileMemo(limit=10), []
    >>> def length(path):
    ...     asked.append(path)
    ...     return len(path.read_bytes())
    >>> memo.ask(Path(__file__), length) == memo.ask(Path(__file__), length), len(asked)
    (True, 1)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._answers: OrderedDict[tuple[FileState, Callable[[Path], Any]], Any] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, path: Path, question: Callable[[Path], T]) -> T | None:
        """Return a function's answer for a file if it is known, without asking."""
        with self._lock:
            return cast(T | None, self._answers.get((FileState.or_absent(path.absolute()), question)))

    def ask(self, path: Path, question: Callable[[Path], T]) -> T:
        """Return a function's answer for a file, from memory if the file has not changed since.

        A question that raises, or is asked of a file that is not there, is asked again the next time.
        """
        state = FileState.or_absent(path.absolute())
        if not state.exists:
            return question(path)
        key = state, question
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return cast(T, self._answers[key])
        answer = question(path)
        self._keep(key, answer)
        return answer

    def learn(self, state: FileState, question: Callable[[Path], T], answer: T) -> None:
        """Keep an answer that was found elsewhere for a file in this state."""
        self._keep((state, question), answer)

    def _keep(self, key: tuple[FileState, Callable[[Path], Any]], answer: Any) -> None:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self.limit:
                self._answers.popitem(last=False)


process_memo = FileMemo(limit=4096)
"""What this process knows of files, unless a caller brings a memo of its own."""


def file_digest(path: Path, memo: FileMemo = process_memo) -> str:
    """Return the sha256 of a file's bytes."""
    return memo.ask(path, _sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


LARGE = 64 * 2**20
"""Bytes of a file that another process does not read again to name its content."""


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A large file whose content was named in one process, for another one."""

    path: Path
    size: int
    changed_ns: int
    digest: str


def large_files(states: Iterable[FileState], memo: FileMemo = process_memo) -> tuple[LargeFile, ...]:
    """Return the large ones of some files, with the digests that are known of them."""
    known = [(state, memo.recall(state.path, _sha256)) for state in states if state.size >= LARGE]
    return tuple(LargeFile(s.path, s.size, s.changed_ns, digest) for s, digest in known if digest)


def trust(files: Iterable[LargeFile], memo: FileMemo = process_memo) -> None:
    """Take digests from another process for files of the same path, size and time of change."""
    for file in files:
        state = FileState.or_absent(file.path.absolute())
        if (state.size, state.changed_ns) == (file.size, file.changed_ns):
            memo.learn(state, _sha256, file.digest)
