"""Settings of ldm projects: yaml, read as data of bounded size, each value checked when it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from geoinfinite.errors import ModelError
from geoinfinite.models.schema import Rule, check_values, shortened

LARGEST = 2**20
"""Bytes of a file; the longest published has six thousand."""
VALUES, DEPTH = 20_000, 40
"""Values of a file, those that stand for others counted each time, and levels of nesting."""
LONGEST = 4096
"""Characters of a value: digits between colons take the square of their number to read."""


class Settings(dict[str, Any]):
    """A table of a yaml file, which knows where it stands; so do the tables in it."""

    where: str = "the settings"

    @classmethod
    def of(cls, table: Mapping[str, Any], where: str) -> Settings:
        """Return a table that stands at ``where``, such as ``config.yaml: model.params``."""
        settings = cls(table)
        settings.where = where
        return settings

    def section(self, *keys: str) -> Settings:
        """Return a table within this one; raise `ModelError` if it is not there."""
        table = self
        for key in keys:
            found = table.get(key)
            if not isinstance(found, Mapping):
                raise ModelError(
                    f"{table.where}: {key}={shortened(found)} must be a table; use the configuration that "
                    "was published with the weights"
                )
            table = found if isinstance(found, Settings) else Settings.of(found, f"{table.where}.{key}")
        return table


def checked(params: Mapping[str, Any], rules: Mapping[str, Rule], needed: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings that have rules; raise `ModelError` naming file and key otherwise."""
    where = params.where if isinstance(params, Settings) else Settings.where
    return check_values(where, params, rules, needed)


def read_settings(path: Path) -> Settings:
    """Return ``model.params`` of an ldm project's yaml; nothing that it names is opened.

    Raises `ModelError` as `read_tables` does, and for a file without them.
    """
    return read_tables(path).section("model", "params")


def read_tables(path: Path) -> Settings:
    """Return all that a yaml holds; nothing that it names is opened.

    Raises `ModelError` for a file that is missing, no yaml, large, or that holds anything but plain data.
    """
    found = _Tables(path).of(_parsed(path, _text(path)))
    if not isinstance(found, Settings):
        raise ModelError(f"{path} holds no table; name the yaml that was published with the weights")
    return found


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"{path} cannot be read ({reason}); name the yaml published with the weights"
        ) from error
    if len(data) > LARGEST:
        raise ModelError(
            f"{path} has more than {LARGEST} bytes, and a configuration a few thousand; name the yaml "
            "published with the weights"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _damaged(path, "it is no text in UTF-8") from error


class _Plain(yaml.SafeLoader):  # type: ignore[misc]
    """Yaml of plain data, counted while it is read, with 1e-4 as a number, which yaml 1.1 takes for text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._deep = self._count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._deep, self._count = self._deep + 1, self._count + 1
        if self._deep > DEPTH or self._count > VALUES:
            raise yaml.YAMLError(f"more than {DEPTH} levels or {VALUES} values")
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST:
            raise yaml.YAMLError(f"a value of more than {LONGEST} characters")
        self._deep -= 1
        return node

    def flatten_mapping(self, node: Any) -> None:
        # Tables that are merged into each other double with every level of nesting.
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("a table is merged into another one by <<")


_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _parsed(path: Path, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Plain)
    # Dates and numbers that are none, and keys that are tables, are found when values are made.
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _damaged(path, shortened(" ".join(str(error).split()), 160)) from error


class _Tables:
    """Makes tables of a parsed file, its values counted, those that several names stand for once for each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = VALUES

    def of(self, value: Any, keys: tuple[str, ...] = ()) -> Any:
        self._left -= 1
        if self._left < 0 or len(keys) > DEPTH:
            raise _damaged(self.path, f"more than {DEPTH} levels or {VALUES} values")
        if isinstance(value, dict):
            names = {key if isinstance(key, str) else shortened(key): item for key, item in value.items()}
            table = {name: self.of(item, (*keys, name)) for name, item in names.items()}
            return Settings.of(table, f"{self.path}: {'.'.join(keys)}" if keys else str(self.path))
        if isinstance(value, list | tuple | set):
            return [self.of(item, (*keys, "")) for item in value]
        return value


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path} is no plain yaml ({reason}); use the configuration published with the weights")
