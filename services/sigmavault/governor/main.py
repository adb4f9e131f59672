"""The life of the governor: its configuration, bus, systemd."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from sdbus.exceptions import SdBusBaseError

from sigmavault.budget.here import read_layers, read_machine
from sigmavault.core.budget import compute_budget, merge_shares
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.governor.deciding import Control
from sigmavault.governor.bus import GovernorObject, serve
from sigmavault.governor.governor import Governor, Setting
from sigmavault.governor.scans import ScanWatch
from sigmavault.system import bus, daemon, notify

_PATIENCE_S = 5.0
"""How long systemd may take to answer. Whoever does not act in time does it at the next look."""

_log = logging.getLogger(__name__)


def read_setting(root: Path) -> Setting:
    """What is configured, for this machine.

    Raises:
        ConfigError: a file is wrong.
    """
    layers, machine = read_layers(root), read_machine(root)
    budget = compute_budget(machine, merge_shares(layers))
    return Setting(machine=machine, budget=budget, control=Control.of(layers))


async def _serve(root: Path) -> None:
    setting = read_setting(root)
    connection = bus.open_system()
    connection.method_call_timeout_usec = int(_PATIENCE_S * 1e6)
    departures = bus.Departures(connection)
    await departures.watch()
    served = GovernorObject(connection, departures)
    # of its own: pools may take their time to answer
    scans = ScanWatch(bus.open_system())
    served.governor = Governor(root, connection, setting, scans, served.tell)
    stop = daemon.told_to_stop()
    lifeline = bus.Lifeline(connection, stop.set)
    await serve(connection, served)
    async with asyncio.TaskGroup() as group:  # one that fails ends the daemon: the safe default comes back
        work = (daemon.feed_watchdog(), scans.run(), served.governor.run())
        tasks = [group.create_task(each) for each in work]
        notify.ready()
        await stop.wait()
        notify.stopping()
        for task in tasks:
            task.cancel()
    lifeline.check()


def run(root: Path) -> int:
    """Govern until told to stop; returns the exit code."""
    daemon.set_up_logging()
    try:
        asyncio.run(_serve(root))
    except Exception as error:  # whatever it is: it is told, and systemd brings the default back
        cause = _first(error)
        is_known = isinstance(cause, SigmaVaultError | SdBusBaseError | OSError)
        _log.error("%s: %s", type(cause).__name__, cause, exc_info=None if is_known else cause)
        return cause.exit_code if isinstance(cause, SigmaVaultError) else 1
    return 0


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def main(argv: Sequence[str] | None = None) -> int:
    """Govern the machine we run on."""
    parser = argparse.ArgumentParser(prog="sigmavault-governor", description="SigmaVault governor")
    parser.add_argument(
        "--root", metavar="FOLDER", type=Path, default=Path("/"),
        help="where the machine's files are, for development",
    )  # fmt: skip
    return run(parser.parse_args(argv).root)
