"""Pages of the documentation as tests read them: their blocks in order, and what they say that is printed."""

from __future__ import annotations

import doctest
import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```(?:\n+```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^ *print\(.*\) *# (.*)$", re.MULTILINE)
COMMAND = "geoinfinite "


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a page."""

    language: str
    code: str
    says: str
    """What it prints, by the comments behind its ``print`` calls, or by the ``text`` block after it."""

    @property
    def commands(self) -> list[str]:
        """Its lines that call this project; other lines are for the reader."""
        return [line for line in self.code.splitlines() if line.startswith(COMMAND)]


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page in some languages, in order."""
    return [
        Block(language, code, output or "".join(f"{line}\n" for line in SAID.findall(code)))
        for language, code, output in FENCE.findall(page.read_text(encoding="utf-8"))
        if language in languages
    ]


def name(page: Path) -> str:
    """The path of a page in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def agrees(wanted: str, printed: str) -> bool:
    """Whether what is printed is what a page says; ``...`` stands for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(wanted, printed, flags)
