import json
from pathlib import Path

import numpy as np
import pytest
from held_out_scenes import scenes, write_network
from training.held_out import GROUPS, HeldOut, counts

from geoinfinite.evaluation import EvaluationError, Judge
from training import judged, pack

ORTHO = next(group for group in GROUPS if group.name == "neon-0.1m")


def spread(pictures: np.ndarray) -> np.ndarray:
    """Features: the mean and the deviation of every band."""
    return np.concatenate([pictures.mean((2, 3)), pictures.std((2, 3))], 1) / 255


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    judges = [Judge("near", (0.05, 0.6), 8, spread), Judge("far", (20, 60), 8, spread)]
    monkeypatch.setattr(judged, "judges", lambda galileo: judges)
    pack.write(tmp_path / "held", scenes())
    return tmp_path


def lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> list[dict[str, object]]:
    monkeypatch.setattr("sys.argv", ["judged", *map(str, words)])
    judged.main()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_judge_is_asked_about_what_it_knows(
    held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = write_network(held / "network")
    found = lines(monkeypatch, capsys, "--pack", held / "held", "--network", network, "--count", 6)
    assert [(line["group"], line["judge"]) for line in found] == [("neon-0.1m", "near")]
    assert {"floor", "bicubic", "drawn"} < {*found[0]}
    assert found[0]["apart"] == round(200 * 230 / 128**2, 1)
    everywhere = lines(monkeypatch, capsys, "--pack", held / "held", "--count", 6, "--everywhere")
    assert [(line["group"], line["at its resolution"]) for line in everywhere] == [
        *[("blue-marble-7400m", False)] * 2,
        *[("blue-marble-500m", False)] * 2,
        ("neon-0.1m", True),
        ("neon-0.1m", False),
    ]
    assert "drawn" not in everywhere[0]


def test_another_networks_drawings_are_compared_on_the_same_crops(
    held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = HeldOut(pack.read(held / "held"), ORTHO, judged.SEED_A).batch(6)
    np.save(held / "neon-0.1m.npy", counts(batch.child))
    words = ["--pack", held / "held", "--count", 6, "--also", f"today={held}", "--crops", held / "crops"]
    (found,) = lines(monkeypatch, capsys, *words)
    assert found["today"] == found["floor"]
    with np.load(held / "crops" / "neon-0.1m.npz") as crops:
        assert np.array_equal(crops["parent"], batch.parent.numpy())
        assert np.array_equal(crops["gsd_m"], batch.gsd_m.numpy())


def test_drawings_of_other_crops_are_refused(
    held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(held / "neon-0.1m.npy", np.zeros((7, 3, 128, 128), np.uint8))
    with pytest.raises(
        EvaluationError, match=r"--also old=.*neon-0.1m.npy has shape \(7, .* draw those that --crops"
    ):
        lines(monkeypatch, capsys, "--pack", held / "held", "--count", 6, "--also", f"old={held}")
