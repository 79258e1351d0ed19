"""Makes files of the repository that pages link to part of the site, so that no link leads out of it.

Pages are written for a reader of the repository: they link to tests, sources and folders by relative paths.
The site has no address of a repository to send its readers to. Each such file becomes a page of its own under
``files/``; a folder becomes its ``README.md``, or a list of its files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[2]
AT_THE_TOP = "CHANGELOG.md", "benchmarks/README.md"
"""Pages from elsewhere in the repository that the menu names."""
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")
LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file or folder that pages link to, and that is no page itself."""
    waiting = [Path(file.abs_src_path) for file in files.documentation_pages()]
    for path in AT_THE_TOP:
        files.append(_page(path, REPOSITORY / path, config))
        waiting.append(REPOSITORY / path)
    while waiting:
        source = waiting.pop()
        for target in _targets(source):
            place = _place(target, config)
            if place is None or files.get_file_from_path(place) is not None:
                continue
            files.append(_page(place, target, config))
            if target.suffix == ".md" or target.is_dir():
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to their pages."""
    source = _source(page.file, config)

    def of_the_site(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / link[1]))
        where = _place(target, config) if target.exists() else None
        if where is None:
            where = target.relative_to(config.docs_dir).as_posix() if _within(target, config) else None
        if where is None:
            return link[0]
        relative = os.path.relpath(where, Path(page.file.src_uri).parent)
        return f"]({Path(relative).as_posix()}{link[2] or ''})"

    return LINK.sub(of_the_site, markdown)


def _targets(source: Path) -> list[Path]:
    """Return the files and folders that a page links to; those of a folder are what lies in it."""
    if source.is_dir():
        return [path for path in sorted(source.iterdir()) if _is_shown(path)]
    links = LINK.findall(source.read_text(encoding="utf-8"))
    found = [Path(os.path.normpath(source.parent / link)) for link, _ in links]
    return [path for path in found if path.exists()]


def _is_shown(path: Path) -> bool:
    return path.is_file() and path.suffix in (".py", ".toml", ".md")


def _within(path: Path, config: MkDocsConfig) -> bool:
    return path.is_relative_to(config.docs_dir)


def _place(target: Path, config: MkDocsConfig) -> str | None:
    """Where a file of the repository is in the site; ``None`` for what is a page or a picture of the site."""
    if target.is_dir() and (target / "README.md").exists():
        target = target / "README.md"
    if _within(target, config) and target.is_file() and target.suffix != ".py":
        return None if target.suffix != ".md" else target.relative_to(config.docs_dir).as_posix()
    path = target.relative_to(REPOSITORY).as_posix()
    if path in AT_THE_TOP:
        return path
    return f"files/{path}" if path.endswith(".md") else f"files/{path}.md"


def _source(file: File, config: MkDocsConfig) -> Path:
    """Return the file of the repository whose text a page has."""
    if not file.src_uri.startswith("files/"):
        inside = Path(config.docs_dir) / file.src_uri
        return inside if inside.exists() else REPOSITORY / file.src_uri
    path = REPOSITORY / file.src_uri.removeprefix("files/")
    if path.exists():
        return path
    path = path.with_suffix("")
    # Links of a folder's list are relative to the folder.
    return path / "list" if path.is_dir() else path


def _page(place: str, target: Path, config: MkDocsConfig) -> File:
    return File.generated(config, place, content=_text(target))


def _text(target: Path) -> str:
    """Return what a page shows: a text as it is, code in a block, a folder as the list of its files."""
    name = target.relative_to(REPOSITORY).as_posix()
    if target.is_dir():
        items = "\n".join(f"- [{path.name}]({path.name})" for path in _targets(target))
        return f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n{items}\n"
    text = target.read_text(encoding="utf-8")
    if target.suffix == ".md":
        return text
    language: Any = LANGUAGES.get(target.suffix, "text")
    return f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n``````{language}\n{text}``````\n"
