"""The life of the relay: its socket, its configuration, systemd."""

from __future__ import annotations

import asyncio
import logging
import socket

from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.ryzan import serving
from sigmavault.ryzan.config import read_settings
from sigmavault.ryzan.remote.relay import Relay
from sigmavault.system import daemon, notify, sockets

_log = logging.getLogger(__name__)


async def _serve(listening: list[socket.socket]) -> None:
    settings = read_settings()
    relay = Relay(settings.backend)
    server = serving.build_server(relay)
    serving.stop_on_signals(server)
    async with asyncio.TaskGroup() as tasks:
        watchdog = tasks.create_task(daemon.feed_watchdog())
        http = tasks.create_task(server.serve(listening))
        await serving.wait_started(server, http)
        notify.ready(", ".join(each.name for each in settings.backend) or "no servers are configured")
        await http
        notify.stopping()
        watchdog.cancel()
    await relay.close()


def main() -> int:
    """Run the relay until it is told to stop; returns the exit code."""
    daemon.set_up_logging()
    listening = sockets.passed()
    try:
        if not listening:
            raise ConfigError("no socket was passed: sigmavault-ryzan-relay.socket starts this service")
        asyncio.run(_serve(listening))
    except SigmaVaultError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0
