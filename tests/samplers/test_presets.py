from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import preset_cases
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoinfinite.errors import WorldError
from geoinfinite.samplers.presets import (
    PRESETS,
    ChartedMultiDiffusion,
    EarlySync,
    IndependentTiles,
    InfiniteDiffusion,
    MetaEarthTiles,
    MultiDiffusion,
    SpotDiffusion,
    TiledSampler,
)


def lengths(sampler: TiledSampler) -> list[int]:
    return [len(part) for part in sampler.parts]


@pytest.mark.parametrize("kind", PRESETS.values())
def test_parts_are_all_steps_in_order(kind: Callable[..., TiledSampler]) -> None:
    for steps in (2, 3, 7, 20, 50):
        parts = kind(steps=steps).parts
        assert [step for part in parts for step in part] == [*range(steps)]
        assert all(len(part) > 0 for part in parts)
        assert all(a.stop == b.start for a, b in pairwise(parts))


def test_when_tiles_are_fused() -> None:
    assert lengths(IndependentTiles(steps=6)) == [6]
    assert lengths(MetaEarthTiles(steps=6)) == [6]
    assert lengths(MultiDiffusion(steps=4)) == [1, 1, 1, 1]
    assert lengths(SpotDiffusion(steps=3)) == [1, 1, 1]
    assert lengths(ChartedMultiDiffusion(steps=3)) == [1, 1, 1]
    assert lengths(InfiniteDiffusion(steps=7)) == [3, 4]
    assert lengths(InfiniteDiffusion(steps=8, phases=3)) == [2, 3, 3]
    assert lengths(InfiniteDiffusion(steps=6, cuts=(1, 2, 3))) == [1, 2, 3]
    assert lengths(EarlySync(steps=20)) == [1, 1, 1, 17]
    assert lengths(EarlySync(steps=4)) == [1, 3]
    assert lengths(EarlySync(steps=4, synced=3)) == [1, 1, 1, 1]
    assert lengths(EarlySync(steps=1)) == [1]


@given(st.integers(1, 60), st.integers(1, 60))
def test_phases_differ_by_at_most_a_step(steps: int, phases: int) -> None:
    phases = min(steps, phases)
    counts = lengths(InfiniteDiffusion(steps=steps, phases=phases))
    assert len(counts) == phases
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("kind", PRESETS.values())
def test_presets_travel(kind: Callable[..., TiledSampler]) -> None:
    sampler = kind(steps=3)
    assert pickle.loads(pickle.dumps(sampler)) == sampler
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field"):
        sampler.steps = 4


def test_all_are_named_as_world_files_name_them() -> None:
    assert {kind.preset: kind for kind in PRESETS.values()} == PRESETS
    assert {sampler.preset for sampler in preset_cases.PRESET_CASES.values()} == set(PRESETS)


def test_metaearth_is_as_published() -> None:
    sampler = MetaEarthTiles(tile=256, stride=128)
    assert (sampler.steps, sampler.solver, sampler.eta, sampler.weights) == (50, "ddim", None, "crop")


def test_only_spots_move_their_lattice() -> None:
    for name, sampler in preset_cases.PRESET_CASES.items():
        places = {sampler.origin(7, 2, part, 4) for part in range(6)}
        assert (places == {(0, 0)}) == (name != "spotdiffusion")


def test_places_of_spots_are_whole_units_of_their_own_world_level_and_step() -> None:
    spots, unit = SpotDiffusion(steps=50), 4
    places = {
        (key, level, part): spots.origin(key, level, part, unit)
        for key in range(20)
        for level in range(4)
        for part in range(50)
    }
    found = np.array([*places.values()])
    assert (found % unit == 0).all()
    assert found.min() == 0
    assert found.max() == spots.tile - unit
    # Uniform over 32 places along each axis: chi-squared of 31 degrees of freedom, 4 deviations.
    for axis in (0, 1):
        counts = np.bincount(found[:, axis] // unit, minlength=32)
        expected = len(found) / 32
        assert ((counts - expected) ** 2 / expected).sum() < 31 + 4 * np.sqrt(62)
    assert abs(np.corrcoef(found.T)[0, 1]) * np.sqrt(len(found)) < 4
    assert spots.origin(3, 1, 2, unit) == places[3, 1, 2]


def test_spots_may_lie_anywhere_where_no_parent_is_met() -> None:
    spots = SpotDiffusion(steps=50)
    assert any(y % 4 or x % 4 for y, x in (spots.origin(1, 0, part, 1) for part in range(9)))


def test_guided_and_projected_samplers_are_settings_of_all() -> None:
    for kind in PRESETS.values():
        for consistency in ("mean", "project", "guide", "none"):
            assert kind(consistency=consistency).consistency == consistency
        with pytest.raises(WorldError, match=r"consistency='some' is not one of mean, project, guide, none"):
            kind(consistency="some")
