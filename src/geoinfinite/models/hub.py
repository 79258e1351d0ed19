"""Checkpoints of the Hugging Face hub: a repository at one commit, read from the cache of huggingface_hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoinfinite.errors import ModelError
from geoinfinite.file_memo import FileMemo, process_memo
from geoinfinite.models.files import is_folder
from geoinfinite.models.schema import shortened

SCHEME = "hf"
DEFAULT_REVISION = "main"
FILES = (
    "*.json",
    "tokenizer/*.txt",
    "diffusion_pytorch_model*.safetensors",
    "*/diffusion_pytorch_model*.safetensors",
    "text_encoder/model*.safetensors",
    "extra/*.safetensors",
    "prompts.safetensors",
)
"""What is downloaded of a repository: the files that a checkpoint is read from, neither pickles nor code."""
LEFT_OUT = ("*non_ema*", "safety_checker/*")
"""What is not, although it is named like those."""
_COMMIT = re.compile("[0-9a-f]{40}")
_REPOSITORY = re.compile(
    r"(?=[^/]{1,96}/[^/]{1,96}\Z)(?!.*(--|\.\.|\.git$))\w([\w.-]*\w)?/\w([\w.-]*\w)?",
    re.ASCII,
)


def is_repository(name: str) -> bool:
    """Say whether a name has the form of a repository of the hub, ``organisation/name``.

    >>> is_repository("lcybuaa/Text2Earth"), is_repository("./Text2Earth"), is_repository("a/b/c")
    (True, False, False)
    """
    return _REPOSITORY.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository of the hub at one commit: the same files, wherever and whenever it is read."""

    repository: str
    commit: str
    """40 hexadecimal digits."""

    @property
    def ref(self) -> str:
        """What world files say: ``hf:organisation/name@commit``."""
        return f"{SCHEME}:{self.repository}@{self.commit}"

    @property
    def folder(self) -> Path:
        """Where the cache of huggingface_hub keeps the files, whether they are there or not."""
        hub = _library(self.ref)
        name: str = hub.file_download.repo_folder_name(repo_id=self.repository, repo_type="model")
        return Path(hub.constants.HF_HUB_CACHE) / name / "snapshots" / self.commit

    def fetch(self, memo: FileMemo = process_memo) -> None:
        """Make sure that the files are in the cache: the network is asked only if one is missing.

        Raises `ModelError` if they are neither there nor to be had.
        """
        memo.ask(self.folder, self._fetch)

    def _fetch(self, folder: Path) -> bool:
        try:
            _snapshot(self.ref, self.repository, self.commit, local_files_only=True)
        except ModelError:
            _snapshot(self.ref, self.repository, self.commit)
        return True


def pinned(ref: str) -> HubModel:
    """Return what ``hf:organisation/name@commit`` names; raise `ModelError` for one that names no commit."""
    repository, _, revision = ref.partition(":")[2].partition("@")
    if not is_repository(repository):
        raise ModelError(
            f'model.ref={shortened(ref, 200)} names no repository; write "{SCHEME}:organisation/name@commit"'
        )
    if not _COMMIT.fullmatch(revision):
        raise ModelError(
            f"model.ref={shortened(ref, 200)} must end in the 40 hexadecimal digits of a commit, or a world "
            "would change with its repository; take the ref of "
            f"geoinfinite.models.from_pretrained({ref.rstrip('@')!r})"
        )
    return HubModel(repository, revision)


def resolve(name: str, revision: str | None = None) -> HubModel:
    """Return a repository at the commit that a revision stands for now, its files in the cache.

    ``name`` is ``organisation/name``, ``revision`` a branch, a tag or a commit. A commit is looked for in the
    cache first; what a branch or a tag stands for is asked on the hub, and in the cache without a network.
    Raises `ModelError` if the files are neither there nor to be had.
    """
    if revision is not None and _COMMIT.fullmatch(revision):
        model = HubModel(name, revision)
        model.fetch()
        return model
    said = f"{name}@{revision or DEFAULT_REVISION}"
    found = _snapshot(said, name, revision or DEFAULT_REVISION).name
    if not _COMMIT.fullmatch(found):
        raise ModelError(
            f"model.ref={said!r} stands for {found!r} in the cache, which is no commit; empty it"
        )
    return HubModel(name, found)


def resolved(ref: str | Path, revision: str | None) -> str:
    """Return a reference that means the same tomorrow: a repository of the hub at a commit."""
    scheme, _, rest = str(ref).rpartition(":")
    name, _, own = rest.partition("@")
    of_hub = scheme == SCHEME or (isinstance(ref, str) and not scheme and not is_folder(Path(ref)))
    if of_hub and is_repository(name):
        if own and revision is not None:
            raise ModelError(f"revision={revision!r} is said besides model.ref={ref!r}; leave one out")
        return resolve(name, own or revision).ref
    if revision is not None:
        raise ModelError(
            f"revision={revision!r} is of a repository of the hub, and model.ref={str(ref)!r} is none; leave "
            "it out"
        )
    return str(ref)


def _snapshot(ref: str, repository: str, revision: str, *, local_files_only: bool = False) -> Path:
    hub = _library(ref)
    try:
        folder = hub.snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(FILES),
            ignore_patterns=list(LEFT_OUT),
            local_files_only=local_files_only,
        )
    # What a network raises depends on the version of huggingface_hub and on the client below it.
    except Exception as error:
        raise ModelError(
            f"model.ref={shortened(ref, 200)} is neither a folder nor in the cache "
            f"{hub.constants.HF_HUB_CACHE}, and was not downloaded ({_reason(error)}); check the name, allow "
            "the network, or set HF_HUB_CACHE to a cache that holds it"
        ) from error
    return Path(folder)


def _reason(error: BaseException) -> str:
    """Return what went wrong below, in a line."""
    # A file that is not in the cache is the consequence; its cause says what the network answered.
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    said = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {said[0].rstrip('. ')[:200]}"


def _library(ref: str) -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.file_download
    except ImportError as error:
        raise ModelError(
            f"model.ref={shortened(ref, 200)} needs huggingface_hub, which is not installed: "
            "pip install 'geoinfinite[hub]'"
        ) from error
    return huggingface_hub
