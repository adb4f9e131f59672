"""The life of the host daemon: its machine, audit, bus, systemd."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sdbus.exceptions import SdBusBaseError

from sigmavault import __version__
from sigmavault.core.audit import Event, Facts, Who
from sigmavault.core.errors import AuditError, ConfigError, ServiceUnavailableError, SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.hostd import share_keeper
from sigmavault.hostd.host import Host
from sigmavault.system import bus, daemon, early, env, notify, polkit
from sigmavault.system.audit_log import AuditLog
from sigmavault.system.callers import Callers

_SYNC_S = 1.0
"""Records that need not be on the disk at once are there after this time."""
_LAST_JOBS_S = 60.0
"""How long jobs that run may take to end when the daemon is stopped."""

_GARBAGE = 100_000
"""So many objects may be made before the garbage collector looks."""

_log = logging.getLogger(__name__)


async def _sync(audit: AuditLog) -> None:
    while True:
        await asyncio.sleep(_SYNC_S)
        with contextlib.suppress(AuditError):  # whoever changes something will be told
            await asyncio.to_thread(audit.sync)


async def _serve(machine: Machine, audit: AuditLog) -> None:
    from sigmavault.hostd.bus import serve  # every operation is read: slow, and not for `--help`

    connection = bus.open_system()
    connection.method_call_timeout_usec = int(polkit.PATIENCE_S * 1e6)
    departures = bus.Departures(connection)
    await departures.watch()

    async def authority(who: Who, action: str, *, interactive: bool, message: str = "") -> None:
        await polkit.require(connection, who.name, action, interactive=interactive, message=message)

    host = Host(machine, authority, audit)
    callers = Callers(connection, departures, host.forget)
    stop = daemon.told_to_stop()
    lifeline = bus.Lifeline(connection, stop.set)
    served = await serve(connection, host, callers)
    await _note(host, Facts(event=Event.START, message=f"version {__version__}"))
    await _note_early(host)
    async with asyncio.TaskGroup() as group:  # one that fails ends the daemon, and systemd starts it anew
        watch = group.create_task(served.watch.run())
        work = (daemon.feed_watchdog(), _sync(audit), share_keeper.keep(machine, partial(_note, host)))
        tasks = [watch, *(group.create_task(each) for each in work)]
        notify.ready("simulated: nothing here is real" if machine.is_simulated else "")
        await stop.wait()
        notify.stopping()
        if lifeline.is_cut:
            watch.cancel()  # nobody is left to be told
            host.jobs.changed = lambda _: None
            connection.close()
        await host.jobs.settle(_LAST_JOBS_S)
        for task in tasks:
            task.cancel()
    why = "the system bus has hung up" if lifeline.is_cut else ""
    await _note(host, Facts(event=Event.STOP, message=why))
    lifeline.check()


async def _note_early(host: Host) -> None:
    """What was done before this daemon ran; what cannot be written down is kept for the next start."""
    try:
        for facts in early.told(host.machine.root):
            await host.note(facts)
        early.forget(host.machine.root)
    except (AuditError, OSError) as error:
        _log.error("what was done before is not in the audit: %s", error)


async def _note(host: Host, facts: Facts) -> None:
    """Without a log nothing can be changed, but there is much that can be looked at."""
    try:
        await host.note(facts)
    except AuditError as error:
        _log.error("%s", error)


def run(machine: Machine) -> int:
    """Serve a machine until told to stop; returns the exit code."""
    daemon.set_up_logging()
    # what a list of thousands of datasets makes is gone with the answer: no reason to search for circles
    gc.set_threshold(_GARBAGE, 50, 50)
    try:
        audit = AuditLog(machine.root, machine.now)
        try:
            asyncio.run(_serve(machine, audit))
        except SdBusBaseError as error:
            raise ServiceUnavailableError(f"the system bus: {error}") from error
        finally:
            audit.close()
    except SigmaVaultError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0


def _simulated(description: Path) -> Machine:
    """The machine of a description, for development only.

    Raises:
        ConfigError: this runs as the real service, or the description is wrong.
    """
    is_service = env.text("SYSTEMD_EXEC_PID") == str(os.getpid()) or env.text("NOTIFY_SOCKET")
    if is_service or not env.text("DBUS_SYSTEM_BUS_ADDRESS"):
        raise ConfigError(
            "a simulated machine is never served on the real system bus: set DBUS_SYSTEM_BUS_ADDRESS"
        )
    from sigmavault.simulated.description import read_description
    from sigmavault.simulated.machine import SimulatedMachine

    return SimulatedMachine(read_description(description))


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the machine we run on."""
    parser = argparse.ArgumentParser(prog="sigmavault-hostd", description="SigmaVault host daemon")
    parser.add_argument(
        "--simulate", metavar="FILE", type=Path, help="serve the machine that a file describes"
    )
    arguments = parser.parse_args(argv)
    if arguments.simulate is None:
        from sigmavault.system.machine import RealMachine

        return run(RealMachine())
    try:
        machine = _simulated(arguments.simulate)
    except SigmaVaultError as error:
        daemon.set_up_logging()
        _log.error("%s", error)
        return error.exit_code
    return run(machine)
