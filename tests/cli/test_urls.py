"""Stores at URLs: every command that takes a store takes one, with the settings of its service."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pytest
import zarr
from command_line import BBOX, read

from geoinfinite.cli import main
from geoinfinite.engine import generate
from geoinfinite.recipe.recipe import Recipe
from geoinfinite.stores.objects import open_objects

pytest.importorskip("obstore")
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def url() -> str:
    """A place in the memory of this process that nobody else uses."""
    return f"memory://{uuid.uuid4().hex}.zarr"


def pixels(url: str, level: int) -> np.ndarray:
    return zarr.open_array(open_objects(url).zarr_store(), path=f"{level}/image", mode="r")[:]


def test_a_store_at_a_url_is_written_verified_resumed_and_described(
    world: Recipe, url: str, capsys: pytest.CaptureFixture
) -> None:
    render = ["render", "ring.toml", "--level", "2", *BBOX, "--out", url, "--out", "a.png"]
    assert main(render) == 0
    assert f'wrote {url}; open it with xr.open_zarr("{url}", group="2")' in capsys.readouterr().out
    expected = generate(world, 2, world.grid.window(2, (-7, 41, 9, 52)))
    assert (pixels(url, 2) == expected).all()
    assert (read("a.png") == expected).all()
    assert main(["verify", url]) == 0
    open_objects(url).delete("2/image/c/0/0/0")
    assert main(["verify", url]) == 3
    capsys.readouterr()
    assert main(["info", url, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"], found["shards"], found["shards_written"]) == (url, 2, 1)
    assert main(["resume", url]) == 0
    assert capsys.readouterr().out.startswith(f"{url} has 1 of 2 shards: checking them, drawing the others\n")
    assert main(["verify", url]) == 0
    assert (pixels(url, 2) == expected).all()
    assert sorted(path.name for path in Path().iterdir()) == ["a.png", "ring.tif", "ring.toml"]


@pytest.mark.parametrize("command", ["verify", "resume", "info"])
def test_no_store_at_a_url_has_its_exit_code(command: str, url: str, capsys: pytest.CaptureFixture) -> None:
    assert main([command, url]) == 4
    assert (
        capsys.readouterr().err == f"geoinfinite: {url} does not exist; name a store that geoinfinite wrote\n"
    )


def test_a_picture_is_not_written_to_a_url(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "ring.toml", "--level", "1", *BBOX, "--out", "s3://bucket/a.tif"]) == 1
    assert "is a URL; files other than .zarr are written to a local path" in capsys.readouterr().err


def test_settings_are_key_and_value_and_for_urls(world: Recipe, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "s3://bucket/a.zarr", "--storage-options", "endpoint"])
    assert "'endpoint' is not KEY=VALUE" in capsys.readouterr().err
    assert main(["verify", "a.zarr", "--storage-options", "region=eu"]) == 1
    assert "storage_options are for URLs such as s3://BUCKET/PATH" in capsys.readouterr().err
