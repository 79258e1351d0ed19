"""The resolution that a crop is said to have: about its own, or of the Blue Marble at times a finer one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from training.labels import FINEST_LABEL, WIDE_SHARE, label
from training.scene import HALF_AN_OCTAVE
from training_scenes import rough, scene

GSD_M = 700.0
SCARCE, REST = WIDE_SHARE


@pytest.mark.parametrize(
    ("source", "brightness", "water", "share"),
    [
        ("blue-marble-fine", 60.0, 0.0, REST),
        ("blue-marble-fine", 150.0, 0.0, SCARCE),
        ("blue-marble", 60.0, 255.0, SCARCE),
        ("landsat", 150.0, 255.0, 0.0),
    ],
)
def test_what_finer_sources_hardly_show_is_labelled_finer(
    source: str, brightness: float, water: float, share: float
) -> None:
    layer = replace(next(scene(source, rough(300, 420, 1), gsd_m=GSD_M).layers()), octaves=(-0.5, 0.25))
    channels = torch.full((5, 64, 64), brightness)
    channels[3] = water
    generator = torch.Generator().manual_seed(3)
    labels = torch.tensor([label(layer, channels, GSD_M, generator) for _ in range(1500)])
    # In octaves about its own resolution, from the lowest of its range to the highest.
    own = (labels / GSD_M).log2()
    assert float(own.max()) == pytest.approx(0.25, abs=0.01)
    wide = own < -0.5
    reach = torch.tensor(FINEST_LABEL / GSD_M).log2()
    assert float(wide.float().mean()) == pytest.approx(share * (1 - 0.5 / -float(reach)), abs=0.04)
    if share:
        assert float(own.min()) == pytest.approx(float(reach), abs=0.4)


def test_labels_of_layers_an_octave_apart_meet_and_do_not_overlap() -> None:
    """Pixels of a camera are softer than their area means: under one label neither would be learnt."""
    picture = scene("landsat", rough(500, 420, 1), gsd_m=30.0)
    layers = list(replace(picture, octaves=HALF_AN_OCTAVE, weights={0: 1.0, 1: 1.0, 2: 1.0}).layers())
    generator = torch.Generator().manual_seed(3)
    spans = []
    for layer in layers:
        channels = torch.full((5, 64, 64), 60.0)
        told = [label(layer, channels, layer.gsd_m, generator) for _ in range(400)]
        spans.append((min(told), max(told)))
    assert [round(layer.gsd_m) for layer in layers] == [30, 60, 120]
    for finer, coarser in pairwise(spans):
        assert finer[1] <= coarser[0] == pytest.approx(finer[1], rel=0.02)
