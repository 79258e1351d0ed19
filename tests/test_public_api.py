"""The public names, and what importing them costs."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import geoinfinite as gi

NAMES = {
    "World",
    "Grid",
    "Window",
    "ReadBudget",
    "generate",
    "generate_each",
    "generate_many",
    "plan",
    "resume",
    "verify",
    "chips",
    "conditions",
    "models",
    "samplers",
}


def test_the_public_names() -> None:
    assert set(gi.__all__) == NAMES
    assert all(getattr(gi, name) is not None for name in NAMES)


def test_every_public_name_is_described() -> None:
    assert all(getattr(gi, name).__doc__ for name in NAMES)


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_every_public_name_is_listed_by_dir() -> None:
    assert set(dir(gi)) >= NAMES


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'geoinfinite' has no attribute 'wolrd'"):
        gi.wolrd  # noqa: B018


def test_importing_imports_nothing_but_itself() -> None:
    code = """if True:
        import sys
        before = {*sys.modules, *sys.stdlib_module_names}
        import geoinfinite
        print(*(name for name in sys.modules if name.partition(".")[0] not in before))
    """
    assert run(code) == "geoinfinite"


def test_no_public_name_needs_a_network_or_plots() -> None:
    code = f"""if True:
        import sys, geoinfinite
        for name in {sorted(NAMES)}:
            getattr(geoinfinite, name)
            print(name, *({{"torch", "diffusers", "matplotlib", "cupy"}} & {{*sys.modules}}))
    """
    assert run(code).split("\n") == sorted(NAMES)


@pytest.mark.parametrize(
    "array",
    [
        "__import__('geoinfinite').World.load('analytic').array(level=1)",
        "xr.open_dataset('analytic', engine='geoinfinite', level=1).image",
        "pickle.loads(open('pickled', 'rb').read())",
    ],
)
def test_every_way_to_an_array_brings_the_accessor(array: str, tmp_path: Path) -> None:
    (tmp_path / "pickled").write_bytes(pickle.dumps(gi.World.load("analytic").array(level=1)))
    imports = f"import os, pickle, xarray as xr; os.chdir({str(tmp_path)!r})"
    code = f"{imports}; print({array}.geoinfinite.plan().level)"
    assert run(code) == "1"
