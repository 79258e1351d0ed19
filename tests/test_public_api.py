"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import geoinfinite as gi

NAMES = {"World", "Grid", "Window", "generate", "plan", "resume", "verify", "models", "samplers"}


def test_the_public_names() -> None:
    assert set(gi.__all__) == NAMES
    assert all(getattr(gi, name) is not None for name in NAMES)


def test_every_public_name_is_described() -> None:
    assert all(getattr(gi, name).__doc__ for name in NAMES)


def test_importing_needs_no_network_and_no_plots() -> None:
    heavy = "{'torch', 'diffusers', 'matplotlib', 'cupy'}"
    code = f"import sys, geoinfinite; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
