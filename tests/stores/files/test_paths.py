"""Paths that hold a file already, or cannot: what is said of them, and that each remedy works."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from geoinfinite.cli import main
from geoinfinite.errors import StoreError
from geoinfinite.stores.files.paths import FileIsThere, local_file


def test_a_link_that_leads_nowhere_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.tif").symlink_to("later.tif")
    assert local_file(tmp_path / "link.tif", overwrite=False) == tmp_path / "later.tif"
    (tmp_path / "far.tif").symlink_to("gone/deep/later.tif")
    with pytest.raises(
        StoreError, match=r"far.tif is a link to .*later.tif: the folder .*deep does not exis"
    ):
        local_file(tmp_path / "far.tif")
    (tmp_path / "gone" / "deep").mkdir(parents=True)
    assert local_file(tmp_path / "far.tif") == tmp_path / "gone" / "deep" / "later.tif"


def test_a_link_to_itself_or_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop.tif").symlink_to("loop.tif")
    with pytest.raises(StoreError, match=r"loop.tif' is not a path|loop.tif is a link that leads nowhere"):
        local_file(tmp_path / "loop.tif")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to.tif").symlink_to("folder")
    with pytest.raises(StoreError, match=r"to.tif \(.*folder\) is a folder; choose another path"):
        local_file(tmp_path / "to.tif", overwrite=True)


def test_a_file_is_replaced_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    with pytest.raises(
        FileIsThere, match=r"a.tif exists; choose another path, delete it, or pass overwrite="
    ):
        local_file(tmp_path / "a.tif", overwrite=False)
    assert local_file(tmp_path / "a.tif", overwrite=True) == tmp_path / "a.tif"


RENDER = "render analytic --level 1 --bbox 7 45.8 8 46.2 --quiet"


@pytest.mark.parametrize("ending", ["tif", "png", "pmtiles", "mbtiles"])
def test_the_command_line_calls_a_path_as_it_was_typed(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(f"fifo.{ending}")
    Path("folder").mkdir()
    Path(f"link.{ending}").symlink_to("folder")
    Path(f"old.{ending}").touch()
    before = sorted(tmp_path.rglob("*"))
    for name, code, said in (
        ("fifo", 1, "is not a regular file; choose another path"),
        ("link", 5, "is a folder; choose another path, or delete it first"),
    ):
        for more in ([], ["--overwrite"]):
            assert main([*shlex.split(RENDER), "--out", f"{name}.{ending}", *more]) == code
            error = capsys.readouterr().err
            assert error.startswith(f"geoinfinite: --out={name}.{ending} ")
            assert said in error
            assert "overwrite=True" not in error
    assert main([*shlex.split(RENDER), "--out", f"old.{ending}"]) == 5
    assert "or add --overwrite" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert main([*shlex.split(RENDER), "--out", f"old.{ending}", "--overwrite"]) == 0
    assert Path(f"old.{ending}").stat().st_size > 0
