"""Typed checks of the JSON files of checkpoints: which types, ranges and sizes a key may have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from geoinfinite.errors import ModelError


class Rule(Protocol):
    """What a value must be."""

    @property
    def says(self) -> str:
        """The rule in words, to follow "must be"."""

    def allows(self, value: Any) -> bool:
        """Say whether a value keeps the rule; never raises, whatever JSON holds."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``; JSON's true and false are none."""

    least: int
    most: int

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"a whole number from {self.least} to {self.most}"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one."""
        return type(value) is int and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number from ``least`` to ``most``; ``positive`` excludes a ``least`` of 0."""

    least: float
    most: float
    positive: bool = False

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"a number {'above' if self.positive else 'from'} {self.least:g} to {self.most:g}"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one; NaN is none."""
        if type(value) not in (int, float):
            return False
        return self.least <= value <= self.most and not (self.positive and value == self.least)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values, told apart by type too: ``1`` is not ``true``."""

    values: tuple[Any, ...]

    @property
    def says(self) -> str:
        """The rule in words."""
        names = ", ".join(_json(value) for value in self.values)
        return names if len(self.values) == 1 else f"one of {names}"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one of them."""
        return any(type(value) is type(known) and value == known for known in self.values)


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most ``most`` characters."""

    most: int = 200

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"a string of at most {self.most} characters"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one."""
        return isinstance(value, str) and len(value) <= self.most


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of ``least`` to ``most`` values that all keep one rule."""

    item: Rule
    least: int
    most: int

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"a list of {self.least} to {self.most} values, each {self.item.says}"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one."""
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            return False
        return all(self.item.allows(item) for item in value)


@dataclass(frozen=True, slots=True)
class Either:
    """A value that keeps one of two rules."""

    first: Rule
    second: Rule

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.first.says}, or {self.second.says}"

    def allows(self, value: Any) -> bool:
        """Say whether a value keeps either."""
        return self.first.allows(value) or self.second.allows(value)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value at all: a key that no pixel depends on."""

    says: str = "anything"

    def allows(self, value: Any) -> bool:
        """Say yes."""
        return True


FLAG = OneOf((False, True))
NULL = OneOf((None,))


def optional(rule: Rule) -> Rule:
    """Return the rule of a value that may also be null."""
    return Either(NULL, rule)


def check_values(
    where: Path | str, found: Mapping[str, Any], rules: Mapping[str, Rule], needed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the keys of a JSON object that have rules; raise `ModelError` for the first that breaks its own.

    Keys without a rule are left out: no class of diffusers reads them.

    >>> check_values("config.json", {"layers": 2, "comment": []}, {"layers": Whole(1, 8)})
    {'layers': 2}
    """
    for key in needed:
        if key not in found:
            raise ModelError(f"{where}: {key} is missing; it must be {rules[key].says}")
    for key, rule in rules.items():
        if key in found and not rule.allows(found[key]):
            raise ModelError(
                f"{where}: {key}={shortened(found[key])} must be {rule.says[:200]}; correct it, or copy the "
                "checkpoint again"
            )
    return {key: found[key] for key in rules if key in found}


def shortened(value: Any, length: int = 60) -> str:
    """Return a value as Python writes it, on one line and cut off.

    >>> shortened([0.5]), shortened("x" * 100, 5)
    ('[0.5]', "'xxxx...")
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    text = repr(value) if not isinstance(value, list | tuple | dict) or len(value) < 20 else "a long list"
    return text if len(text) <= length else f"{text[:length]}..."


def _json(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "-inf" if value == -math.inf else repr(value)
