from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.system import notify

pytestmark = pytest.mark.uses_network


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(os.fspath(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", os.fspath(tmp_path / "notify"))
        yield listening


def test_ready_with_status(listener: socket.socket) -> None:
    assert notify.ready("loading")
    assert listener.recv(100) == b"READY=1\nSTATUS=loading"


def test_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"sigmavault-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert notify.stopping()
        assert listening.recv(100) == b"STOPPING=1"


@pytest.mark.usefixtures("listener")
def test_busy_systemd_does_not_hold_up_the_service() -> None:
    sent = 0
    while notify.alive():  # until the queue is full: then it is dropped, not waited for
        sent += 1
    assert sent > 0
    assert not notify.status("x")


def test_outside_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify.ready()


@pytest.mark.parametrize(("told", "interval"), [("180000000", 90.0), ("", None), ("0", None), ("x", None)])
def test_watchdog_interval(monkeypatch: pytest.MonkeyPatch, told: str, interval: float | None) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", told)
    assert notify.watchdog_interval_s() == interval
