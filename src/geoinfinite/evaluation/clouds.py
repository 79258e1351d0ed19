"""The encoder of ukis-csmask, cut out of the graph in its package and run by ONNX Runtime on one thread.

It is cut where the side is an eighth. Its deepest tensor, at a 32nd, does not tell real pictures from
enlarged ones: 64 crops of Landsat against 64 others gave 0.000, enlarged ones -0.002, ones of random phase
0.24.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoinfinite.evaluation.images import EvaluationError
from geoinfinite.evaluation.packages import folder, module

MODEL = "model_4b_l1c"
TENSOR = "/model/encoder/_blocks.9/Add_output_0"
UNIT = 3.0
"""Root mean square of the tensor for real pictures of Landsat, so that the features are of the size of 1."""
REFLECTANCE_OF_COUNT = 0.3558 / 255
"""Reflectance per count: the scale of Sentinel-2's true-colour images; a picture of Landsat has no other."""
ASKED = "csmask_judge()"


def csmask_network() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the function from RGB ``(image, 3, y, x)`` in counts to ``(image, 56)``."""
    path = folder("ukis_csmask", ASKED) / f"{MODEL}.onnx"
    described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    mean, deviation = np.array(described["data"]["dataset_statistics"]["img"], np.float32)[..., None, None]
    session = _session(encoder(path))
    given = session.get_inputs()[0].name

    def features(counts: NDArray[np.float32]) -> NDArray[np.float32]:
        bands = (four_bands(counts) - mean) / deviation
        found = session.run(None, {given: bands.astype(np.float32)})[0]
        return np.asarray(found.astype(np.float32).mean((2, 3)) / UNIT)

    return features


def four_bands(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return reflectance of blue, green, red and near infrared ``(image, 4, y, x)``.

    The last is the mean of the others.
    """
    reflectance = counts[:, ::-1] * REFLECTANCE_OF_COUNT
    return np.concatenate([reflectance, reflectance.mean(1, keepdims=True)], 1)


def encoder(path: Path, tensor: str = TENSOR) -> bytes:
    """Return a graph up to one of its tensors, for any number and size of pictures."""
    onnx = module("onnx", ASKED)
    model = onnx.load(path)
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    if tensor not in made_by:
        raise EvaluationError(
            f"{path.name} has no tensor {tensor!r}, so it is of another version; "
            "pip install 'ukis-csmask>=1.0,<2'"
        )
    needed: set[str] = set()
    wanted = [tensor]
    while wanted:
        name = wanted.pop()
        if name in made_by and name not in needed:
            needed.add(name)
            wanted.extend(made_by[name].input)
    _keep(graph.node, lambda node: not needed.isdisjoint(node.output))
    used = {name for node in graph.node for name in node.input}
    _keep(graph.initializer, lambda item: item.name in used)
    del graph.output[:], graph.value_info[:]
    graph.output.append(onnx.ValueInfoProto(name=tensor))
    for axis in (0, 2, 3):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"any{axis}"
    return bytes(model.SerializeToString())


def _keep(items: Any, wanted: Callable[[Any], bool]) -> None:
    chosen = [item for item in items if wanted(item)]
    del items[:]
    items.extend(chosen)


def _session(model: bytes) -> Any:
    runtime = module("onnxruntime", ASKED)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
