"""What else decides the last bits: it is kept in the store, and another profile is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import store_jobs

from geoinfinite.errors import StoreError
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.identity import Header, numerics_profile
from geoinfinite.stores.layout import read_header
from geoinfinite.stores.manifest import begin
from geoinfinite.stores.objects import open_objects
from geoinfinite.stores.writing import resume_store, write_zarr

PROFILE = """
import json
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.identity import numerics_profile
print(json.dumps(numerics_profile(worldfile.load("earth", Recipe))))
"""


def test_the_instruction_set_in_use_is_part_of_the_profile() -> None:
    env = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    done = subprocess.run(
        [sys.executable, "-c", PROFILE], env=env, check=True, capture_output=True, text=True
    )
    there, here = json.loads(done.stdout), numerics_profile(worldfile.load("earth", Recipe))
    assert there["cpu_capability"] == "DEFAULT"
    assert there["onednn_max_cpu_isa"] == "SSE41"
    assert here["cpu_capability"] != "DEFAULT"
    assert "onednn_max_cpu_isa" not in here


def test_a_world_without_a_network_does_not_ask_torch(ring: Recipe) -> None:
    assert numerics_profile(ring).keys() == {"machine", "device", "numpy", "simd"}


def test_other_numerics_are_refused(ring: Recipe, tmp_path: Path) -> None:
    plan, store = store_jobs.crossing(ring), tmp_path / "a.zarr"
    ours = numerics_profile(ring)
    begin(open_objects(store), plan, Header.of(plan, {**ours, "numpy": "99.0", "cpu_capability": "AVX2"}))
    said = (
        rf"begun on other numerics, .*: cpu_capability = AVX2 in the store, None here; "
        rf"numpy = 99.0 in the store, {np.__version__} here; finish it on the same, or start a new store"
    )
    for touch in (lambda: write_zarr(plan, store), lambda: resume_store(store)):
        with pytest.raises(StoreError, match=said):
            touch()
    assert store_jobs.records(store) == []


def test_a_header_comes_back_as_it_was(ring: Recipe, tmp_path: Path) -> None:
    plan = store_jobs.crossing(ring)
    header = Header.of(plan, numerics_profile(ring))
    objects = open_objects(tmp_path / "a.zarr")
    begin(objects, plan, header)
    assert read_header(objects) == header
    assert [(cut.group, cut.rows, cut.columns) for cut in header.cuts] == [
        ("parents/1", 1, 2),
        ("2", 3, 5),
    ]
    assert header.plan(objects.url) == plan
