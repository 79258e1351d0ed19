"""The command line in processes of its own, and what it writes read back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio

RUN = [sys.executable, "-c", "import sys; from geoinfinite.cli import main; sys.exit(main())"]
BBOX = ["--bbox", "-7", "41", "9", "52"]


def read(path: str | Path) -> np.ndarray:
    """Pixels of a picture."""
    with rasterio.open(path) as raster:
        return raster.read()


def default_signals() -> None:
    """For ``preexec_fn``: take signals as a shell in the foreground hands them to a command.

    Where pytest runs in the background of a script, SIGINT is ignored, and its children inherit that.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: str, prefix: list[str] = RUN) -> subprocess.Popen[str]:
    """A command in the foreground, as `default_signals` says."""
    return subprocess.Popen(
        [*prefix, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,
    )


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for a condition, while a process is running."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
        os.sched_yield()
