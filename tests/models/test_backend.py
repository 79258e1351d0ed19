"""What a backend cannot evaluate is refused when a world is made, with a remedy that works."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import latents
import pytest
import told_checkpoints
from pages import REPOSITORY

from geoinfinite.errors import ModelError
from geoinfinite.models import from_pretrained
from geoinfinite.models.reference import ModelReference
from geoinfinite.recipe.recipe import Numerics
from geoinfinite.stores.identity import numerics_profile
from geoinfinite.world import World

BUNDLED = "bundled:earth-small"
TO_TORCH = r', or set model\.backend = "torch"$'


def test_the_default_is_torch() -> None:
    assert ModelReference(BUNDLED).backend == from_pretrained(BUNDLED).backend == "torch"
    assert World.load("earth").model.backend == "torch"


def test_a_backend_that_does_not_exist() -> None:
    with pytest.raises(ModelError, match=r"^model\.backend='onx' is not one of torch, onnx$"):
        ModelReference(BUNDLED, backend="onx")
    with pytest.raises(ModelError, match=r"^model\.backend=3 is not one of torch, onnx$"):
        ModelReference(BUNDLED, backend=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_dtype_that_the_backend_does_not_compute_in(dtype: str) -> None:
    rule = rf"""^model\.dtype='{dtype}' is not what model\.backend="onnx" computes in"""
    with pytest.raises(ModelError, match=rf'{rule}; set model\.dtype = "float32"{TO_TORCH}'):
        ModelReference(BUNDLED, dtype, backend="onnx")
    assert ModelReference(BUNDLED, "float32", backend="onnx").facts().bands == 3
    assert ModelReference(BUNDLED, dtype, backend="torch").facts().bands == 3


def test_a_device_on_which_the_backend_does_not_compute() -> None:
    earth = World.load("earth")
    on_cuda: dict[str, Any] = {"numerics": Numerics(device="cuda")}
    rule = r"""^numerics\.device='cuda' is not where model\.backend="onnx" computes"""
    remedy = rf'; set numerics\.device = "cpu"{TO_TORCH}'
    model = replace(earth.model, backend="onnx")
    with pytest.raises(ModelError, match=rule + remedy):
        earth.replace(model=model, **on_cuda)
    with pytest.raises(ModelError, match=rule + remedy):
        earth.replace(**on_cuda).replace_level(3, model=model)
    with pytest.raises(ModelError, match=rule + remedy):
        model.load("cuda")
    assert earth.replace(model=model, numerics=Numerics(device="cpu")).model.backend == "onnx"
    assert earth.replace(model=replace(model, backend="torch"), **on_cuda).numerics.device == "cuda"


def analytic(_: Path) -> str:
    return "analytic:gaussian"


def latent(place: Path) -> str:
    return str(latents.write(place, latents.unet(7, 4), vae=latents.kl()))


def conditional(place: Path) -> str:
    return str(told_checkpoints.write(place))


def slotted(place: Path) -> str:
    slots = [{"name": "biome", "kind": "embedding", "channels": 8}]
    return str(latents.write(place, latents.unet(2, 2), sidecar={"slots": slots}))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (analytic, "has no network"),
        (latent, "draws latents"),
        (conditional, "is a UNet2DConditionModel"),
        (slotted, "has slots, such as 'biome'"),
    ],
)
def test_a_model_that_the_backend_does_not_evaluate(make: Any, found: str, tmp_path: Path) -> None:
    ref = make(tmp_path)
    rule = r'^model\.backend="onnx" evaluates networks of pixels without slots, and model\.ref='
    with pytest.raises(ModelError, match=rf'{rule}.*{found}; set model\.backend = "torch"$'):
        from_pretrained(ref, backend="onnx")
    assert from_pretrained(ref, backend="torch").ref == ref


@pytest.mark.parametrize("lacking", ["onnx", "onnxruntime", "onnxscript"])
def test_without_the_extra_its_name_is_said_before_anything_is_drawn(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earth = World.load("earth")
    world = earth.replace(model=replace(earth.model, backend="onnx"))
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, lacking, None)
    rule = r'^model\.backend="onnx" needs (\w+, )*' + lacking
    remedy = r"(, \w+)*, not installed here: pip install 'geoinfinite\[onnx\]'" + TO_TORCH
    for act in (lambda: world.model.load("cpu"), lambda: numerics_profile(world)):
        with pytest.raises(ModelError, match=rule + remedy):
            act()
    assert world.token != earth.token
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert lacking in {name.partition(">")[0] for name in project["optional-dependencies"]["onnx"]}
