"""`sigmavault model download` and its kin against the real daemon, also at a terminal."""

# ruff: noqa: F811  # fixtures come by import

from __future__ import annotations

import json

from tests.services.command_line import PROGRAM, Terminal, script_at_terminal
from tests.services.model_server import ModelServer
from tests.services.models_daemon import ModelsDaemon, wait_until
from tests.services.models_fixtures import (  # noqa: F401
    LARGE,
    TINY,
    begin,
    daemon,
    environment,
    host,
    server,
    sigmavault,
    slow,
)


def test_a_model_is_fetched_and_waited_for(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    done = sigmavault(daemon, "model", "download", "tiny", "large")
    assert done.stdout == "tiny is here: 293 KiB\nlarge is here: 38.1 MiB\n"
    assert done.stderr == ""
    assert (daemon.models / "large.gguf").read_bytes() == LARGE
    again = sigmavault(daemon, "model", "download", "tiny")
    assert again.stdout == "tiny is here: 293 KiB\n"
    assert sigmavault(daemon, "model", "remove", "tiny").stdout == "tiny is removed\n"
    assert not (daemon.models / "tiny.gguf").exists()


def test_the_boot_disk_is_asked_for_once(daemon: ModelsDaemon, server: ModelServer) -> None:
    daemon.mirrors({"name": "lan", "kind": "files", "url": server.url, "lan": True})
    daemon.start()
    refused = sigmavault(daemon, "model", "download", "tiny", check=False)
    assert refused.returncode == 6
    assert "there is no place for models" in refused.stderr
    assert "--boot-disk" in refused.stderr
    sigmavault(daemon, "model", "download", "--boot-disk", "tiny")
    assert (daemon.models / "tiny.gguf").read_bytes() == TINY
    assert sigmavault(daemon, "model", "place").stdout == f"models go to the boot disk ({daemon.models})\n"
    assert sigmavault(daemon, "model", "place", "--no-boot-disk", check=False).returncode == 1


def test_a_refusal_is_told_with_its_reason(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    server.always = lambda request: request.send("404 Not Found", {"Content-Length": 0})
    done = sigmavault(daemon, "model", "download", "tiny", check=False)
    assert done.returncode == 6
    assert "tiny: lan does not have it (404)" in done.stderr
    listed = sigmavault(daemon, "model", "downloads", check=False)
    assert listed.returncode == 1
    assert "lan does not have it (404)" in listed.stdout
    told = json.loads(sigmavault(daemon, "model", "downloads", "--json", check=False).stdout)
    assert told["downloads"][0]["state"] == "failed"
    assert told["place"]["is_boot_disk"] is True


def test_a_bar_moves_and_ctrl_c_leaves_the_download_alone(daemon: ModelsDaemon, server: ModelServer) -> None:
    slow(server)
    begin(daemon, server)
    with script_at_terminal([PROGRAM[-1], "model", "download", "large"], environment(daemon)) as terminal:
        terminal.wait_for("█")
        terminal.wait_for(" left")
        terminal.interrupt()
        terminal.wait_for("the download goes on")
        assert terminal.process.wait(60) == 130
    assert daemon.row("large")["state"] == "running"
    assert sigmavault(daemon, "model", "pause", "large").stdout == "large is paused\n"
    daemon.wait("large", "paused")
    server.pace = lambda: None
    assert sigmavault(daemon, "model", "resume", "large").stdout == "large goes on\n"
    daemon.wait("large", "done")


def test_a_daemon_that_dies_meanwhile_is_waited_for(daemon: ModelsDaemon, server: ModelServer) -> None:
    slow(server)
    begin(daemon, server)
    with script_at_terminal([PROGRAM[-1], "model", "download", "large"], environment(daemon)) as terminal:
        terminal.wait_for(" left")
        daemon.kill()
        server.pace = lambda: None
        daemon.start()
        terminal.wait_for("large is here: 38.1 MiB")
        assert terminal.process.wait(60) == 0


def test_a_person_at_the_terminal_may_agree_to_the_boot_disk(
    daemon: ModelsDaemon, server: ModelServer
) -> None:
    daemon.mirrors({"name": "lan", "kind": "files", "url": server.url, "lan": True})
    daemon.start()
    for answer, code in (("n", 6), ("y", 0)):
        with script_at_terminal([PROGRAM[-1], "model", "download", "tiny"], environment(daemon)) as terminal:
            _answer(terminal, answer)
            assert terminal.process.wait(60) == code
    wait_until("the model", (daemon.models / "tiny.gguf").exists)


def _answer(terminal: Terminal, text: str) -> None:
    terminal.wait_for("Put models on the boot disk until there is one? [y/N] ")
    terminal.line(text)
    terminal.wait_for("tiny is here" if text == "y" else "there is no place for models")
