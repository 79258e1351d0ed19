"""Tensors taken part by part: whatever is missing or left over is named as its file names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.average import averaged
from geoinfinite.models.converting.fitting import named
from geoinfinite.models.converting.parts import Source, Tensors, split

PATH = Path("runs/last.ckpt")
VALUES = {
    "model.diffusion_model.out.2.bias": torch.tensor([1.0, 2.0]),
    "model.diffusion_model.out.2.weight": torch.arange(6.0).reshape(2, 3),
    "model_ema.diffusion_modelout2bias": torch.tensor([3.0, 4.0]),
    "model_ema.diffusion_modelout2weight": torch.arange(6.0).reshape(2, 3) + 9,
    "model_ema.decay": torch.tensor(0.9999),
    "model_ema.num_updates": torch.tensor(7),
    "betas": torch.zeros(4),
}


def source(**more: torch.Tensor) -> Source:
    return Source(PATH, VALUES | more)


def test_what_is_taken_is_gone() -> None:
    found = source()
    assert list(found.seen(("betas", "none"))) == ["betas"]
    assert found.holds("model_ema.")
    assert set(found.take("model.diffusion_model.")) == {"out.2.bias", "out.2.weight"}
    assert not found.take("model.diffusion_model.")
    assert list(found.take("model_ema.", "decay", "num_updates")) == ["decay", "num_updates"]
    with pytest.raises(
        ModelError,
        match=r"last\.ckpt: nothing has a use for 'betas' \(3 tensors in all\), so it is of another",
    ):
        found.finish()
    found.take("model_ema.")
    with pytest.raises(ModelError, match=r"nothing has a use for 'betas' \(1 tensor in all\)"):
        found.finish(["model.*"])
    found.finish(["bet?s"])


def test_a_tensor_that_is_not_there_has_the_name_of_the_file() -> None:
    found = source().take("model.diffusion_model.")
    with pytest.raises(
        ModelError,
        match=r"runs/last\.ckpt: 'model\.diffusion_model\.out\.3\.bias' is missing, .*download both",
    ):
        named({"out.3.bias": (2,)}, found, str)
    with pytest.raises(ModelError, match=r"'model\.diffusion_model\.none' is missing"):
        source().take("model.diffusion_model.", "none")


def test_a_part_of_a_part_keeps_the_name_of_the_file() -> None:
    plain, own = split(source().take("model."), "*.weight")
    assert list(own) == ["diffusion_model.out.2.weight"]
    short = plain.cut("diffusion_model.out.")
    with pytest.raises(
        ModelError, match=r"'model\.diffusion_model\.out\.2\.bias' has shape \[2\], .* is \[3\]"
    ):
        named({"2.bias": (3,)}, short, str)
    with pytest.raises(
        ModelError, match=r"'model\.diffusion_model\.out\.2\.bias' has no place in the network"
    ):
        named({}, short, str)


def test_as_many_values_in_another_shape_are_no_weights() -> None:
    square = Tensors({"a": torch.arange(6.0).reshape(2, 3)}, "a.ckpt")
    for shape in ((3, 2), (6,), (1, 2, 3), (2, 3, 1), (1, 1, 2, 3), (2, 1, 3, 1)):
        with pytest.raises(
            ModelError, match=r"a\.ckpt: 'a' has shape \[2, 3\], and the settings make a network"
        ):
            named({"a": shape}, square, str)
    assert named({"a": (2, 3, 1, 1)}, square, str)["a"].shape == (2, 3, 1, 1)


def test_averages_have_the_names_of_what_they_average() -> None:
    found = source()
    raw, average = found.take("model.diffusion_model."), found.take("model_ema.")
    means = averaged(average, raw)
    assert means["out.2.bias"].tolist() == [3.0, 4.0]
    assert torch.equal(means["out.2.weight"], VALUES["model_ema.diffusion_modelout2weight"])
    # An error in what follows names the averaged tensor.
    with pytest.raises(ModelError, match=r"'model_ema\.diffusion_modelout2bias' has shape \[2\]"):
        named({"out.2.bias": (5,), "out.2.weight": (2, 3)}, means, str)


def test_an_average_that_is_missing_left_over_or_meant_twice() -> None:
    raw = source().take("model.diffusion_model.")
    average = source().take("model_ema.")
    lacking = average.only(average.keys() - {"diffusion_modelout2bias"})
    with pytest.raises(
        ModelError, match=r"'model_ema\.diffusion_modelout2bias' is missing, the average of 'out\.2\.bias'"
    ):
        averaged(lacking, raw)
    with pytest.raises(
        ModelError, match=r"'model_ema\.diffusion_modelout2weight' is the average of no weight"
    ):
        averaged(average, ["out.2.bias"])
    with pytest.raises(ModelError, match=r"is the average of both 'out\.2\.bias' and 'out2\.bias'"):
        averaged(average, [*raw, "out2.bias"])
