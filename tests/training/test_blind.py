import csv
from pathlib import Path

import numpy as np
import pytest
from held_out_scenes import scenes, write_network
from PIL import Image
from scipy.stats import binomtest
from training.held_out import GROUPS, read_network

from geoinfinite.evaluation import EvaluationError
from training import blind

GROUP = next(group for group in GROUPS if group.name == "neon-0.1m")


@pytest.mark.parametrize(("right", "asked"), [(0, 7), (23, 40), (40, 40), (131, 280)])
def test_the_interval_is_scipys(right: int, asked: int) -> None:
    expected = binomtest(right, asked).proportion_ci(0.95, "wilson")
    assert blind.wilson(right, asked) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_sheet_is_half_real_in_an_order_that_the_seed_decides(tmp_path: Path) -> None:
    network = read_network(write_network(tmp_path))
    pictures, kinds = blind.sheet(scenes(), GROUP, network, 3)
    assert pictures.shape == (40, 3, 128, 128)
    assert sorted(kinds) == ["drawn"] * 20 + ["real"] * 20
    assert kinds != blind.sheet(scenes(), GROUP, network, 4)[1]
    # Red is one value in a real picture of the fixture.
    assert [["drawn", "real"][len(np.unique(x[0])) == 1] for x in pictures] == kinds


def test_pictures_are_larger_where_every_layer_has_room() -> None:
    narrow = [scenes()[0], scenes()[4]]
    assert blind.fitting_side(blind.HeldOut(narrow, GROUP, 1)) == 128
    fine = next(group for group in GROUPS if group.name == "blue-marble-500m")
    wide = blind.HeldOut(scenes(), fine, 1)
    wide.crops.layers = [layer for layer in wide.crops.layers if layer.gsd_m == 600.0]
    assert blind.fitting_side(wide) == 192


def test_pictures_stand_below_their_numbers() -> None:
    shown = np.zeros((11, 3, 20, 20), np.uint8)
    shown[9, 1] = 250
    image = np.asarray(blind.painted(shown))
    assert image.shape == (2 * 40 + 6, 8 * 26 + 6, 3)
    left, top = 6 + 26, 6 + 40 + 14
    assert (image[top : top + 20, left : left + 20] == (0, 250, 0)).all()
    assert (image[top - 14 : top, left : left + 20] != 255).any()
    assert (image[:, -6:] == 255).all()


def test_a_form_is_written_without_the_answers_and_scored_with_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"coast": ["real", "drawn", "drawn"], "wood": ["drawn", "real"]}
    blank = np.zeros((3, 3, 16, 16), np.uint8)
    blind.write(tmp_path, {name: (blank[: len(found)], found) for name, found in kinds.items()})
    form = (tmp_path / "guesses.csv").read_text()
    assert "real" not in form
    assert "drawn" not in form
    with Image.open(tmp_path / "coast.png") as image:
        assert image.size == (8 * 22 + 6, 36 + 6)
    rows = [
        ("coast", 1, "Real "),
        ("coast", 2, "real"),
        ("coast", 3, ""),
        ("wood", 1, "drawn"),
        ("wood", 2, "real"),
    ]
    filled = tmp_path / "filled.csv"
    with filled.open("w", newline="") as file:
        csv.writer(file).writerows([("sheet", "number", "guess"), *rows])
    monkeypatch.setattr("sys.argv", ["blind", "--score", str(filled), str(tmp_path / "key.csv")])
    blind.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "coast: 1 of 2 right, 50% (9% to 91%)"
    assert printed[1] == "all: 3 of 4 right, 75% (30% to 95%)"
    assert printed[2].startswith("wood: 2 of 2 right, 100%")


def test_words_that_are_no_guess_and_other_sheets_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "guesses.csv"
    path.write_text("sheet,number,guess\ncoast,1,real\ncoast,2,maybe\n")
    with pytest.raises(EvaluationError, match=r"guesses.csv, line 3: guess='maybe' must be real or drawn"):
        blind.read(path, "guess")
    with pytest.raises(EvaluationError, match="sheet='coast', number=9 is not in the key"):
        blind.score({("coast", 9): "real"}, {("coast", 1): "real"})
