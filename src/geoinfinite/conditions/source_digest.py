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

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def checked_digest(name: str, digest: Any) -> str | None:
    """Return a stated digest; raise `WorldError` for a text that is none."""
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise WorldError(
            f'{said(name, "digest", digest)} must be "sha256:" and the 64 digits that sha256sum prints'
        )
    return digest


def source_digest(path: Path) -> str:
    """Return the name of a raster's content, wherever it lies; overviews are content too."""
    content = content_digest(path)
    overviews = {
        file.name.removeprefix(path.name): file_digest(file)
        for file in overview_files(path)
        if file.is_file()
    }
    return token([content, overviews]) if overviews else content
