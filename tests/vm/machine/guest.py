"""The vocabulary that tests speak, in the manner of the NixOS test driver.

Commands are argument lists; `shell` takes a constant script and its arguments apart from it. Time limits
are for a machine with hardware virtualisation and are stretched for others.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.vm.machine.errors import GuestError, MachineError
from tests.vm.machine.process import Done
from tests.vm.machine.ssh import Ssh
from tests.vm.machine.timing import TimeScale, retry

SSH_FAILED = 255


class Guest:
    """What runs inside, through ssh as root."""

    def __init__(self, name: str, ssh: Ssh, scale: TimeScale) -> None:
        self.name = name
        self.ssh = ssh
        self.scale = scale

    def execute(self, *argv: str, timeout_s: float = 60, stdin: bytes = b"") -> Done:
        """Run a program and return how it ended, well or not.

        Raises:
            MachineError: the guest cannot be reached, or it took too long.
        """
        done = self.ssh.run(argv, timeout_s=self.scale.limit(timeout_s), stdin=stdin)
        if done.code == SSH_FAILED:
            raise MachineError(f"{self.name} is not reached by ssh: {done.describe()}")
        return done

    def succeed(self, *argv: str, timeout_s: float = 60, stdin: bytes = b"") -> str:
        """Run a program that must end with 0; returns what it wrote."""
        done = self.execute(*argv, timeout_s=timeout_s, stdin=stdin)
        if done.code != 0:
            raise GuestError(f"in {self.name}: {done.describe()}")
        return done.out

    def fail(self, *argv: str, timeout_s: float = 60, stdin: bytes = b"") -> str:
        """Run a program that must not end with 0; returns what it wrote, errors too."""
        done = self.execute(*argv, timeout_s=timeout_s, stdin=stdin)
        if done.code == 0:
            raise GuestError(f"in {self.name}: expected a failure of {done.describe()}")
        return done.out + done.err

    def shell(self, script: str, *args: str, timeout_s: float = 60) -> str:
        """Run a shell script that must succeed; `args` are its $1, $2, …"""
        return self.succeed("sh", "-euc", script, "sh", *args, timeout_s=timeout_s)

    def wait_until_succeeds(self, *argv: str, timeout_s: float = 60) -> str:
        """Repeat a program until it ends with 0; returns what it wrote then."""
        said = ""

        def attempt(last: bool) -> bool:
            nonlocal said
            done = self.ssh.run(argv, timeout_s=self.scale.limit(timeout_s))
            said = done.out
            if last and done.code != 0:
                raise GuestError(f"in {self.name}, still after {timeout_s} s: {done.describe()}")
            return done.code == 0

        retry(attempt, timeout_s=self.scale.limit(timeout_s), what=" ".join(argv))
        return said

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a systemd unit, as text."""
        said = self.succeed("systemctl", "show", f"--property={','.join(properties)}", "--", unit)
        pairs = (line.partition("=") for line in said.splitlines())
        return {name: value for name, _, value in pairs}

    def wait_for_unit(self, unit: str, *, timeout_s: float = 60) -> None:
        """Wait until a unit is active.

        Raises:
            GuestError: it failed, or is inactive while nothing is queued that could start it.
        """

        def attempt(last: bool) -> bool:
            state = self.show(unit, "ActiveState", "SubState", "Result", "LoadState")
            if state["ActiveState"] == "active":
                return True
            hopeless = state["ActiveState"] == "inactive" and not self._queue()
            if last or hopeless or state["ActiveState"] == "failed" or state["LoadState"] == "not-found":
                raise GuestError(f"in {self.name}: {unit} is {state}\n{self._log_of(unit)}")
            return False

        retry(attempt, timeout_s=self.scale.limit(timeout_s), what=f"{unit} active")

    def _queue(self) -> str:
        return self.succeed("systemctl", "list-jobs", "--no-legend").strip()

    def _log_of(self, unit: str) -> str:
        return self.execute("journalctl", "--no-pager", "--lines=30", f"--unit={unit}").out

    def wait_for_open_port(self, port: int, *, address: str = "127.0.0.1", timeout_s: float = 60) -> None:
        """Wait until something in the guest accepts TCP connections there."""
        script = 'exec 3<>"/dev/tcp/$1/$2"'
        self.wait_until_succeeds("bash", "-c", script, "bash", address, str(port), timeout_s=timeout_s)

    def failed_units(self) -> Sequence[str]:
        """Names of failed units."""
        said = self.succeed("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full")
        return [line.split()[0] for line in said.splitlines() if line.strip()]
