"""Gains that are fitted to training places."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from held_out_scenes import scenes, write_network
from training.calibrate import LEAST_POWER, PER_HALVING, Powers, fitted, layer_powers
from training.held_out import read_network
from training.learner import SETTINGS
from training.scene import Scene, all_usable

from geoinfinite.models.earth.calibration import CONTRASTS, FINEST, PER_OCTAVE, RESOLUTIONS
from geoinfinite.models.files import SIDECAR
from training import calibrate, export, pack

NODE = 17
"""32 m."""
GSD = 2.0 ** (FINEST + NODE / PER_OCTAVE)


def layer(
    ratio: float,
    gsd_m: float = GSD,
    halvings: int = 0,
    share: tuple[float, ...] = (0.1, 0.4, 0.3, 0.2),
    part: str = "brightness",
) -> Powers:
    """A layer whose real mean square is `ratio` times the drawn one, which differs from node to node."""
    shares = np.array(share)
    drawn = (0.3 + 0.1 * np.arange(CONTRASTS)) * shares
    real = ratio * (drawn + LEAST_POWER[part] * shares) - LEAST_POWER[part] * shares
    return Powers(part, gsd_m, halvings, shares, real, drawn)


def gains(*layers: Powers) -> np.ndarray:
    return fitted(list(layers)).numpy()


@pytest.mark.parametrize("part", LEAST_POWER)
def test_layers_that_agree_get_the_gain_that_makes_them_right(part: str) -> None:
    found = gains(*[layer(1.44, part=part)] * 3)
    np.testing.assert_allclose(found[NODE], 1.2, rtol=1e-6)


def test_a_resolution_that_no_layer_is_near_keeps_its_strength() -> None:
    found = gains(layer(1.44), layer(1.44))
    near = [node for node in range(RESOLUTIONS) if abs(node - NODE) <= 1]
    np.testing.assert_allclose(found[near], 1.2, rtol=1e-6)
    np.testing.assert_array_equal(np.delete(found, near, axis=0), 1.0)


def test_one_layer_alone_changes_nothing_nor_one_beside_a_trace_of_another() -> None:
    np.testing.assert_array_equal(gains(layer(4.0)), 1.0)
    np.testing.assert_array_equal(gains(layer(4.0), layer(4.0, halvings=4)), 1.0)


def test_layers_that_disagree_by_more_than_their_mean_change_nothing() -> None:
    np.testing.assert_array_equal(gains(layer(4.0), layer(0.3), layer(1.1), layer(0.8)), 1.0)


def test_the_gain_is_the_mean_by_factors_less_what_may_be_chance() -> None:
    found = gains(*(layer(ratio) for ratio in (1.2, 1.5, 2.4, 1.8)))
    logs = np.log([1.2, 1.5, 2.4, 1.8])
    sure = 1 - logs.var(ddof=1) / 4 / logs.mean() ** 2
    assert 0.5 < sure < 0.95
    np.testing.assert_allclose(found[NODE], np.exp(sure * logs.mean() / 2), rtol=1e-6)


def test_pixels_of_the_camera_count_more_than_means_of_them() -> None:
    halved = [layer(0.5, halvings=1)] * 4
    found = gains(layer(2.0), layer(2.0), layer(2.0), layer(2.0), *halved)
    weights = np.array([1.0] * 4 + [1 / PER_HALVING] * 4)
    weights /= weights.sum()
    logs = np.log([2.0] * 4 + [0.5] * 4)
    mean = (weights * logs).sum()
    number = 1 / np.square(weights).sum()
    error = (weights * np.square(logs - mean)).sum() / (number - 1)
    np.testing.assert_allclose(found[NODE], np.exp(mean * (1 - error / mean**2) / 2), rtol=1e-6)


def test_a_contrast_that_a_layer_does_not_have_asks_nothing_of_it() -> None:
    calm = (0.6, 0.4, 0.0, 0.0)
    found = gains(*[layer(1.44, share=calm)] * 3)
    np.testing.assert_allclose(found[NODE, :2], 1.2, rtol=1e-6)
    np.testing.assert_array_equal(found[NODE, 2:], 1.0)


def test_flat_water_asks_for_little() -> None:
    flat = layer(1.0)
    nothing = replace(flat, real=0 * flat.real, drawn=0.001 * flat.drawn)
    assert gains(nothing, nothing)[NODE].min() > 0.95


@pytest.fixture(scope="module")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network"))


def test_layers_too_small_for_a_crop_are_left_out_and_the_others_told_apart(network_folder: Path) -> None:
    every = list(layer_powers(read_network(network_folder), scenes(), 4))
    assert [one.part for one in every] == 4 * list(LEAST_POWER)
    found = of("brightness", every)
    assert [(one.gsd_m, one.halvings) for one in found] == [
        (7421.3, 0),
        (600.0, 0),
        (800.0, 0),
        (0.1, 0),
    ]
    for one in found:
        np.testing.assert_allclose(one.share.sum(), 1.0)


def test_every_part_of_the_globe_counts_as_a_layer_of_its_own(network_folder: Path) -> None:
    """Even, but for one of the parts."""
    picture = torch.full((3, 400, 600), 100, dtype=torch.uint8)
    rough = torch.Generator().manual_seed(8)
    picture[:, 200:, 200:400] = torch.randint(100, 150, (3, 200, 200), generator=rough).to(torch.uint8)
    globe = replace(noise_scene("globe", picture), plate_carree=True)
    network = read_network(network_folder)
    found = of("brightness", layer_powers(network, [globe], 4))
    assert [one.real.sum() > 0.1 for one in found] == [False] * 4 + [True, False]
    assert len(of("brightness", layer_powers(network, [replace(globe, plate_carree=False)], 4))) == 1
    # Held out.
    known = globe.usable.clone()
    known[200:, 200:400] = False
    held_out = of("brightness", layer_powers(network, [replace(globe, usable=known)], 4))
    assert [one.real.sum() > 0.1 for one in held_out] == [False] * 5


def test_a_network_is_right_when_it_is_calibrated_though_its_parts_overlap(tmp_path: Path) -> None:
    """Three scenes of one kind of noise: what is measured with the gains in is nearly what is real."""
    rough = torch.Generator().manual_seed(8)
    bytes_ = [torch.randint(100, 150, (3, 220, 260), generator=rough).to(torch.uint8) for _ in range(3)]
    alike = [noise_scene(f"noise-{number}", one) for number, one in enumerate(bytes_)]
    network = read_network(write_network(tmp_path / "network"))
    before = list(layer_powers(network, alike, 8))
    once = calibrate.calibrate(network, alike, 8)
    twice = calibrate.calibrate(network, alike, 8)
    after = list(layer_powers(network, alike, 8))
    for part, gains in {
        "brightness": network.calibration.gains,
        "colour": network.calibration.colour_gains,
        "stray": network.calibration.stray_gains,
    }.items():
        torch.testing.assert_close(once[part], fitted(of(part, before)))
        torch.testing.assert_close(gains, once[part] * twice[part])
        assert log_ratio(of(part, before)) > 0.7
        assert log_ratio(of(part, after)) < log_ratio(of(part, before)) / 5


def of(part: str, found: Iterable[Powers]) -> list[Powers]:
    return [one for one in found if one.part == part]


def log_ratio(found: list[Powers]) -> float:
    """How far off the mean square of a part is over all contrasts, as a log."""
    real, drawn = (sum(getattr(one, name).sum() for one in found) for name in ("real", "drawn"))
    return abs(float(np.log(drawn / real)))


def test_the_command_multiplies_the_gains_and_changes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, held = write_network(tmp_path / "network"), tmp_path / "pack"
    rough = torch.Generator().manual_seed(9)
    bytes_ = [torch.randint(100, 150, (3, 200, 210), generator=rough).to(torch.uint8) for _ in range(3)]
    pack.write(held, [noise_scene(f"noise-{number}", one) for number, one in enumerate(bytes_)])
    network = read_network(folder)
    own = network.calibration
    for gains in (own.gains, own.colour_gains, own.stray_gains):
        gains.fill_(0.5)
    export.write(folder, network, SETTINGS, 70)
    monkeypatch.setattr("sys.argv", f"calibrate --network {folder} --pack {held} --crops 4".split())
    calibrate.main()
    before, after = network.state_dict(), read_network(folder).state_dict()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["round"] for line in lines] == RESOLUTIONS * [1] + RESOLUTIONS * [2]
    names = {"brightness": "gains", "colour": "colour_gains", "stray": "stray_gains"}
    for part, name in names.items():
        first, second = np.array([line[part] for line in lines]).reshape(2, RESOLUTIONS, CONTRASTS)
        assert first.max() > 1.2
        np.testing.assert_allclose(after[f"calibration.{name}"], 0.5 * first * second, rtol=2e-3)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"calibration.{name}" for name in names.values()}
    assert json.loads((folder / SIDECAR).read_text(encoding="utf-8"))["step"] == 70


def noise_scene(name: str, picture: torch.Tensor) -> Scene:
    """A scene of 0.1 m with one layer and no known water."""
    usable = all_usable(picture)
    return replace(scenes()[4], name=name, pixels=picture, usable=usable, water=None, weights={0: 1.0})
