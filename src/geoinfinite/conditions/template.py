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


def filled(template: str, attributes: Mapping[str, Any]) -> str:
    """Return a template with its attributes; a part in brackets without its attribute is left out.

    An attribute that is missing outside brackets leaves its place empty.

    >>> filled("a satellite image[ of a {use}][ in {country}]", {"use": "harbour"})
    'a satellite image of a harbour'
    """

    def part(found: re.Match[str]) -> str:
        names = fields_of(found[1])
        return found[1] if all(_is_known(attributes.get(name)) for name in names) else ""

    text = _OPTIONAL.sub(part, template)
    return _FIELD.sub(lambda found: _shown(attributes.get(found[1])), text)


def _is_known(value: Any) -> bool:
    return value is not None and value == value and value != ""


def _shown(value: Any) -> str:
    return str(value) if _is_known(value) else ""
