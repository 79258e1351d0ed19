"""``Style``: how a map is painted, as a small table of rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Colour: TypeAlias = tuple[float, ...]
"""Values of the bands, 0 to 255."""
Tags: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Attributes, each with the values that count."""
ANY = "*"
"""Stands for every value."""
AREAS, LINES = "areas", "lines"
PIXELS, METRES = "pixels", "metres"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which features are painted in which way."""

    tags: Tags
    """One of them a feature must have."""
    where: Tags = ()
    """All of them a feature must have too."""
    unless: Tags = ()
    """None of them it may have."""
    fill: Colour | None = None
    """The colour within an area."""
    line: Colour | None = None
    """The colour of a line, or of the outline of an area."""
    width: float = 0.0
    """The width of the line, in the unit of the style."""
    casing: Colour | None = None
    """The colour of the edges of a line."""
    casing_width: float = 0.0
    """How far its edges reach beyond the line, on either side."""

    def suits(self, said: dict[str, str]) -> bool:
        """Say whether it paints a feature with attributes."""
        return (
            any(_has(said, tag) for tag in self.tags)
            and all(_has(said, tag) for tag in self.where)
            and not any(_has(said, tag) for tag in self.unless)
        )


@dataclass(frozen=True, slots=True)
class StyleLayer:
    """Rules for areas or for lines, of which the first that suits paints a feature."""

    paints: str
    """``"areas"``, from the largest to the smallest; ``"lines"``, in the order of the rules: first all edges,
    then all lines."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How a map is painted: its layers lie over one another."""

    background: Colour
    """What stands where nothing is painted."""
    layers: tuple[StyleLayer, ...]
    unit: str = PIXELS
    """Of widths: ``"pixels"`` of what is told, or ``"metres"`` on the ground."""
    samples: int = 4
    """Samples along each side of a pixel, which are averaged; 1: the middle of the pixel alone."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The attributes that decide, each once."""
        return tuple(
            dict.fromkeys(key for rule in self.rules for key, _ in rule.tags + rule.where + rule.unless)
        )

    @property
    def painted_keys(self) -> frozenset[str]:
        """The attributes of which a feature needs one to be painted."""
        return frozenset(key for rule in self.rules for key, _ in rule.tags)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all layers."""
        return tuple(rule for layer in self.layers for rule in layer.rules)

    @property
    def colours(self) -> tuple[Colour, ...]:
        """Every colour once, the background first."""
        found = (colour for rule in self.rules for colour in (rule.fill, rule.line, rule.casing))
        return tuple(dict.fromkeys((self.background, *(colour for colour in found if colour is not None))))

    @property
    def widest(self) -> float:
        """How far a line reaches beside its middle at most, in the unit of the style."""
        return max((rule.width / 2 + rule.casing_width for rule in self.rules), default=0.0)


def of_classes(column: str, colours: Iterable[tuple[str, Colour]], background: Colour) -> Style:
    """Return the style that paints the classes of an attribute in colours, lines one pixel wide."""
    table = [(((column, (value,)),), colour) for value, colour in colours]
    areas = tuple(Rule(tags, fill=colour) for tags, colour in table)
    lines = tuple(Rule(tags, line=colour, width=1.0) for tags, colour in table)
    return Style(background, (StyleLayer(AREAS, areas), StyleLayer(LINES, lines)), PIXELS, samples=1)


def _has(said: dict[str, str], tag: tuple[str, tuple[str, ...]]) -> bool:
    value = said.get(tag[0])
    return value is not None and (value in tag[1] or ANY in tag[1])
