"""What notebooks show: tables that are escaped and bring nothing from elsewhere, whatever names they hold."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import geoinfinite as gi
from geoinfinite.html_tables import columns_table, facts_table
from geoinfinite.plane.window import Window

HOSTILE = '<script src="//x">&"</td><img onerror=1>'


class Reader(HTMLParser):
    """Tags and texts of a page; every tag has an end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(page: str) -> list[str]:
    """The texts of a page that holds nothing but tables."""
    reader = Reader(page)
    assert reader.tags <= {"div", "b", "table", "tbody", "tr", "td"}
    assert reader.attributes <= {"style"}
    assert "url(" not in page
    return reader.texts


def test_texts_are_shown_and_never_run() -> None:
    assert read(facts_table(HOSTILE, {HOSTILE: HOSTILE})) == [HOSTILE] * 3
    assert read(columns_table(("a", HOSTILE), [(1, 2), (HOSTILE, "")])) == ["a", HOSTILE, "1", "2", HOSTILE]


def test_long_texts_are_cut() -> None:
    assert [len(text) for text in read(facts_table("a" * 500, {"b": "c" * 200}))] == [200, 1, 200]


def test_a_world_shows_where_it_is_and_its_levels() -> None:
    world = gi.World.load("analytic").replace(name=HOSTILE, seed=77)
    texts = read(world._repr_html_())
    assert texts[0] == f"world {HOSTILE!r}"
    assert {"77", world.token[:12], "-180, -90, 180, 90 (EPSG:4326, once round)", "uint8"} <= {*texts}
    assert texts[-3:] == ["7", "0.453", "44,236,800 x 88,473,600"]


def test_a_world_without_its_root_is_shown_all_the_same(tmp_path: Path) -> None:
    world = gi.World.load("analytic")
    picture = tmp_path / "root.tif"
    picture.write_bytes(world.root.path.read_bytes())
    moved = world.replace(root=str(picture))
    picture.unlink()
    texts = read(moved._repr_html_())
    assert any("root.tif" in text for text in texts)
    assert any(text.startswith("unknown: ") for text in texts)


def test_plans_and_reports_are_tables(tmp_path: Path) -> None:
    world = gi.World.load("analytic").replace(name=HOSTILE)
    da = world.array(1, window=Window(30, 50, 60, 99))
    plan = gi.plan(da)
    texts = read(plan._repr_html_())
    assert HOSTILE in texts[0].replace("\\'", "'")
    total = ["total", "0.0 Mpx", f"{plan.shards:,}", f"{plan.tiles:,}", f"{plan.evaluations:,}"]
    assert texts[-5:] == total
    written = da.geoinfinite.to_zarr(tmp_path / "a&b.zarr", progress=False)
    assert read(written._repr_html_())[:3] == [f"{tmp_path}/a&b.zarr", "shards", "1"]
    store = tmp_path / "a&b.zarr"
    assert read(gi.verify(store)._repr_html_()) == [str(store), "verdict", "sound, 1 shards checked"]
    for file in store.glob("1/image/c/*/*/*"):
        file.write_bytes(b"")
    damaged = read(gi.verify(store)._repr_html_())
    assert damaged[2].startswith("NOT sound, ")
    assert "damaged" in damaged[4]
