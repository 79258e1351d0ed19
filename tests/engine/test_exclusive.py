"""Only calls of a network hold the lock of its device."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from geoinfinite.engine.exclusive import ExclusiveCalls


class Watched:
    """A bound model that notes in which of its calls the lock is held."""

    def __init__(self, lock: threading.Lock) -> None:
        self.lock, self.held = lock, set[str]()

    def _note(self, name: str, value: np.ndarray) -> np.ndarray:
        if self.lock.locked():
            self.held.add(name)
        return value

    def state(self, field: np.ndarray) -> np.ndarray:
        return self._note("state", field)

    def field(self, x: np.ndarray) -> np.ndarray:
        return self._note("field", x)

    def denoise(self, x: np.ndarray, sigma: float) -> np.ndarray:
        return self._note("denoise", x)

    def image(self, x0: np.ndarray) -> np.ndarray:
        return self._note("image", x0)

    def encode(self, image: np.ndarray) -> np.ndarray:
        return self._note("encode", image)


@pytest.mark.parametrize(
    ("has_autoencoder", "alone"), [(False, {"denoise"}), (True, {"denoise", "image", "encode"})]
)
def test_the_lock_is_held_while_a_network_computes_and_no_longer(
    has_autoencoder: bool, alone: set[str]
) -> None:
    lock, x = threading.Lock(), np.arange(6.0)
    watched = Watched(lock)
    bound = ExclusiveCalls(watched, lock, has_autoencoder)
    for answer in (bound.state(x), bound.field(x), bound.denoise(x, 1.0), bound.image(x), bound.encode(x)):
        assert answer is x
    assert watched.held == alone
    assert not lock.locked()
