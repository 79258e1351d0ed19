"""What the commands say: sentences, tables, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from geoinfinite.stores import layout, ledger
from geoinfinite.stores.objects import Objects
from geoinfinite.stores.planning import Plan, bytes_text


def describe_plan(plan: Plan) -> str:
    """Return one line that says what will be done."""
    parents = len(plan.stages) - 1
    below = f" and {parents} coarser level{'s' * (parents > 1)}" if parents else ""
    rows, columns = plan.window.shape
    megapixels = plan.pixels / 1e6
    amount = f"{megapixels:,.1f}" if megapixels >= 0.1 else f"{megapixels:.2g}"
    return (
        f"drawing world {plan.world.name!r} level {plan.level}: {columns:,} x {rows:,} px{below}, "
        f"{amount} megapixels, {plan.tiles:,} tiles, {plan.evaluations:,} evaluations"
    )


def opening_line(path: str, level: int) -> str:
    """Return the line that opens what was written."""
    if path.endswith(".zarr"):
        return f'open it with xr.open_zarr("{path}", group="{level}")'
    if path.endswith(".png"):
        return "open it with any image viewer"
    return f'open it with rioxarray.open_rasterio("{path}")'


def completeness(store: Objects) -> tuple[int, int]:
    """Return how many shards of a store are there, and how many there should be; their bytes are not read."""
    header, done, shards = layout.read_header(store), 0, 0
    for name in header.shards:
        rows, columns = header.rows_and_columns(name)
        shards += rows * columns
        done += sum(
            ledger.present(store, int(name), row, column) for row in range(rows) for column in range(columns)
        )
    return done, shards


def size_of(path: Path) -> str:
    """Return how large a file is, or all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return bytes_text(sum(file.stat().st_size for file in files if file.is_file()))


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
