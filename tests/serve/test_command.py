"""``geoinfinite serve`` as a process: it says where the map is, and ends in one line."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import small_worlds
from command_line import start

from geoinfinite.cli import main
from geoinfinite.recipe import worldfile
from geoinfinite.serve.running import Listening


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("ring.toml").write_text(worldfile.dump(small_worlds.ring_world(tmp_path)))
    return "ring.toml"


def until_ready(process: subprocess.Popen[str]) -> list[str]:
    """The lines that a server prints before it answers."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == "stop with Ctrl-C":
            return lines
    raise AssertionError(process.communicate())


def test_a_server_says_where_it_is_answers_and_ends_with_ctrl_c(world: str) -> None:
    process = start("serve", world, "--port", "0", "--cache", "kept", "--seed", "5")
    lines = until_ready(process)
    assert lines[0].startswith("world 'ring' on a map: http://127.0.0.1:")
    assert lines[1].endswith("/tiles/WebMercatorQuad/{z}/{x}/{y}.png")
    address = lines[1].split()[-1].format(z=2, x=1, y=1)
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.read().startswith(b"\x89PNG")
    with urllib.request.urlopen(f"{address.split('/tiles')[0]}/settings.json", timeout=30) as answer:
        assert b'"seed":5' in answer.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "geoinfinite: interrupted; the map is closed\n"
    assert len([path for path in Path("kept").rglob("*") if path.is_file()]) == 1


def test_a_port_that_is_taken_is_said_with_a_way_out(world: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", world, "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"geoinfinite: --host=127.0.0.1 --port={port} cannot be listened on (Address already in use): take "
        "another port, or --port=0 for one that is free\n"
    )
    free = Listening.on("127.0.0.1", 0)
    assert free.address.startswith("http://127.0.0.1:")
    free.socket.close()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("serve erth", "world 'erth' does not exist; name a .toml file or a bundled world: analytic, earth"),
        ("serve none.zarr", "none.zarr does not exist; name a store that geoinfinite wrote"),
        (
            "serve none.zarr --seed 3",
            "--seed=3 is for worlds, and none.zarr is a store, which has one; leave",
        ),
        (
            "serve ring.toml --port 99999",
            "--host=127.0.0.1 --port=99999 cannot be listened on .*: take another",
        ),
        (
            "serve ring.toml --host nowhere.invalid",
            "--host=nowhere.invalid --port=8765 cannot be listened on",
        ),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    world: str, command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = [] if "--port" in command or "--host" in command else ["--port", "0"]
    assert main([*command.split(), *port]) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert re.search(message, err)


def test_without_the_extra_its_name_is_said(
    world: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", world]) == 1
    assert capsys.readouterr().err == (
        "geoinfinite: a map server needs uvicorn, not installed here: pip install 'geoinfinite[serve]'\n"
    )


@pytest.mark.parametrize(
    ("host", "shown", "local"),
    [("127.0.0.1", "http://127.0.0.1:", True), ("0.0.0.0", "http://127.0.0.1:", False)],
)
def test_only_an_address_of_this_machine_is_local(host: str, shown: str, local: bool) -> None:
    listening = Listening.on(host, 0)
    assert listening.address.startswith(shown)
    assert listening.is_local == local
    listening.socket.close()
