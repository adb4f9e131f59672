"""What holds for every test: guards on what the cheap ones may touch, and the rules of markers."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

UNIT = Path(__file__).parent / "unit"

MARKERS = {
    "runs_programs": "a unit test that starts harmless programs",
    "uses_network": "a unit test that opens a connection on the loopback interface",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.fixture(autouse=True)
def guards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test neither starts programs nor connects anywhere, unless its marker says so."""
    if not request.path.is_relative_to(UNIT):
        return
    if request.node.get_closest_marker("runs_programs") is None:
        monkeypatch.setattr(subprocess.Popen, "__init__", _no_programs)
    if request.node.get_closest_marker("uses_network") is None:
        monkeypatch.setattr(socket.socket, "connect", _only_local)


def _no_programs(_self: object, argv: Any, *_args: object, **_options: object) -> NoReturn:
    pytest.fail(f"a unit test started {argv}: mark it runs_programs, or move it to tests/services")


def _only_local(_self: object, address: object) -> NoReturn:
    pytest.fail(f"a unit test connected to {address}: mark it uses_network, or move it to tests/services")
