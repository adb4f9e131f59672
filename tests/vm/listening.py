"""Hears what the host daemon tells about pools on the system bus, inside the machine."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry

_UNIT = "listen-to-pools"
_HEARD = "/run/heard"
_MATCH = "type='signal',interface='org.sigmavault.Host1',member='PoolChanged'"
_PING = "type='method_call',interface='org.freedesktop.DBus.Peer',member='Ping'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A signal `PoolChanged`.

    Attributes:
        at: seconds of the machine's clock.
    """

    at: float
    pool: str
    state: str
    cause: str


class Listener:
    """A listener; a context manager."""

    def __init__(self, vm: Machine) -> None:
        self._vm = vm

    def __enter__(self) -> Listener:
        # a line at a time: otherwise busctl keeps what it hears until there is a lot of it
        self._vm.succeed(
            "systemd-run", "--quiet", "--collect", f"--unit={_UNIT}",
            f"--property=StandardOutput=truncate:{_HEARD}", "--",
            "stdbuf", "--output=L", "busctl", "--system", "--json=short", f"--match={_MATCH}",
            f"--match={_PING}", "monitor",
        )  # fmt: skip
        # with --json it does not say when it begins to listen: so it is to hear something
        script = 'busctl call org.sigmavault.Host / org.freedesktop.DBus.Peer Ping; test -s "$0"'
        self._vm.wait_until_succeeds("sh", "-c", script, _HEARD)
        return self

    def __exit__(self, *_: object) -> None:
        self._vm.execute("systemctl", "stop", _UNIT)

    def heard(self) -> list[Heard]:
        """Everything so far."""
        lines = self._vm.succeed("cat", _HEARD).splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{")]
        return [_read(each) for each in said if each.get("member") == "PoolChanged"]

    def wait_for(self, pool: str, *, state: str, after: float, timeout_s: float = 30) -> float:
        """Wait until a state is told of; how many seconds after a moment of the machine's clock it was."""
        found: list[Heard] = []

        def told(_last: bool) -> bool:
            found[:] = [
                each for each in self.heard() if (each.pool, each.state) == (pool, state) and each.at >= after
            ]
            return bool(found)

        retry(told, timeout_s=self._vm.scale.limit(timeout_s), what=f"{pool} {state} on the bus")
        return found[0].at - after


def _read(said: dict[str, object]) -> Heard:
    micros, payload = said["timestamp-realtime"], said["payload"]
    assert isinstance(micros, int)
    assert isinstance(payload, dict)
    pool, _guid, state, cause = payload["data"]
    return Heard(at=micros / 1e6, pool=pool, state=state, cause=cause)


def now(vm: Machine) -> float:
    """Seconds of the machine's clock."""
    return float(vm.succeed("date", "+%s.%N"))
