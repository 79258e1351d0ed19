import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geoinfinite.evaluation import Judge, csmask_judge, galileo_judge, geoembed_judge
from geoinfinite.evaluation import sentinel as galileo
from geoinfinite.evaluation.clouds import TENSOR, UNIT, encoder, four_bands

ENCODER = os.environ.get("GEOINFINITE_GALILEO", "")


def pictures(count: int, height: int = 64, width: int = 96, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, height, width), np.uint8)


def corners(counts: np.ndarray) -> np.ndarray:
    """Features that tell pictures, bands and places apart."""
    return np.stack([counts[:, 0, 0, 0], counts[:, 1, 0, -1], counts[:, 2, -1, 0]], 1)


def test_a_judge_sees_pictures_in_their_order() -> None:
    shown = pictures(19)
    found = Judge("corners", (1, 10), 32, corners).features(shown)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, corners(shown))


def test_a_judge_knows_the_resolutions_that_it_was_trained_on() -> None:
    judge = Judge("corners", (0.1, 0.6), 8, corners)
    assert [judge.knows(gsd) for gsd in (0.05, 0.1, 0.45, 0.6, 10)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (np.zeros((2, 4, 64, 64)), "pictures has 4 bands, but corners takes 3; choose red, green, blue"),
        (np.zeros((2, 3, 64, 72)), "pictures is 64 x 72 px, but corners takes multiples of 32; cut them"),
        (np.zeros((64, 64)), r"pictures has shape \(64, 64\)"),
    ],
)
def test_pictures_that_a_judge_cannot_see_are_refused(shown: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Judge("corners", (1, 10), 32, corners).features(shown)


@pytest.mark.parametrize(
    ("package", "judge"),
    [("geoembed", geoembed_judge), ("ukis_csmask", csmask_judge)],
)
def test_the_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, judge: Callable[[], Judge]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ValueError, match=rf"{judge.__name__}\(\) needs {package}.*pip install 'geoinfinite\[judges\]'"
    ):
        judge()


