"""What users ran into, once: messages and habits of other libraries that met something unexpected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr

import geoinfinite as gi
from geoinfinite.cli import main
from geoinfinite.errors import StoreError, WorldError

BOUNDS = 7.0, 46.0, 7.3, 46.2


@pytest.fixture
def piece() -> xr.DataArray:
    return gi.World.load("analytic").array(level=1, bounds=BOUNDS)


@pytest.mark.parametrize(
    ("option", "match"),
    [
        (
            {"mode": "w"},
            r"mode='w' is not an option: a store that exists is checked and finished; remove .*resume",
        ),
        ({"group": "2"}, r"group='2' is not an option: every level is a group of its own; name another path"),
        ({"worker": 3}, r"worker=3 is not an option: remove it; .* client, resources, .*, task_limit_s"),
    ],
)
def test_options_of_other_to_zarrs_are_refused_with_what_to_do(
    piece: xr.DataArray, tmp_path: Path, option: dict[str, object], match: str
) -> None:
    with pytest.raises(StoreError, match=match):
        piece.geoinfinite.to_zarr(tmp_path / "a.zarr", **option)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match=match):
        gi.resume(tmp_path / "a.zarr", **option)


def test_the_remedies_for_a_mode_work(piece: xr.DataArray, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    piece.geoinfinite.to_zarr(path, progress=False)
    with pytest.raises(StoreError, match="exists"):
        piece.geoinfinite.to_zarr(path, progress=False, resume=False)
    assert gi.resume(path, progress=False).drawn == 0


def test_what_lies_outside_a_reprojected_array_is_as_the_conventions_say() -> None:
    north = gi.World.load("analytic").array(level=0, bounds=(0, 62, 6, 65))
    warped = north.compute().rio.reproject("EPSG:32632")
    assert warped.rio.nodata == 255
    assert (warped == 255).any()
    of_floats = north.astype("float32").compute().rio.reproject("EPSG:32632")
    assert np.isnan(of_floats.rio.nodata)
    assert of_floats.isnull().any()


def test_verifying_a_damaged_store_says_nothing_on_the_side(
    piece: xr.DataArray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.zarr"
    piece.geoinfinite.to_zarr(path, progress=False)
    shard = max((p for p in path.rglob("c/*/*/*") if p.is_file()), key=lambda p: p.stat().st_size)
    shard.write_bytes(shard.read_bytes()[:-7])
    capfd.readouterr()
    assert main(["verify", str(path)]) == 3
    assert capfd.readouterr().err == ""


def test_drawing_a_finished_store_again_claims_no_speed(
    piece: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["render", "analytic", "--level", "1", "--bbox", "7", "46", "7.3", "46.2", "--out", "a.zarr"]
    assert main(command) == 0
    capfd.readouterr()
    assert main(command) == 0
    said = capfd.readouterr()
    assert "tiles/s" not in said.out + said.err
    assert "nothing drawn" in said.err


def test_many_files_at_once_name_the_bundled_worlds_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("")
    with pytest.raises(
        WorldError, match=r"does not exist; name a \.toml file or a bundled world: analytic, earth$"
    ):
        xr.open_mfdataset(["analytic"], engine="geoinfinite", level=1)
