"""The life of the relay: its socket, its configuration, systemd."""

from __future__ import annotations

import asyncio
import socket

from sigmavault.ryzan import serving
from sigmavault.ryzan.config import read_settings
from sigmavault.ryzan.remote.relay import Relay
from sigmavault.system import daemon, notify


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
    return serving.run(_serve, unit="sigmavault-ryzan-relay.socket")
