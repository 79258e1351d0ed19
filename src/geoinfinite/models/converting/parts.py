"""Tensors under the names of one file, and the parts of a checkpoint that are made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from torch import Tensor

from geoinfinite.errors import ModelError
from geoinfinite.models.schema import shortened


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a converted checkpoint: what becomes a folder, or a file of ``extra``."""

    folder: str
    """Its folder in the checkpoint, such as ``unet``."""
    config: Mapping[str, Any] | None
    """What becomes ``config.json``; ``None`` where no class of a library is meant."""
    tensors: Mapping[str, Tensor]
    stem: str = "diffusion_pytorch_model"
    """The name of its weights' file, without ``.safetensors``."""


@dataclass(frozen=True, slots=True)
class Tensors(Mapping[str, Tensor]):
    """Tensors under short names, which remembers what their file calls them: errors say that."""

    held: Mapping[str, Tensor]
    where: str = "the checkpoint"
    """The file."""
    full: Mapping[str, str] = field(default_factory=dict)
    """The file's own names, by short name, where they differ."""
    prefix: str = ""
    """What stands before a short name of a tensor that is not there."""

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Tensors:
        """Return tensors with their provenance if they have one."""
        return tensors if isinstance(tensors, cls) else cls(tensors)

    def __getitem__(self, name: str) -> Tensor:
        return self.held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def called(self, name: str) -> str:
        """Return the file's own name of a tensor, shortened for a message."""
        return shortened(self.full.get(name, self.prefix + name), 120)

    def only(self, names: Iterable[str]) -> Tensors:
        """Return some of the tensors, in their order."""
        wanted = set(names)
        held = {name: tensor for name, tensor in self.held.items() if name in wanted}
        return Tensors(held, self.where, self.full, self.prefix)

    def cut(self, prefix: str) -> Tensors:
        """Return the tensors whose names begin with ``prefix``, under what follows it."""
        names = {name.removeprefix(prefix): name for name in self.held if name.startswith(prefix)}
        return Tensors(
            {short: self.held[name] for short, name in names.items()},
            self.where,
            {short: self.full.get(name, self.prefix + name) for short, name in names.items()},
            self.prefix + prefix,
        )

    def misfit(self, name: str, reason: str) -> ModelError:
        """Return the error for a tensor that is not as its settings say."""
        return ModelError(
            f"{self.where}: {self.called(name)} {reason}; use the configuration that was published with this "
            "file, or download both again"
        )


class Source:
    """The tensors of one file, taken part by part; whatever nothing takes is an error.

    >>> import torch
    >>> source = Source(Path("last.ckpt"), {"model.a": torch.zeros(1), "betas": torch.zeros(2)})
    >>> list(source.take("model."))
    ['a']
    >>> source.finish(["beta?"])
    """

    def __init__(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        self.path = path
        self._left = dict(tensors)

    def holds(self, prefix: str) -> bool:
        """Say whether a tensor whose name begins with ``prefix`` has not been taken yet."""
        return any(name.startswith(prefix) for name in self._left)

    def seen(self, names: Collection[str]) -> Tensors:
        """Return some of the tensors without taking them, those that are there."""
        return Tensors(self._left, str(self.path)).only(names)

    def take(self, prefix: str, *names: str) -> Tensors:
        """Take tensors, and return them under their names without ``prefix``.

        All that begin with ``prefix``, or those named after it; raises `ModelError` if one of these is not
        there. ``prefix`` may be empty.
        """
        for name in names:
            if prefix + name not in self._left:
                raise Tensors({}, str(self.path), prefix=prefix).misfit(name, "is missing")
        whole = Tensors(self._left, str(self.path))
        taken = whole.only([prefix + name for name in names]) if names else whole
        found = taken.cut(prefix)
        self._left = {name: t for name, t in self._left.items() if name not in set(found.full.values())}
        return found

    def finish(self, ignorable: Collection[str] = ()) -> None:
        """Raise `ModelError` for a tensor that nothing took; ``ignorable`` are patterns as of a shell."""
        left = [name for name in self._left if not _matches(name, ignorable)]
        if left:
            count = f"{len(left)} tensor{'s' * (len(left) > 1)}"
            raise ModelError(
                f"{self.path}: nothing has a use for {shortened(min(left), 120)} ({count} in all), so it "
                "is of another system or version; use the configuration that was published with this file, "
                "or download both again"
            )


def split(tensors: Mapping[str, Tensor], *patterns: str) -> tuple[Tensors, Tensors]:
    """Return tensors whose names match no pattern, and those that match one; patterns as of a shell.

    >>> import torch
    >>> rest, layout = split({"a.to_k": torch.zeros(1), "a.to_k_control": torch.zeros(1)}, "*_control")
    >>> list(rest), list(layout)
    (['a.to_k'], ['a.to_k_control'])
    """
    whole = Tensors.of(tensors)
    matching = [name for name in whole if _matches(name, patterns)]
    return whole.only(whole.keys() - set(matching)), whole.only(matching)


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
