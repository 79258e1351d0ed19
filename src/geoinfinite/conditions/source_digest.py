"""Names of the content of files that conditions read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from geoinfinite.conditions.settings import said
from geoinfinite.errors import WorldError
from geoinfinite.file_memo import file_digest
from geoinfinite.rasters.beside import overview_files
from geoinfinite.rasters.files import content_digest
from geoinfinite.token import token

_ALGORITHM = "sha256:"
_DIGEST = re.compile(_ALGORITHM + "[0-9a-f]{64}")


def checked_digest(name: str, digest: Any) -> str | None:
    """Return a stated digest; raise `WorldError` for a text that is none."""
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise WorldError(
            f'{said(name, "digest", digest)} must be "sha256:" and the 64 digits that sha256sum prints'
        )
    return digest


def source_digest(path: Path, stated: str | None = None) -> str:
    """Return the name of a raster's content, wherever it lies; overviews are content too.

    A stated digest stands for the file itself, which is not read then; what lies beside it is.
    """
    content = content_digest(path, stated.removeprefix(_ALGORITHM) if stated else None)
    overviews = {
        file.name.removeprefix(path.name): file_digest(file)
        for file in overview_files(path)
        if file.is_file()
    }
    return token([content, overviews]) if overviews else content


def check_digest(condition: Any) -> None:
    """Read the file of a condition that states its digest; raise `WorldError` if it is of another one.

    Worlds believe a stated digest, so that a huge file is not read to name them: this is for those who made
    the file, or have copied it.
    """
    stated = getattr(condition, "digest", None)
    if stated is None:
        return
    found = _ALGORITHM + file_digest(condition.path)
    if found != stated:
        raise WorldError(
            f"{said(condition.name, 'digest', stated)} is not that of {condition.source!r}; copy the file "
            f'again, or write digest = "{found}"'
        )