def packaged(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> Path:
    """A package that is found and cannot be run."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise RuntimeError('nothing of the package is run')\n")
    return folder / name


class Residual(nn.Module):
    """The basic block as a module, to compare with."""

    def __init__(self, given: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, channels, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        if stride != 1 or given != channels:
            self.short = nn.Sequential(
                nn.Conv2d(given, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + (self.short(x) if hasattr(self, "short") else x))


def residual_network() -> nn.Sequential:
    torch.manual_seed(5)
    network = nn.Sequential()
    network.add_module(
        "stem", nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    )
    for stage, (given, channels, stride) in enumerate(((4, 4, 1), (4, 6, 2), (6, 8, 2)), 1):
        blocks = nn.Sequential(Residual(given, channels, stride), Residual(channels, channels, 1))
        network.add_module(f"layer{stage}", blocks)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            spread = (
                torch.rand(value.shape) + 0.5 if "running_var" in name else 0.4 * torch.randn(value.shape)
            )
            value.copy_(spread)
    return network.eval()


def test_the_layers_of_geoembed_are_those_of_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = residual_network()
    weights = {f"bb.{name}": value.numpy() for name, value in network.state_dict().items()}
    folder = packaged(monkeypatch, tmp_path, "geoembed")
    (folder / "weights").mkdir()
    np.savez(folder / "weights" / "v3.npz", embed_dim=np.array([2]), **weights)
    shown = pictures(3, 24, 40)
    with torch.no_grad():
        expected = network(torch.from_numpy(shown).float() / 127.5 - 1).mean((2, 3)).numpy()
    np.testing.assert_allclose(geoembed_judge().features(shown), expected, rtol=1e-4, atol=1e-5)


def transformer(weights: dict[str, Tensor], depth: int) -> nn.TransformerEncoder:
    """torch's own encoder with the weights of an encoder of Galileo."""
    layer = nn.TransformerEncoderLayer(
        galileo.WIDTH, galileo.HEADS, 2 * galileo.WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False).eval()
    state: dict[str, Tensor] = {}
    names = {
        "norm1": "norm1",
        "norm2": "norm2",
        "mlp.fc1": "linear1",
        "mlp.fc2": "linear2",
        "attn.proj": "self_attn.out_proj",
    }
    for index in range(depth):
        for theirs, own in names.items():
            for kind in ("weight", "bias"):
                state[f"layers.{index}.{own}.{kind}"] = weights[f"blocks.{index}.{theirs}.{kind}"]
        for kind in ("weight", "bias"):
            parts = [weights[f"blocks.{index}.attn.{part}.{kind}"] for part in "qkv"]
            state[f"layers.{index}.self_attn.in_proj_{kind}"] = torch.cat(parts)
    encoder.load_state_dict(state)
    return encoder


def galileo_weights(depth: int = 2) -> dict[str, Tensor]:
    """Random weights under the names of the nano encoder."""
    generator = torch.Generator().manual_seed(7)
    width = galileo.WIDTH
    shapes = {
        "space_time_embed.S2_RGB.proj.weight": (width, 3, 8, 8),
        "space_time_embed.S2_RGB.proj.bias": (width,),
    }
    shapes |= {"s_t_channel_embed": (7, 32), "pos_embed": (24, 32), "month_embed.weight": (12, 32)}
    for index in range(depth):
        linear = {f"attn.{part}": (width, width) for part in ("q", "k", "v", "proj")}
        linear |= {"mlp.fc1": (2 * width, width), "mlp.fc2": (width, 2 * width)}
        for name, shape in linear.items():
            shapes |= {f"blocks.{index}.{name}.weight": shape, f"blocks.{index}.{name}.bias": shape[:1]}
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{index}.{name}.weight": (width,), f"blocks.{index}.{name}.bias": (width,)}
    return {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def test_the_blocks_of_galileo_are_those_of_torch() -> None:
    weights, shallow = galileo_weights(2), galileo_weights(0)
    bands = galileo.normalised(torch.from_numpy(pictures(2, 32, 32)).float())
    with torch.no_grad():
        expected = transformer(weights, 2)(galileo.encoded(shallow, bands))
    torch.testing.assert_close(galileo.encoded(weights, bands), expected, rtol=1e-4, atol=1e-4)


def test_a_smaller_filter_undoes_the_resizing_of_a_patch() -> None:
    small = torch.randn(4, 4, generator=torch.Generator().manual_seed(8))
    # The filter of 8 px that answers to any patch as `small` does to the patch's half size.
    every = torch.eye(64).view(64, 1, 8, 8)
    halves = nn.functional.interpolate(every, (4, 4), mode="bicubic", antialias=True)
    large = (halves * small).sum((1, 2, 3))
    torch.testing.assert_close(large @ galileo._smaller(), small.flatten(), rtol=1e-4, atol=1e-4)


def test_windows_are_cut_row_by_row() -> None:
    rows, columns = np.mgrid[:64, :96]
    picture = torch.from_numpy(rows // 32 * 3 + columns // 32).float()
    windows = galileo.windows(torch.stack([picture, picture + 10])[:, None])
    assert windows.shape == (12, 1, 32, 32)
    assert windows.mean((1, 2, 3)).tolist() == [*range(6), *range(10, 16)]
    assert windows.var((1, 2, 3)).max() == 0


def test_bands_reach_galileo_as_blue_green_red_of_reflectance() -> None:
    counts = torch.zeros(1, 3, 32, 32)
    # Red whose reflectance is the mean of the training data.
    counts[:, 0] = 1343.10 / 3558 * 255
    blue, green, red = galileo.normalised(counts)[0, :, 5, 9].tolist()
    assert red == pytest.approx(0.5)
    assert blue == pytest.approx(0.5 - 1395.34 / (4 * 917.70), abs=1e-5)
    assert green == pytest.approx(0.5 - 1338.40 / (4 * 913.30), abs=1e-5)


def test_files_that_are_no_encoder_of_galileo_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weights='nowhere.pt' does not exist; clone .*nano/encoder.pt"):
        galileo_judge("nowhere.pt")
    other = tmp_path / "other.pt"
    torch.save({"layer.weight": torch.zeros(3)}, other)
    with pytest.raises(ValueError, match=r"other.pt' is not an encoder of Galileo; name its encoder.pt"):
        galileo_judge(other)
    torch.save(galileo_weights(1) | {"space_time_embed.S2_RGB.proj.weight": torch.zeros(192, 3, 8, 8)}, other)
    with pytest.raises(
        ValueError, match=r"patches of shape \(192, 3, 8, 8\), but the nano encoder's are \(128, "
    ):
        galileo_judge(other)
    other.write_bytes(b"no pickle")
    with pytest.raises(ValueError, match=r"other.pt' is not an encoder of Galileo"):
        galileo_judge(other)


def test_the_features_of_a_picture_are_the_mean_of_its_windows(tmp_path: Path) -> None:
    torch.save(galileo_weights(1), tmp_path / "encoder.pt")
    judge, shown = galileo_judge(tmp_path / "encoder.pt"), pictures(1, 32, 96)
    apart = [judge.features(shown[..., at : at + 32]) for at in (0, 32, 64)]
    np.testing.assert_allclose(judge.features(shown), np.mean(apart, axis=0), atol=1e-5)


@pytest.mark.skipif(not ENCODER, reason="GEOINFINITE_GALILEO does not name the encoder.pt of Galileo nano")
def test_galileo_gives_the_numbers_of_its_own_code() -> None:
    weights = galileo.read_weights(Path(ENCODER))
    shown = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.float32)
    tokens = galileo.encoded(weights, galileo.normalised(torch.from_numpy(shown)))
    normed = galileo._normed(weights, "norm", tokens)
    # Printed by single_file_galileo.py of the project for the same picture, patch_size=4, in June.
    assert normed[1, 37, :4].tolist() == pytest.approx([-0.0560, 0.0373, 0.0879, 0.0472], abs=1e-4)


def small_unet() -> object:
    """A graph with the tensor that is cut at, and more behind it; the picture's size is fixed."""
    onnx = pytest.importorskip("onnx")
    weight = np.random.default_rng(9).normal(size=(5, 4, 1, 1)).astype(np.float32)
    scales = np.array([1, 1, 2, 2], np.float32)
    nodes = [
        onnx.helper.make_node("Conv", ["input", "weight"], ["folded"]),
        onnx.helper.make_node("Relu", ["folded"], [TENSOR]),
        onnx.helper.make_node("Resize", [TENSOR, "", "scales"], ["output"]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "unet",
        [value("input", 1, ["batch", 4, 256, 256])],
        [value("output", 1, ["batch", 5, 512, 512])],
        [onnx.numpy_helper.from_array(weight, "weight"), onnx.numpy_helper.from_array(scales, "scales")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return model, weight


def test_the_graph_of_csmask_is_cut_and_takes_any_size(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    model, weight = small_unet()
    folder = packaged(monkeypatch, tmp_path, "ukis_csmask")
    (folder / "model_4b_l1c.onnx").write_bytes(model.SerializeToString())
    mean, deviation = [0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.2, 0.1]
    described = {"data": {"dataset_statistics": {"img": [mean, deviation]}}}
    (folder / "model_4b_l1c.json").write_text(json.dumps(described))
    shown = pictures(3, 16, 40)
    red, green, blue = np.moveaxis(shown * 0.3558 / 255, 1, 0)
    bands = np.stack([blue, green, red, (red + green + blue) / 3], -1)
    expected = np.maximum((bands - mean) / deviation @ weight[:, :, 0, 0].T, 0).mean((1, 2)) / UNIT
    np.testing.assert_allclose(csmask_judge().features(shown), expected, rtol=1e-4)


def test_a_graph_of_another_version_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model, _ = small_unet()
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(
        ValueError, match=r"model.onnx has no tensor 'deep'.*pip install 'ukis-csmask>=1.0,<2'"
    ):
        encoder(tmp_path / "model.onnx", "deep")
    cut = onnx.load_from_string(encoder(tmp_path / "model.onnx"))
    assert [node.op_type for node in cut.graph.node] == ["Conv", "Relu"]
    assert [tensor.name for tensor in cut.graph.initializer] == ["weight"]


def test_the_pseudo_near_infrared_is_the_mean_of_the_others() -> None:
    counts = np.array([255, 51, 102], np.float32).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(four_bands(counts).ravel() / 0.3558, [0.4, 0.2, 1.0, 1.6 / 3], rtol=1e-6)
