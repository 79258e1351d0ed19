"""Small HTML tables for notebooks: escaped, in the colours of the page, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

LONGEST = 200
"""Characters of a cell; names and paths may be longer, and would hide what stands beside them."""
# The page's own colours, lighter or fainter: it may be light or dark, and does not say which.
_TABLE = "border-collapse:collapse;border:none;color:inherit;background:none;margin:0 0 0.5em 0"
_CELL = "padding:0.15em 0.9em 0.15em 0;border:none;vertical-align:top;background:none;color:inherit"
_LINE = "border-top:1px solid rgba(127,127,127,0.35)"


def facts_table(title: str, facts: Mapping[str, object]) -> str:
    """Return a title, and names with their values below it.

    >>> "<b>a &lt; b</b>" in facts_table("a < b", {"seed": 3})
    True
    """
    rows = [
        _row([(name, "text-align:left;opacity:0.65"), (value, "text-align:left")])
        for name, value in facts.items()
    ]
    return f"<div><b>{_text(title)}</b></div>{_table(rows)}"


def columns_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return rows of numbers under a header, each aligned to the right."""
    head = _row([(name, "text-align:right;opacity:0.65") for name in header])
    lines = [_row([(value, f"text-align:right;{_LINE}") for value in row]) for row in rows]
    return _table([head, *lines])


def _table(rows: list[str]) -> str:
    return f'<table style="{_TABLE}"><tbody>{"".join(rows)}</tbody></table>'


def _row(cells: Iterable[tuple[object, str]]) -> str:
    inner = "".join(f'<td style="{_CELL};{style}">{_text(value)}</td>' for value, style in cells)
    return f'<tr style="background:none">{inner}</tr>'


def _text(value: object) -> str:
    text = str(value)
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")
