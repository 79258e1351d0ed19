"""AeroGen's box encoder: one token for each slot of an object, from its corners and its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from geoinfinite.models.networks.loading import Renamed, loaded, misfit, renamed_by, shape_of

WHAT = "the box encoder"
PUBLISHED = "condition_tokenizer."
FREQUENCIES = 8
WAVES = FREQUENCIES * 2 * 8
"""Sines and cosines of eight numbers at every frequency."""
HIDDEN = 512


class BoxEncoder(nn.Module):
    """Tokens of boxes; an empty slot has a learned one, which takes part in attention like any other.

    So the number of slots changes the picture. Always float32.

    Source: AeroGen (arXiv:2411.15497), section 3.2.
    """

    def __init__(self, text: int, out: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.null_text_feature = nn.Parameter(torch.zeros(text))
        self.null_position_feature = nn.Parameter(torch.zeros(WAVES))
        self.linears = nn.Sequential(
            nn.Linear(text + WAVES, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, out),
        )

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> BoxEncoder:
        """Return the encoder whose tensors these are; raise `ModelError` if they make none."""
        hidden, wide = shape_of(tensors, "linears.0.weight", 2, WHAT)
        out, _ = shape_of(tensors, "linears.4.weight", 2, WHAT)
        if wide <= WAVES:
            raise misfit(WHAT, f"needs more than {WAVES} channels of 'linears.0.weight', which takes {wide}")
        return loaded(lambda: cls(wide - WAVES, out, hidden), tensors, WHAT)

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> Renamed:
        """Return published tensors ``condition_tokenizer.*`` under this module's names."""
        return renamed_by(tensors, {}, PUBLISHED), frozenset()

    @property
    def out_features(self) -> int:
        """Channels of a token."""
        return cast(nn.Linear, self.linears[-1]).out_features

    def forward(self, cells: Tensor, classes: Tensor, present: Tensor) -> Tensor:
        """Return tokens ``(tile, box, out)``.

        ``cells`` is ``(tile, box, 8)``, x before y of four corners in whole latent cells; ``classes``
        ``(tile, box, text)`` the text vector of each class; ``present`` ``(tile, box)`` says which are boxes.
        """
        there = present.bool()[..., None]
        with torch.autocast(cells.device.type, enabled=False):
            place = torch.where(there, position_code(cells), self.null_position_feature)
            kind = torch.where(there, classes.float(), self.null_text_feature)
            return cast(Tensor, self.linears(torch.cat([kind, place], -1)))


def position_code(cells: Tensor) -> Tensor:
    """Return ``(..., 128)`` of eight numbers ``(..., 8)``: for each frequency the sines, then the cosines.

    Frequencies are ``100 ** (k / 8)``, for whole cells and not for fractions of the picture.

    >>> position_code(torch.zeros(8)).sum()
    tensor(64.)
    """
    steps = torch.arange(FREQUENCIES, dtype=torch.float32, device=cells.device) / FREQUENCIES
    angles = (100**steps)[:, None] * cells.float()[..., None, :]
    return torch.stack([angles.sin(), angles.cos()], -2).flatten(-3)
