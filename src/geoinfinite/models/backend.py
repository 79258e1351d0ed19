"""The backend of a model: what evaluates its network, ``model.backend`` of a world file."""

from __future__ import annotations

from importlib.util import find_spec

from geoinfinite.errors import ModelError
from geoinfinite.models.diffusers.folder import Checkpoint
from geoinfinite.models.diffusers.told_facts import CONDITIONED
from geoinfinite.models.schema import shortened

TORCH, ONNX = BACKENDS = ("torch", "onnx")
NEEDED = ("onnx", "onnxruntime", "onnxscript")
"""What the backend ``onnx`` needs; their versions decide the last bits of what it draws."""
REMEDY = 'set model.backend = "torch"'


def check_backend(backend: str, dtype: str) -> None:
    """Raise `ModelError` for a backend that does not exist, or that does not compute in a dtype."""
    if backend not in BACKENDS:
        raise ModelError(f"model.backend={shortened(backend)} is not one of {', '.join(BACKENDS)}")
    if backend == ONNX and dtype != "float32":
        raise ModelError(
            f'model.dtype={dtype!r} is not what model.backend="onnx" computes in; set model.dtype = '
            f'"float32", or {REMEDY}'
        )


def check_network(backend: str, ref: str, checkpoint: Checkpoint | None, *, formula: bool = False) -> None:
    """Raise `ModelError` unless a backend evaluates a kind of model.

    ``checkpoint`` is ``None`` for a network of the bundled kinds, and for a ``formula``, which is none.
    """
    if backend != ONNX:
        return
    found = ""
    if formula:
        found = "has no network"
    elif checkpoint is not None and checkpoint.network.name == CONDITIONED:
        found = f"is a {CONDITIONED}"
    elif checkpoint is not None and checkpoint.autoencoder is not None:
        found = "draws latents"
    elif checkpoint is not None and checkpoint.facts.slots:
        found = f"has slots, such as {checkpoint.facts.slots[0].name!r}"
    if found:
        raise ModelError(
            f'model.backend="onnx" evaluates networks of pixels without slots, and model.ref='
            f"{shortened(ref, 200)} {found}; {REMEDY}"
        )


def check_device(backend: str, device: str) -> None:
    """Raise `ModelError` unless a backend computes on a device."""
    if backend == ONNX and device != "cpu":
        raise ModelError(
            f'numerics.device={device!r} is not where model.backend="onnx" computes; set numerics.device = '
            f'"cpu", or {REMEDY}'
        )


def check_installed(backend: str) -> None:
    """Raise `ModelError` that names the extra unless what a backend needs is installed."""
    lacking = [name for name in NEEDED if backend == ONNX and find_spec(name) is None]
    if lacking:
        raise ModelError(
            f'model.backend="onnx" needs {", ".join(lacking)}, not installed here: '
            f"pip install 'geoinfinite[onnx]', or {REMEDY}"
        )
