"""The life of the daemon: started by the bus or for what is unfinished, it ends when nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from sdbus.exceptions import SdBusBaseError

from sigmavault.core.errors import ConfigError, ServiceUnavailableError, SigmaVaultError
from sigmavault.core.manifest import parse_manifest
from sigmavault.models.bus import ModelsObject, serve
from sigmavault.models.others import Others
from sigmavault.models.service import Downloads
from sigmavault.models.shelf import Shelf
from sigmavault.models.store import Store
from sigmavault.system import bus, daemon, env, notify, polkit
from sigmavault.system.yaml_file import read_yaml

_IDLE_S = 60.0

_log = logging.getLogger(__name__)


def _state() -> Path:
    if (folder := env.paths().state) is None:
        raise ConfigError("STATE_DIRECTORY is not set: systemd starts this daemon")
    return folder


async def _serve() -> None:
    paths = env.paths()
    manifest = parse_manifest(read_yaml(paths.manifest), paths.manifest.name)
    connection = bus.open_system()
    connection.method_call_timeout_usec = int(polkit.PATIENCE_S * 1e6)
    told = ModelsObject(connection)
    told.downloads = Downloads(manifest, Shelf(paths.models), Store(_state()), Others(connection), told.tell)
    stop = daemon.told_to_stop()
    lifeline = bus.Lifeline(connection, stop.set)
    await serve(told, connection)
    async with asyncio.TaskGroup() as group:  # one that fails ends the daemon, and systemd starts it anew
        tasks = [group.create_task(each) for each in (told.downloads.run(), daemon.feed_watchdog())]
        notify.ready()
        await _until_idle(told.downloads, stop)
        notify.stopping()
        for task in tasks:
            task.cancel()
    lifeline.check()


async def _until_idle(downloads: Downloads, stop: asyncio.Event) -> None:
    """Until told to stop, or until nothing was asked for a while and nothing goes on by itself."""
    while not stop.is_set():
        left = _IDLE_S - downloads.idle_s
        if left <= 0:
            _log.info("nothing to do")
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left, 5.0)):
                await stop.wait()


def main() -> int:
    """Serve until nobody needs it; returns the exit code."""
    daemon.set_up_logging()
    try:
        try:
            asyncio.run(_serve())
        except SdBusBaseError as error:
            raise ServiceUnavailableError(f"the system bus: {error}") from error
    except SigmaVaultError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0
