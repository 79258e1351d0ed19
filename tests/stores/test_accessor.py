"""``gi.plan(da)`` and ``da.geoinfinite``: what was selected is what is planned and written."""

from __future__ import annotations

from pathlib import Path

import dask
import pytest
import rasterio
import small_worlds
import xarray as xr

from geoinfinite.errors import StoreError
from geoinfinite.plane.window import Window
from geoinfinite.stores.accessor import plan
from geoinfinite.stores.planning import plan_window
from geoinfinite.world import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]


@pytest.fixture
def selected(tmp_path: Path) -> tuple[World, xr.DataArray]:
    recipe = small_worlds.ring_world(tmp_path)
    world = World(**{name: getattr(recipe, name) for name in recipe.__dataclass_fields__})
    return world, world.array(level=2).isel(y=slice(10, 70), x=slice(100, 190))


def test_the_plan_is_that_of_the_selection(selected: tuple[World, xr.DataArray]) -> None:
    world, da = selected
    assert plan(da) == da.geoinfinite.plan() == plan_window(world, 2, Window(10, 70, 100, 190))
    assert plan(da, shard=48).stages[-1].shard == 48


def test_everything_written_is_what_compute_gives(
    selected: tuple[World, xr.DataArray], tmp_path: Path
) -> None:
    _, da = selected
    values = da.values
    with dask.config.set(scheduler="synchronous"):
        assert da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False).drawn > 0
        assert da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False).drawn == 0
        da.geoinfinite.to_cog(tmp_path / "a.tif", progress=False)
        da.geoinfinite.to_png(tmp_path / "a.png", progress=False)
    stored = xr.open_zarr(tmp_path / "a.zarr", group="2").image
    assert (stored.values == values).all()
    assert stored.x.values == pytest.approx(da.x.values)
    assert stored.y.values == pytest.approx(da.y.values)
    for name in ("a.tif", "a.png"):
        with rasterio.open(tmp_path / name) as file:
            assert (file.read() == values).all()


def test_progress_is_shown_unless_told_otherwise(
    selected: tuple[World, xr.DataArray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, da = selected
    da.geoinfinite.to_zarr(tmp_path / "a.zarr", progress=False)
    assert capsys.readouterr() == ("", "")
    da.geoinfinite.to_zarr(tmp_path / "b.zarr")
    assert "pixels" in capsys.readouterr().err


def test_a_computed_array_has_no_plan(selected: tuple[World, xr.DataArray]) -> None:
    with pytest.raises(StoreError, match=r"no longer a window of a world"):
        plan(selected[1] + 1)
