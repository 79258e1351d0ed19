"""Settings of ldm projects: yaml of plain data and bounded size, of which nothing is followed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from geoinfinite.errors import ModelError
from geoinfinite.models.converting.settings import checked, read_settings
from geoinfinite.models.schema import Number, Whole

GOOD = """
model:
  base_learning_rate: 1.0e-4
  target: no.such.module.LatentDiffusion
  params:
    linear_start: 15e-4
    linear_end: 0.0195
    ckpt_path: /dev/zero
    unet_config: &net
      target: os.abort
      params: {image_size: 64, channel_mult: [1, 2, 3]}
    again: *net
lightning: {trainer: {benchmark: true}}
"""


def text(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def with_value(value: str) -> str:
    return f"{GOOD.rstrip().removesuffix('lightning: {trainer: {benchmark: true}}')}    own: {value}\n"


def test_values_and_where_they_stand(tmp_path: Path) -> None:
    path = text(tmp_path, GOOD)
    settings = read_settings(path)
    assert settings["linear_start"] == 0.0015
    assert settings["ckpt_path"] == "/dev/zero"
    assert settings.section("unet_config", "params")["channel_mult"] == [1, 2, 3]
    assert settings.section("again", "params") == settings.section("unet_config", "params")
    with pytest.raises(
        ModelError, match=re.escape(f"{path}: model.params.unet_config.params: image_size=64")
    ):
        checked(settings.section("unet_config", "params"), {"image_size": Whole(1, 32)}, ())


def test_a_setting_that_is_missing_or_no_table_is_named(tmp_path: Path) -> None:
    settings = read_settings(text(tmp_path, GOOD))
    with pytest.raises(ModelError, match=r"config\.yaml: model\.params: timesteps is missing; it must be a"):
        checked(settings, {"timesteps": Number(0, 1)}, ("timesteps",))
    with pytest.raises(ModelError, match=r"model\.params: linear_end=0\.0195 must be a table; use the conf"):
        settings.section("linear_end")
    with pytest.raises(ModelError, match=r"model\.params\.unet_config: none=None must be a table"):
        settings.section("unet_config", "none")


def test_no_class_is_imported_and_no_path_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_project.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    changed = GOOD.replace("os.abort", "evil_project.Net").replace("/dev/zero", str(tmp_path / "a.fifo"))
    # Opened for reading, it would wait for ever.
    (tmp_path / "a.fifo").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "a.fifo")
    assert read_settings(text(tmp_path, changed))["unet_config"]["target"] == "evil_project.Net"
    assert not (tmp_path / "ran").exists()


def nested(levels: int) -> str:
    """Names that stand for nine of the name before."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            with_value('!!python/object/apply:os.system ["touch ran"]'),
            "no plain yaml .*constructor for the tag",
        ),
        (with_value("!!python/name:os.system"), "no plain yaml .*constructor for the tag"),
        (with_value("!!python/object/new:os.abort []"), "no plain yaml .*constructor for the tag"),
        (GOOD + nested(9), "no plain yaml .*more than 40 levels or 20000 values"),
        (
            GOOD + "b: &b {x: 1}\nc: {<<: [*b, *b]}\n",
            "no plain yaml .*a table is merged into another one by <<",
        ),
        (with_value("[" * 100_000), "no plain yaml .*more than 40 levels"),
        (with_value("&me [*me]"), "no plain yaml .*more than 40 levels"),
        (GOOD + "".join(f"k{n}: 1\n" for n in range(20_001)), "no plain yaml .*more than 40 levels or 20000"),
        (with_value("1:" * 3000 + "1"), "no plain yaml .*a value of more than 4096 characters"),
        (with_value("2001-99-99"), "no plain yaml .*month must be in 1..12"),
        (with_value("{? {a: 1} : 2}"), "no plain yaml .*unhashable key"),
        (GOOD + "---\na: 1\n", "no plain yaml .*single document"),
        (b"model: \xff\xfe", "no plain yaml .*no text in UTF-8"),
        ("model: '\0'", "no plain yaml .*unacceptable character"),
        (b"\0" * 2**20 + b"x", "has more than 1048576 bytes, .*; name the yaml published with the weights"),
        ("- 1\n", "holds no table; name the yaml that was published with the weights"),
        ("", "holds no table"),
        ("x: 1\n", "model=None must be a table; use the configuration that was published"),
        ("model: {params: [1]}\n", r"params=\[1\] must be a table"),
    ],
)
def test_what_is_no_plain_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = text(tmp_path, content)
    with pytest.raises(ModelError, match=f"{re.escape(str(path))}.*{says}") as raised:
        read_settings(path)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


def test_a_file_of_100_mb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with path.open("wb") as stream:
        stream.truncate(10**8)
    with pytest.raises(ModelError, match="has more than 1048576 bytes"):
        read_settings(path)


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read \(Is a directory\); name the yaml published with"):
        read_settings(tmp_path)
    with pytest.raises(ModelError, match=r"none\.yaml cannot be read \(No such file or directory\)"):
        read_settings(tmp_path / "none.yaml")
