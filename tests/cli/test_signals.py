"""SIGINT, SIGTERM and SIGHUP in real processes: one line, exit code 128 + signal, and work that goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from command_line import RUN, default_signals, read, start, wait_until

from geoinfinite.cli import main
from geoinfinite.engine.generate import generate
from geoinfinite.plane.window import Window
from geoinfinite.recipe import worldfile
from geoinfinite.recipe.recipe import Recipe

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
WORDS = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "interrupted by SIGTERM",
    signal.SIGHUP: "interrupted by SIGHUP",
}
BOX = (-170, -70, 0, 80)
PLACE = ["--level", "3", "--bbox", *map(str, BOX)]
AT_IMPORT = """
import os, sys

class SignalAtImport:
    def find_spec(name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number:d})

sys.meta_path.insert(0, SignalAtImport)
from geoinfinite.cli import main
sys.exit(main())
"""
DURING = """
import hashlib, os, signal, sys, threading, time
from geoinfinite.cli.signals import Signals

signals = Signals(console=True, grace_s=0.2)
signals.listen()

def after(seconds):
    def send():
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=send, daemon=True).start()

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

def long_c_call():
    after(0.05)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**30)

def interrupt_in_a_destructor():
    Deaf()
    time.sleep(60)

def interrupt_that_is_swallowed():
    after(0.05)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def two_signals():
    signals._grace_s = 60
    after(0.05)
    after(0.1)
    try:
        time.sleep(60)
    finally:
        time.sleep(60)

with signals.during("go on with: that", lambda: print("tidied", flush=True)):
    {what}()
print("not reached")
"""


@pytest.fixture
def slow(world: Recipe) -> Recipe:
    """A world that takes its time, as ``slow.toml`` in the current folder."""
    recipe = world.replace(sampler=replace(world.sampler, steps=15))
    Path("slow.toml").write_text(worldfile.dump(recipe))
    return recipe


def expected(recipe: Recipe) -> np.ndarray:
    """Pixels of rows 150 to 240 and columns 300 to 400 of the place."""
    corner = recipe.grid.window(3, BOX)
    y, x = corner.y0, corner.x0
    return generate(recipe, 3, Window(y + 150, y + 240, x + 300, x + 400))


def ended(process: subprocess.Popen[str], number: int) -> str:
    """The last line of a command that a signal has ended, in seconds and without a traceback."""
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert "wrote" not in out
    return err.splitlines()[-1]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("module", ["argparse", "geoinfinite.cli.render", "rasterio", "dask", "zarr"])
def test_a_signal_while_imports_run_is_one_line(world: Recipe, module: str, number: int) -> None:
    code = [sys.executable, "-c", AT_IMPORT.format(module=module, number=number)]
    process = start("render", "ring.toml", *PLACE, "--out", "a.zarr", prefix=code)
    said = ended(process, number)
    assert said == f"geoinfinite: {WORDS[signal.Signals(number)]} before anything was written"
    assert sorted(path.name for path in Path().iterdir()) == ["ring.tif", "ring.toml"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_store_says_how_to_go_on_and_resume_ends_with_the_same_store(slow: Recipe, number: int) -> None:
    process = start("render", "slow.toml", *PLACE, "--out", "a.zarr")
    wait_until(lambda: list(Path().glob("a.zarr/parents/2/image/c/0/*/*")), process)
    process.send_signal(number)
    said = ended(process, number)
    far, _, command = said.partition("resume with: geoinfinite ")
    assert far.startswith(f"geoinfinite: {WORDS[signal.Signals(number)]}: ")
    done, shards = (int(word) for word in far.split(": ")[2].split() if word.isdecimal())
    assert 1 <= done < shards
    assert command.split() == ["resume", str(Path("a.zarr").absolute())]
    assert main(["verify", "a.zarr"]) == 3
    if number == signal.SIGTERM:
        assert main([*command.split(), "--quiet"]) == 0
        assert main(["verify", "a.zarr"]) == 0
        assert (xr.open_zarr("a.zarr", group="3").image.values[:, 150:240, 300:400] == expected(slow)).all()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_picture_says_what_it_keeps_and_the_same_command_goes_on(slow: Recipe, number: int) -> None:
    render = ["render", "slow.toml", *PLACE, "--out", "a.tif"]
    process = start(*render)
    wait_until(lambda: list(Path().glob(".a.tif.*.zarr/parents/2/image/c/0/*/*")), process)
    process.send_signal(number)
    said = ended(process, number)
    (kept,) = Path().glob(".a.tif.*.zarr")
    assert f" shards are kept in {kept.absolute()}; run the same command again to go on with them" in said
    assert sorted(path.name for path in Path().iterdir()) == sorted(
        [kept.name, "ring.tif", "ring.toml", "slow.toml"]
    )
    if number == signal.SIGTERM:
        assert main([*render, "--quiet"]) == 0
        assert not kept.exists()
        assert (read("a.tif")[:, 150:240, 300:400] == expected(slow)).all()


def test_what_the_process_was_started_to_ignore_stays_ignored(world: Recipe) -> None:
    def as_nohup_in_a_script() -> None:
        default_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = subprocess.Popen(
        [*RUN, "render", "ring.toml", "--level", "2", *PLACE[2:], "--out", "a.tif", "--quiet"],
        preexec_fn=as_nohup_in_a_script,
    )
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert process.returncode == 0
    assert read("a.tif").shape[1:] == world.grid.window(2, BOX).shape


@pytest.mark.parametrize(
    "what", ["long_c_call", "interrupt_in_a_destructor", "interrupt_that_is_swallowed", "two_signals"]
)
def test_a_process_that_does_not_end_by_itself_is_ended(what: str) -> None:
    process = start(prefix=[sys.executable, "-c", DURING.replace("{what}", what)])
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (143, "tidied\n")
    assert err == "geoinfinite: interrupted by SIGTERM; go on with: that\n"
