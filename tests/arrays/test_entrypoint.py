"""The xarray engine: files, trees, guesses."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from geoinfinite.arrays import level_array, level_tree
from geoinfinite.arrays.entrypoint import GeoInfiniteEntrypoint
from geoinfinite.errors import WindowError, WorldError
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe


@pytest.fixture
def path(patch: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "patch.toml"
    path.write_text(worldfile.dump(patch))
    return path


@pytest.mark.parametrize("chunks", [None, {}, "auto", {"x": -1}])
def test_a_level_of_a_file(patch: Recipe, path: Path, chunks) -> None:
    ds = xr.open_dataset(path, engine=GeoInfiniteEntrypoint, level=1, chunks=chunks)
    assert list(ds.data_vars) == ["image"]
    assert (ds.image.chunks is None) == (chunks is None)
    xr.testing.assert_identical(ds.image.compute(), level_array(patch, 1).compute())
    part = ds.image.isel(x=slice(3, 50)).chunk({"x": 20})
    assert part.chunks == ((3,), (80,), (20, 20, 7))
    assert (part.values == level_array(patch, 1).values[:, :, 3:50]).all()


def test_the_default_level_is_the_root(path: Path, patch: Recipe) -> None:
    ds = xr.open_dataset(str(path), engine=GeoInfiniteEntrypoint)
    assert ds.image.attrs["geoinfinite_level"] == 0
    assert (ds.image.values == patch.root.read(patch.grid.full(0))).all()
    assert "spatial_ref" not in xr.open_dataset(
        path, engine=GeoInfiniteEntrypoint, drop_variables="spatial_ref"
    )


def test_a_bundled_world_by_name() -> None:
    assert xr.open_dataset("analytic", engine=GeoInfiniteEntrypoint, level=2).sizes["x"] == 86400


def test_trees(patch: Recipe, path: Path) -> None:
    tree = xr.open_datatree(path, engine=GeoInfiniteEntrypoint)
    assert [node.path for node in tree.leaves] == ["/0", "/1", "/2", "/3"]
    xr.testing.assert_identical(
        tree["/1"].to_dataset().compute(), level_tree(patch)["/1"].to_dataset().compute()
    )
    assert xr.open_datatree(path, engine=GeoInfiniteEntrypoint, chunks={})["/2/image"].chunks is not None
    groups = xr.open_groups(path, engine=GeoInfiniteEntrypoint)
    assert list(groups) == ["/", "/0", "/1", "/2", "/3"]
    region = tree.sel(x=slice(413_000, 414_000), y=slice(5_207_000, 5_206_000))
    assert [region[f"/{n}/image"].shape for n in range(3)] == [(3, 4, 4), (3, 14, 14), (3, 54, 54)]


def test_guesses(path: Path, tmp_path: Path) -> None:
    guess = GeoInfiniteEntrypoint().guess_can_open
    assert guess(path)
    assert guess(str(path))
    others = {
        "pyproject.toml": '[project]\nname = "x"',
        "root.toml": '[root]\nsource = "x"',
        "broken.toml": "[root",
        "world.txt": path.read_text(),
        "long.toml": path.read_text() + "#" * 2**16,
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        assert not guess(tmp_path / name)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert not any(map(guess, [tmp_path / "binary.toml", tmp_path / "absent.toml", tmp_path, 3, b"x.toml"]))


@pytest.mark.parametrize("level", [4, -1])
def test_levels_that_do_not_exist(path: Path, level: int) -> None:
    with pytest.raises(WindowError, match=rf"level={level} does not exist: .* levels 0 to 3"):
        xr.open_dataset(path, engine=GeoInfiniteEntrypoint, level=level)


@pytest.mark.parametrize("level", ["1", 1.0, True])
def test_levels_that_are_no_integers(path: Path, level) -> None:
    with pytest.raises(WindowError, match=r"level=.* is not an integer; take 0 to 3"):
        xr.open_dataset(path, engine=GeoInfiniteEntrypoint, level=level)


def test_a_file_with_an_unknown_key(path: Path) -> None:
    path.write_text(path.read_text().replace("seed", "sed"))
    with pytest.raises(WorldError, match=r"patch\.toml: world\.sed is not a key; did you mean world\.seed"):
        xr.open_dataset(path, engine=GeoInfiniteEntrypoint)


def test_the_engine_is_registered_once_installed() -> None:
    ours = [e for e in entry_points(group="xarray.backends") if e.name == "geoinfinite"]
    assert all(issubclass(e.load(), GeoInfiniteEntrypoint) for e in ours)


def test_numpy_integers_are_levels(path: Path) -> None:
    ds = xr.open_dataset(path, engine=GeoInfiniteEntrypoint, level=np.int64(1))
    assert type(ds.image.attrs["geoinfinite_level"]) is int
