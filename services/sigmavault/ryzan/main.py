"""The life of the service: sockets, model, HTTP, D-Bus, systemd."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from sigmavault.ryzan import serving
from sigmavault.ryzan.config import read_manifest, read_settings
from sigmavault.ryzan.http.keys import Keys, read_keys
from sigmavault.ryzan.lender import Lender
from sigmavault.ryzan.service import Service
from sigmavault.system import bus, daemon, env, notify

if TYPE_CHECKING:
    import uvicorn


def _spell_status(service: Service) -> str:
    status = service.status()
    text = f"{status.model}: {status.state.value}"
    return f"{text} ({status.reason})" if status.reason else text


def _build_server(service: Service, keys: Keys) -> uvicorn.Server:
    """The HTTP server. Slow imports: done in a thread, while the model is being loaded."""
    from sigmavault.ryzan.http import app
    from sigmavault.ryzan.http.peer import PeerProtocol

    return serving.build_server(app.build(service, keys), PeerProtocol)


async def _serve(listening: list[socket.socket]) -> None:
    paths = env.paths()

    lender = Lender()

    def tell() -> None:
        notify.status(_spell_status(service))
        lender.stir()

    settings = read_settings()
    keys = read_keys(settings.http.api_keys_file)
    service = Service(read_manifest(paths.manifest), settings, paths, tell)
    async with asyncio.TaskGroup() as tasks:
        work = (service.run(), daemon.feed_watchdog(), lender.run(service))
        background = [tasks.create_task(each) for each in work]
        server = await asyncio.to_thread(_build_server, service, keys)
        from sigmavault.ryzan.bus import serve

        connection = bus.open_system()
        lifeline = bus.Lifeline(connection, serving.stop_on_signals(server))
        served = await serve(service, connection)
        http = tasks.create_task(server.serve(listening))
        await serving.wait_started(server, http)
        notify.ready(_spell_status(service))
        await http
        notify.stopping()
        for task in background:
            task.cancel()
        del served
    lifeline.check()


def main() -> int:
    """Run the service until it is told to stop; returns the exit code."""
    return serving.run(_serve, unit="sigmavault-ryzan.socket")
