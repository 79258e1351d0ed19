"""Style files: TOML to `Style`, with an error for everything that is not understood."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from geoinfinite.conditions.map_style import (
    AREAS,
    LINES,
    METRES,
    PIXELS,
    Colour,
    Rule,
    Style,
    StyleLayer,
    Tags,
)
from geoinfinite.errors import WorldError, shorten
from geoinfinite.file_memo import FileState

STYLES = "osm-carto-z17", "geosynth", "plain"
"""Styles that come with the package."""
LARGEST = 2**18
"""Bytes of a style file."""
MOST_RULES = 1024
MOST_WIDE = 1000.0
"""Width of a line, in pixels or metres."""
MOST_SAMPLES = 8
_HEX = re.compile("#[0-9a-fA-F]{6}")
_STYLE = "background", "unit", "samples", "layer"
_RULE = "tags", "where", "unless", "fill", "line", "width", "casing", "casing_width"


@lru_cache(maxsize=8)
def bundled(name: str) -> Style:
    """Return a style that comes with the package."""
    path = files("geoinfinite.conditions") / "map_styles" / f"{name}.toml"
    return _parsed(path.read_text(encoding="utf-8"), name)


def style_of_file(path: Path, named: str) -> Style:
    """Return the style of a file, kept while it stands; raise `WorldError` for one that is not understood."""
    return _read(path, named, FileState.or_absent(path))


@lru_cache(maxsize=32)
def _read(path: Path, named: str, state: FileState) -> Style:
    if not path.is_file():
        raise WorldError(f"{named} does not exist (looked for {path}); name a style file")
    if state.size > LARGEST:
        raise WorldError(f"{named} has {state.size} bytes, of {LARGEST} at most; style files are short")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise WorldError(f"{named} is no text in UTF-8; name a style file in TOML") from error
    return _parsed(text, named)


def _parsed(text: str, named: str) -> Style:
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WorldError(f"{named} is no TOML ({shorten(str(error))}); mend it") from error
    _check_keys(table, _STYLE, named)
    layers = tuple(
        _layer(layer, f"{named}: layer {n}") for n, layer in enumerate(_tables(table, "layer", named), 1)
    )
    count = sum(len(layer.rules) for layer in layers)
    if not 0 < count <= MOST_RULES:
        raise WorldError(f"{named} has {count} rules; a style has at least one, and at most {MOST_RULES}")
    background = _colour(table.get("background"), f"{named}: background")
    if background is None:
        raise WorldError(f'{named}: background is missing; say its colour, such as background = "#f2efe9"')
    samples = table.get("samples", 4)
    if type(samples) is not int or not 1 <= samples <= MOST_SAMPLES:
        raise WorldError(f"{named}: samples={shorten(repr(samples))} must be from 1 to {MOST_SAMPLES}")
    unit = _choice(table.get("unit", PIXELS), (PIXELS, METRES), f"{named}: unit")
    return Style(background, layers, unit, samples)


def _layer(table: Any, named: str) -> StyleLayer:
    _check_keys(table, ("paints", "rules"), named)
    paints = _choice(table.get("paints"), (AREAS, LINES), f"{named}: paints")
    rules = _tables(table, "rules", named)
    return StyleLayer(
        paints, tuple(_rule(rule, paints, f"{named}, rule {n}") for n, rule in enumerate(rules, 1))
    )


def _rule(table: Any, paints: str, named: str) -> Rule:
    _check_keys(table, _RULE, named)
    tags, where, unless = (_tags(table.get(key, {}), f"{named}: {key}") for key in _RULE[:3])
    fill, line, casing = (_colour(table.get(key), f"{named}: {key}") for key in ("fill", "line", "casing"))
    width, edge = (_width(table.get(key, 0), f"{named}: {key}") for key in ("width", "casing_width"))
    rule = Rule(tags, where, unless, fill, line, width, casing, edge)
    if not rule.tags:
        raise WorldError(f'{named} has no tags; say what it paints, such as tags = {{ building = "*" }}')
    if paints == LINES and (rule.line is None or rule.fill is not None):
        raise WorldError(f"{named} paints lines, which have a line and no fill; write line = and width =")
    if paints == AREAS and (rule.casing is not None or rule.fill is None):
        raise WorldError(f"{named} paints areas, which have a fill and no casing; write fill =")
    for colour, key, width in (
        (rule.line, "width", rule.width),
        (rule.casing, "casing_width", rule.casing_width),
    ):
        if (colour is None) != (width == 0):
            raise WorldError(f"{named} has {key}={width:g}; a colour and a positive width belong together")
    return rule


def _tables(table: Mapping[str, Any], key: str, named: str) -> Sequence[Any]:
    found = table.get(key)
    if not isinstance(found, list):
        raise WorldError(f"{named} has no list of {key} tables; add some")
    return found


def _check_keys(table: Any, known: Sequence[str], named: str) -> None:
    if not isinstance(table, dict):
        raise WorldError(f"{named} is no table; write {{ {known[0]} = ... }}")
    for key in table:
        if key not in known:
            raise WorldError(f"{named}: {shorten(repr(key), 40)} is not one of {', '.join(known)}")


def _tags(table: Any, named: str) -> Tags:
    values = {
        key: (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
        for key, value in (table.items() if isinstance(table, dict) else [("", ())])
    }
    if not all(found and all(isinstance(value, str) for value in found) for found in values.values()):
        raise WorldError(
            f'{named} must name texts for attributes, such as {{ landuse = ["grass", "meadow"] }}'
        )
    return tuple(values.items())


def _colour(value: Any, named: str) -> Colour | None:
    if value is None:
        return None
    if isinstance(value, str) and _HEX.fullmatch(value):
        return tuple(float(byte) for byte in bytes.fromhex(value[1:]))
    raise WorldError(f'{named}={shorten(repr(value), 40)} is no colour; write one such as "#aad3df"')


def _width(value: Any, named: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WorldError(f"{named}={shorten(repr(value), 40)} must be a number")
    if not 0 <= value <= MOST_WIDE:
        raise WorldError(f"{named}={value:g} must be at least 0 and at most {MOST_WIDE:g}")
    return float(value)


def _choice(value: Any, known: tuple[str, ...], named: str) -> str:
    if value not in known:
        raise WorldError(f"{named}={shorten(repr(value), 40)} is not one of {', '.join(known)}")
    return str(value)
