"""FID and KID through torchmetrics and its Inception weights, if both are there; nothing is downloaded."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from geoinfinite.evaluation.images import EvaluationError, Images, as_stack


def frechet_inception_distance(drawn: Images, real: Images, weights: str) -> float:
    """Return FID between two sets of 8-bit RGB pictures, ``(image, band, y, x)``.

    `weights` is the file of the FID Inception network that torchmetrics takes. Thousands of pictures
    are needed for a stable value. Raises `EvaluationError` when torchmetrics or the file is missing.
    """
    return _measure("fid", "FrechetInceptionDistance", (drawn, real), weights)


def kernel_inception_distance(drawn: Images, real: Images, weights: str, subset: int = 50) -> float:
    """Return KID, the mean over random subsets of `subset` pictures; see `frechet_inception_distance`."""
    return _measure("kid", "KernelInceptionDistance", (drawn, real), weights, subset_size=subset)


def _measure(module: str, name: str, sets: tuple[Images, Images], weights: str, **options: Any) -> float:
    drawn, real = (_bytes(x, n) for x, n in zip(sets, ("drawn", "real"), strict=True))
    try:
        metrics, torch = import_module(f"torchmetrics.image.{module}"), import_module("torch")
        metric = getattr(metrics, name)(feature_extractor_weights_path=weights, **options)
    except (ImportError, OSError) as error:
        raise EvaluationError(
            f"weights={weights!r}: {name} needs torchmetrics, torch-fidelity and the Inception file "
            f"({error}); pip install 'torchmetrics[image]' and give the path of the file"
        ) from error
    for images, is_real in ((drawn, False), (real, True)):
        metric.update(torch.from_numpy(images), real=is_real)
    found = metric.compute()
    return float(found[0] if isinstance(found, tuple) else found)


def _bytes(images: Images, name: str) -> np.ndarray[Any, Any]:
    stack = as_stack(images, name)
    if stack.shape[1] != 3:
        raise EvaluationError(
            f"{name} has {stack.shape[1]} bands, but Inception takes 3; choose red, green, blue"
        )
    return np.clip(np.rint(stack), 0, 255).astype(np.uint8)
