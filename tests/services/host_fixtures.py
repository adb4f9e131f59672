"""Fixtures around hostd: its actions known to polkit, the daemon on a throw-away root, callers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.daemon import SystemBus, ensure_user
from tests.services.host import Caller, HostDaemon

ACTIONS = Path("/run/polkit-1/actions/test.things.policy")
RULES = Path("/run/polkit-1/rules.d/10-test-things.rules")
RULE = """\
polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.sigmavault.host.thing.") == 0) {
        if (subject.user == "games") { return polkit.Result.YES; }
        if (subject.user == "daemon") { return polkit.Result.NO; }
    }
});
"""
"""`games` may do what `daemon` may not, and all others only with a password, which nobody can type here."""


def _policy() -> str:
    from sigmavault.core.operation.surfaces import policy
    from sigmavault.operations import registry

    folder = Path(__file__).parent / "operations"
    if "thing" not in registry.nouns():
        registry.add_folder(folder)
    return policy(registry.of_noun("thing").values())


@pytest.fixture(scope="session")
def things_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemBus]:
    """A bus with a polkit that knows the operations of the tests: it reads its rules when it starts."""
    ensure_user()
    for file, text in ((ACTIONS, _policy()), (RULES, RULE)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    place = tmp_path_factory.mktemp("things-bus")
    for parent in place.parents:
        if parent.is_relative_to("/tmp/pytest-of-root"):
            parent.chmod(0o755)
    bus = SystemBus(place)
    yield bus
    bus.stop()


@pytest.fixture
def host(things_bus: SystemBus, tmp_path: Path) -> Iterator[HostDaemon]:
    """hostd with a root of its own."""
    daemon = HostDaemon(things_bus, tmp_path)
    try:
        yield daemon.wait_ready()
        assert daemon.process.poll() is None, daemon.log.read_text()
        assert daemon.stop() == 0, "it ends in order, whatever it was asked"
    finally:
        sys.stdout.write(daemon.log.read_text())
        daemon.stop()


@pytest.fixture
def root(host: HostDaemon) -> Iterator[Caller]:
    """root as a caller."""
    with host.caller() as caller:
        yield caller
