"""`machine.show`."""

from __future__ import annotations

from typing import Annotated

from sigmavault import __version__
from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.core.operation.arguments import Unit
from sigmavault.core.power import Scheduled
from sigmavault.system import power, settings


class MachineFacts(Value):
    """The machine.

    Attributes:
        name: its host name.
        version: of SigmaVault.
        kernel: its release.
        boot: the kernel's name for this boot.
        uptime_s: since it booted.
        scheduled: a planned reboot or shutdown.
    """

    name: str
    version: str
    kernel: str
    boot: str
    uptime_s: Annotated[int, Unit("seconds")]
    scheduled: Scheduled | None


class ShowMachine(Read[NoArguments, MachineFacts]):
    """The machine as a whole."""

    name = "machine.show"
    summary = "Show this machine: its name, versions, how long it runs, a planned shutdown"
    examples = ("machine show",)

    def read(self, arguments: NoArguments, machine: Machine) -> MachineFacts:
        """Look."""
        kernel = machine.root / "proc/sys/kernel"
        return MachineFacts(
            # the daemon's cage (ProtectHostname=) keeps the kernel's name as it was when it started
            name=settings.host_name(machine) or (kernel / "hostname").read_text("utf-8").strip(),
            version=__version__,
            kernel=(kernel / "osrelease").read_text("utf-8").strip(), boot=power.boot_id(machine),
            uptime_s=int(float((machine.root / "proc/uptime").read_text("ascii").split()[0])),
            scheduled=power.scheduled(machine),
        )  # fmt: skip
