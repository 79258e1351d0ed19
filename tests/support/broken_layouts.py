"""Changes to published layouts, and conversions of whatever they come to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from published_layouts import WHOLE, convert

from geoinfinite.errors import GeoInfiniteError
from geoinfinite.models.systems.conversion import conversion_of
from geoinfinite.models.systems.protocol import ConvertSettings

Settings = dict[str, Any]
State = dict[str, torch.Tensor]


def options(layout: str, beside: Path) -> list[object]:
    return [] if layout in WHOLE else ["--base", beside]


def drop(*parts: str) -> Callable[[State], object]:
    """Take out the tensors in whose names a text occurs."""
    return lambda state: [state.pop(name) for name in list(state) if any(part in name for part in parts)]


def unet(**said: Any) -> Callable[[Settings], object]:
    return lambda params: params["unet_config"]["params"].update(said)


def cond(**said: Any) -> Callable[[Settings], object]:
    return lambda params: params["cond_stage_config"]["params"].update(said)


def turned(name: str) -> Callable[[State], object]:
    return lambda state: state.update({name: state[name].T.contiguous()})


def attempted(place: Path, out: Path, beside: Path) -> None:
    """Convert, or be told in one line why not."""
    try:
        system, conversion = conversion_of(place, ConvertSettings(base=beside))
        if not conversion.lacks:
            conversion.written(system, out, overwrite=True)
    except GeoInfiniteError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 1500


class Refused:
    """Runs a conversion that must fail with one line, and leave nothing behind."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, says: str, place: Path, *options: object, code: int = 1) -> str:
        before = sorted(self.folder.rglob("*"))
        self.capsys.readouterr()
        assert convert(place, self.folder / "out", *options) == code
        out, err = self.capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert re.search(says, err), err
        assert sorted(self.folder.rglob("*")) == before
        return err
