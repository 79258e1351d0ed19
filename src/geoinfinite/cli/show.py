"""The texts that commands print: sentences, tables, sizes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from geoinfinite.plane.window import Window
from geoinfinite.progress import bytes_text, pixels_text
from geoinfinite.stores.planning import Plan


def describe_plan(plan: Plan) -> str:
    """Return one line that says what will be done."""
    parents = len(plan.stages) - 1
    below = f" and {parents} coarser level{'s' * (parents > 1)}" if parents else ""
    rows, columns = plan.window.shape
    return (
        f"drawing world {plan.recipe.name!r} level {plan.level}: {columns:,} x {rows:,} px{below}, "
        f"{pixels_text(plan.pixels)}, {plan.tiles:,} tiles, {plan.evaluations:,} evaluations"
    )


def describe_store(path: str, done: int, shards: int) -> str:
    """Return one line that says what is left to do of a store that is there already.

    >>> describe_store("a.zarr", 12, 12)
    'a.zarr has all of its 12 shards: checking them'
    >>> describe_store("a.zarr", 3, 12)
    'a.zarr has 3 of 12 shards: checking them, drawing the others'
    """
    if done == shards:
        return f"{path} has all of its {shards:,} shards: checking them"
    return f"{path} has {done:,} of {shards:,} shards: checking them, drawing the others"


def describe_part(part: tuple[int, int], path: str, done: int, shards: int) -> str:
    """Return one line that says how far a store is when a part of it has been drawn.

    >>> describe_part((2, 5), "a.zarr", 7, 12)
    'part 2/5 of a.zarr is drawn: 7 of 12 shards are there'
    >>> describe_part((5, 5), "a.zarr", 12, 12)
    'part 5/5 of a.zarr is drawn, and all of its 12 shards are there'
    """
    drawn = f"part {part[0]}/{part[1]} of {path} is drawn"
    if done == shards:
        return f"{drawn}, and all of its {shards:,} shards are there"
    return f"{drawn}: {done:,} of {shards:,} shards are there"


def opening_line(path: str, level: int) -> str:
    """Return the line that opens what was written."""
    if path.endswith(".zarr"):
        return f'open it with xr.open_zarr("{path}", group="{level}")'
    if path.endswith(".png"):
        return "open it with any image viewer"
    if path.endswith(".pmtiles"):
        return "open it at https://pmtiles.io or in QGIS"
    if path.endswith(".mbtiles"):
        return f'open it with rasterio.open("{path}") or in QGIS'
    return f'open it with rioxarray.open_rasterio("{path}")'


def size_of(out: str) -> str:
    """Return how large a local file is, or all files in a folder, in brackets; of a URL nothing."""
    if "://" in out:
        return ""
    path = Path(out).expanduser()
    files = path.rglob("*") if path.is_dir() else [path]
    return f" ({bytes_text(sum(file.stat().st_size for file in files if file.is_file()))})"


def length(metres: float) -> str:
    """Return a ground sample distance as people write it.

    >>> length(1_669_792), length(7421.3), length(28.99), length(0.453)
    ('1,670 km', '7.42 km', '29 m', '45.3 cm')
    """
    if metres >= 1e6:
        return f"{metres / 1000:,.0f} km"
    if metres >= 1000:
        return f"{metres / 1000:.3g} km"
    return f"{metres:.3g} m" if metres >= 1 else f"{metres * 100:.3g} cm"


def duration(seconds: float) -> str:
    """Return a number of seconds as people say it, in its two largest units.

    >>> duration(3.14), duration(187), duration(45_000), duration(9e9)
    ('3 s', '3 min 7 s', '12 h 30 min', '285 years')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    days = whole // 86_400
    return f"{days} days {whole % 86_400 // 3600} h" if days < 365 else f"{days / 365.25:,.0f} years"


def edges(window: Window) -> list[int]:
    """Return a window as JSON: first row, row after the last, first column, column after the last."""
    return [window.y0, window.y1, window.x0, window.x1]


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document; numbers that JSON does not have are refused."""
    print(json.dumps(document, indent=2, allow_nan=False))


def print_facts(title: str, facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values under a title."""
    print(title)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print(f"  {name.ljust(width)}  {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of right-aligned cells under a header."""
    table = Table(*columns, box=None, pad_edge=True, header_style="bold")
    for column in table.columns:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True).print(table)
