"""``ChipDataset``: an endless supply of chips for PyTorch, drawn while it trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from geoinfinite.chips.boxes import BoxLabels
from geoinfinite.chips.chip import chip_id
from geoinfinite.chips.masks import MaskLabels
from geoinfinite.chips.places import Places, check_size, scattered
from geoinfinite.chips.source import PixelSource, Readable, source_of
from geoinfinite.errors import WorldError
from geoinfinite.plane.window import Window

Sample = dict[str, Any]
_STORED_AS = {"uint16": np.int32}
"""Types that PyTorch can add and stack, for those that it cannot."""


class ChipDataset(IterableDataset[Sample]):
    """Chips of a level of a world or a store at scattered places, for a ``torch.utils.data.DataLoader``.

    A sample has ``image`` ``(band, y, x)`` in the world's dtype, ``id``, ``window`` (y0, y1, x0, x1) and
    ``bounds`` (left, bottom, right, top); with ``BoxLabels`` also ``corners`` ``(box, 4, 2)`` and ``classes``
    ``(box,)``, with ``MaskLabels`` ``mask`` ``(y, x)``.

    Chips of one epoch share no pixel, as far as there is room; every epoch has other places. Blocks of
    ``places.at_once`` chips are drawn together and go in turn to ranks and, within a rank, to workers: each
    gets others. The order is a function of the seed and the epoch. If the loader's ``batch_size`` is
    ``places.at_once``, and that divides ``places.count``, its batches are the same for any number of workers.

    >>> from geoinfinite import World
    >>> from geoinfinite.chips import Places
    >>> chips = ChipDataset(World.load("analytic"), 2, 32, Places(count=3, at_once=2))
    >>> [tuple(chip["image"].shape) for chip in chips]
    [(3, 32, 32), (3, 32, 32), (3, 32, 32)]
    """

    def __init__(
        self,
        readable: Readable,
        level: int,
        size: int,
        places: Places | None = None,
        *,
        labels: Sequence[BoxLabels | MaskLabels] = (),
        part: tuple[int, int] | None = None,
    ) -> None:
        """Take chips of ``size`` x ``size`` pixels of a level.

        ``part=(i, n)`` is the i-th of n ranks, counted from 1; ``None`` asks torch.distributed, if it runs.
        Raises `WindowError` and `WorldError` for what cannot be met; nothing is drawn.
        """
        self.source: PixelSource = source_of(readable, level)
        self.size = size
        self.places = places or Places()
        self.labels = tuple(labels)
        self._within: Window = self.places.within(self.source)
        check_size(size, self._within)
        for one in self.labels:
            one.check(self.source.grid)
        if part is not None and not 1 <= part[0] <= part[1]:
            raise WorldError(f"part={part} must be (i, n) with 1 <= i <= n; the first of two ranks is (1, 2)")
        self._part = part
        self._epoch = 0
        self._taken = 0
        self._skipped = 0

    def __len__(self) -> int:
        """Return the chips of an epoch, over all workers of this rank."""
        rank, ranks = self._rank()
        return sum(stop - start for start, stop in self._blocks()[rank::ranks])

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch: its places are others than those of any other one."""
        if type(epoch) is not int or epoch < 0:
            raise WorldError(f"epoch={epoch!r} must be an integer from 0 on; count the epochs")
        self._epoch, self._taken, self._skipped = epoch, 0, 0

    def window(self, number: int) -> Window:
        """Return where a chip of the epoch lies; ``number`` counts over all ranks and workers."""
        return scattered(number, self._epoch, self._within, self.size, self.places.seed)

    def __iter__(self) -> Iterator[Sample]:
        """Yield the chips of the epoch that are this rank's and worker's."""
        skipped, self._taken = self._taken, 0
        for start, stop in self._own_blocks():
            numbers = range(start, stop)[max(0, skipped - self._taken) :]
            self._taken += (stop - start) - len(numbers)
            if not numbers:
                continue
            windows = [self.window(number) for number in numbers]
            for window, pixels in zip(windows, self.source.read(windows), strict=True):
                self._taken += 1
                yield self._sample(window, pixels)
        self._taken = 0

    def state_dict(self) -> dict[str, int]:
        """Return how far the epoch is in this process: `load_state_dict` goes on there.

        Each worker of a loader has a dataset of its own; torchdata's ``StatefulDataLoader`` keeps the states
        of all.
        """
        return {"epoch": self._epoch, "taken": self._taken}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where a dataset of the same arguments, ranks and workers was."""
        self.set_epoch(state["epoch"])
        self._taken = state["taken"]

    def skip(self, chips: int) -> None:
        """Begin behind a number of chips of the epoch, counted over all workers of this rank.

        It must be a multiple of ``places.at_once``: to go on with a plain loader after some batches.
        """
        if chips % self.places.at_once:
            raise WorldError(
                f"skip({chips}) must be a multiple of places.at_once={self.places.at_once}, whose chips are "
                f"drawn together; skip {chips - chips % self.places.at_once}"
            )
        self._skipped = chips // self.places.at_once

    def _blocks(self) -> list[tuple[int, int]]:
        count, step = self.places.count, self.places.at_once
        return [(start, min(start + step, count)) for start in range(0, count, step)]

    def _own_blocks(self) -> list[tuple[int, int]]:
        rank, ranks = self._rank()
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return self._blocks()[rank::ranks][self._skipped :][number::workers]

    def _rank(self) -> tuple[int, int]:
        if self._part is not None:
            return self._part[0] - 1, self._part[1]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def _sample(self, window: Window, pixels: Any) -> Sample:
        grid, level = self.source.grid, self.source.level
        found: Sample = {
            "image": _tensor(pixels),
            "id": chip_id(self.source, window),
            "window": torch.tensor([window.y0, window.y1, window.x0, window.x1]),
            "bounds": torch.tensor(grid.bounds(level, window), dtype=torch.float64),
        }
        for one in self.labels:
            if isinstance(one, MaskLabels):
                found["mask"] = _tensor(one.of(grid, level, window))
                continue
            boxes = one.of(grid, level, window)
            corners = np.array([box.corners for box in boxes], np.float32).reshape(-1, 4, 2)
            found["corners"] = _tensor(corners)
            found["classes"] = torch.tensor([box.number for box in boxes], dtype=torch.int64)
        return found


def collate(samples: Sequence[Sample]) -> Sample:
    """Return a batch: what has one shape in all samples is stacked, other values are lists.

    For a loader of chips with boxes: ``DataLoader(chips, batch_size=8, collate_fn=collate)``.
    """
    batch: Sample = {}
    for name in samples[0]:
        values = [sample[name] for sample in samples]
        is_ragged = name in ("corners", "classes") or not isinstance(values[0], torch.Tensor)
        batch[name] = values if is_ragged else torch.stack(values)
    return batch


def _tensor(values: Any) -> torch.Tensor:
    wanted = _STORED_AS.get(str(values.dtype))
    return torch.from_numpy(np.ascontiguousarray(values if wanted is None else values.astype(wanted)))
