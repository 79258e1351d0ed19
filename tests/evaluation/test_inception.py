import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from geoinfinite import evaluation

SETS = np.zeros((4, 3, 20, 30)), np.full((5, 3, 20, 30), 300.0)


@pytest.mark.parametrize(
    "metric", [evaluation.frechet_inception_distance, evaluation.kernel_inception_distance]
)
def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, metric: Callable[..., float]) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(ValueError, match=r"'w.pth': \w+ needs torchmetrics.*pip install 'torchmetrics"):
        metric(*SETS, "w.pth")


def test_pictures_of_other_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="drawn has 4 bands, but Inception takes 3"):
        evaluation.frechet_inception_distance(np.zeros((2, 4, 9, 9)), SETS[1], "w.pth")


def test_torchmetrics_is_given_bytes_and_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, str, int, int]] = []

    class Fake:
        def __init__(self, **options: object) -> None:
            assert options == {"feature_extractor_weights_path": "w.pth", "subset_size": 4}

        def update(self, images: object, real: bool) -> None:
            values = np.asarray(images)
            seen.append((real, str(values.dtype), len(values), int(values.max())))

        def compute(self) -> tuple[float, float]:
            return 0.25, 0.01

    module = ModuleType("torchmetrics.image.kid")
    module.__dict__["KernelInceptionDistance"] = Fake
    fakes = {
        "torchmetrics": SimpleNamespace(),
        "torchmetrics.image": SimpleNamespace(),
        module.__name__: module,
    }
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, name, fake)
    assert evaluation.kernel_inception_distance(*SETS, "w.pth", subset=4) == 0.25
    assert seen == [(False, "uint8", 4, 0), (True, "uint8", 5, 255)]
