"""Texts with places for attributes: ``a satellite image[ of a {use}][ in {country}]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{(\w+)\}")


def fields_of(template: str) -> tuple[str, ...]:
    """Return the attributes that a template names.

    >>> fields_of("a {use}[ in {country}]")
    ('use', 'country')
    """
    return tuple(_FIELD.findall(template))


def absent(template: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the attributes outside brackets that are not known.

    >>> absent("a {use}[ in {country}]", {})
    ('use',)
    """
    names = fields_of(_OPTIONAL.sub("", template))
    return tuple(name for name in names if not _is_known(attributes.get(name)))


def filled(template: str, attributes: Mapping[str, Any]) -> str:
    """Return a template with its attributes; a part in brackets without its attribute is left out.

    >>> filled("a satellite image[ of a {use}][ in {country}]", {"use": "harbour"})
    'a satellite image of a harbour'
    """

    def part(found: re.Match[str]) -> str:
        return "" if absent(found[1], attributes) else _with(found[1], attributes)

    pieces = re.split(r"(\[[^\[\]]*\])", template)
    return "".join(_OPTIONAL.sub(part, p) if p.startswith("[") else _with(p, attributes) for p in pieces)


def _with(text: str, attributes: Mapping[str, Any]) -> str:
    return _FIELD.sub(lambda found: _shown(attributes.get(found[1])), text)


def _is_known(value: Any) -> bool:
    return value is not None and value == value and value != ""


def _shown(value: Any) -> str:
    """Return an attribute as text; integers of which some are missing are read as floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
