"""A session for all tests, and the assistant on a simulated machine for each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gi.repository import GLib

from tests.desktop.seat import Seat
from tests.desktop.session import SERVICES, Desktop, call, has_owner, wait_for

APPLICATION = "org.sigmavault.Setup"
HOST = "org.sigmavault.Host"
MACHINES = SERVICES / "sigmavault/simulated/machines"


def pytest_configure(config: pytest.Config) -> None:
    # at-spi2-core calls it so, and has nothing else that tells which action is a click
    config.addinivalue_line("filterwarnings", "ignore:Atspi.Action.get_action_name:DeprecationWarning")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures are kept for people to look at."""
    found = Path(os.environ.get("SIGMAVAULT_PICTURES", "/tmp/pictures"))
    found.mkdir(exist_ok=True)
    return found


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """A GNOME session."""
    with Desktop(tmp_path_factory.mktemp("session")) as running:
        yield running


class SimulatedHost:
    """The real host daemon on a machine that is described."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop

    def read(self, operation: str, **arguments: object) -> Any:
        """The answer of a read."""
        asked = GLib.Variant("(ssb)", (operation, json.dumps(arguments), False))
        told = call(self._desktop.system, HOST, "/org/sigmavault/Host", "org.sigmavault.Host1.Read", asked)
        return json.loads(told.unpack()[0])


@contextmanager
def simulated_host(desktop: Desktop, machine: str | Path) -> Iterator[SimulatedHost]:
    """A host daemon for as long as the context lasts, on one of our machines or one that a file describes."""
    file = machine if isinstance(machine, Path) else MACHINES / f"{machine}.yaml"
    argv = ["/usr/libexec/sigmavault/hostd", "--simulate", str(file)]
    process = desktop.run("hostd", argv)
    try:
        wait_for("the host daemon", lambda: has_owner(desktop.system, HOST), 60)
        yield SimulatedHost(desktop)
    finally:
        process.terminate()
        process.wait()
        desktop.forget(process)


@pytest.fixture
def host(desktop: Desktop) -> Iterator[SimulatedHost]:
    """The host daemon of a machine that nobody has set up."""
    with simulated_host(desktop, "new") as running:
        yield running


@pytest.fixture
def journal(desktop: Desktop) -> Iterator[Path]:
    """The journal of whoever sits there, not there yet; the assistant is gone after the test."""
    file = desktop.folder / "home/.local/state/sigmavault/setup.json"
    file.unlink(missing_ok=True)
    yield file
    desktop.set_scheme("default")
    if has_owner(desktop.session, APPLICATION):
        Seat(desktop, APPLICATION).kill()


@pytest.fixture
def assistant(desktop: Desktop, journal: Path) -> Callable[[], Seat]:
    """Starts the assistant as the desktop does, by its bus name."""

    def activated() -> Seat:
        call(
            desktop.session, APPLICATION, "/org/sigmavault/Setup", "org.freedesktop.Application.Activate",
            GLib.Variant("(a{sv})", ({},)),
        )  # fmt: skip
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        return seat

    return activated
