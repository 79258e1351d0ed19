"""``Format``: where files of a data set lie, what stands beside each picture, and what is written last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from geoinfinite.chips import coco, dota, geoparquet, yolo_obb
from geoinfinite.chips.entry import Entry
from geoinfinite.chips.selection import ChipSet
from geoinfinite.errors import WorldError

Files: TypeAlias = Mapping[str, bytes]
"""Contents by path within the folder."""


def _nothing_beside(entry: Entry, chips: ChipSet) -> Files:
    return {}


def _nothing_together(entries: Sequence[Entry], chips: ChipSet) -> Files:
    return {}


@dataclass(frozen=True, slots=True)
class Format:
    """A way to lay a data set out."""

    folder: str = "{kind}/{split}"
    """The folder of a kind of pictures, ``images``, ``masks`` or ``coarse``, of a split."""
    beside: Callable[[Entry, ChipSet], Files] = _nothing_beside
    """The files that each chip has of its own."""
    together: Callable[[Sequence[Entry], ChipSet], Files] = _nothing_together
    """The files of all chips."""

    def path(self, kind: str, split: str, name: str) -> str:
        """Return the path of a picture within the folder."""
        return f"{self.folder.format(kind=kind, split=split)}/{name}"


FORMATS: Mapping[str, Format] = {
    "yolo-obb": Format(beside=yolo_obb.beside, together=yolo_obb.together),
    "coco": Format(together=coco.together),
    "dota": Format("{split}/{kind}", beside=dota.beside),
    "geoparquet": Format(together=geoparquet.together),
}
"""The formats by name."""
PLAIN = Format()
"""Pictures and the list of chips alone."""


def format_named(name: str | None, chips: ChipSet) -> Format:
    """Return a format; raise `WorldError` for one that is not known, or that has nothing to hold."""
    if name is None:
        return PLAIN
    if name not in FORMATS:
        raise WorldError(f"format={name!r} is not one of {', '.join(FORMATS)}; choose one")
    if chips.content.boxes is None and name != "geoparquet":
        raise WorldError(
            f"format={name!r} holds boxes, and the chips have none; name a file of boxes, or leave the "
            "format out"
        )
    return FORMATS[name]
