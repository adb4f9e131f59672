"""The life of the service: sockets, model, HTTP, D-Bus, systemd."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.ryzan.config import read_manifest, read_settings
from sigmavault.ryzan.http.keys import Keys, read_keys
from sigmavault.ryzan.service import Service
from sigmavault.system import env, notify, sockets

if TYPE_CHECKING:
    import uvicorn

_GRACE_S = 5
_KEEP_ALIVE_S = 30

_log = logging.getLogger(__name__)


def _set_up_logging() -> None:
    """To stderr with the levels that the journal reads. Prompts and answers are never logged."""
    for level, number in ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7)):
        logging.addLevelName(level, f"<{number}>")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s%(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _spell_status(service: Service) -> str:
    status = service.status()
    text = f"{status.model}: {status.state.value}"
    return f"{text} ({status.reason})" if status.reason else text


def _build_server(service: Service, keys: Keys) -> uvicorn.Server:
    """The HTTP server. Slow imports: done in a thread, while the model is being loaded."""
    import uvicorn

    from sigmavault.ryzan.http import app
    from sigmavault.ryzan.http.peer import PeerProtocol

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are ours: the model process must be ended as well

    config = uvicorn.Config(
        app.build(service, keys), http=PeerProtocol, ws="none", lifespan="off", log_config=None,
        access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    return Server(config)


async def _feed_watchdog() -> None:
    interval_s = notify.watchdog_interval_s()
    while interval_s is not None:
        notify.alive()
        await asyncio.sleep(interval_s)


async def _wait_started(server: uvicorn.Server, http: asyncio.Task[None]) -> None:
    while not server.started and not http.done():
        await asyncio.sleep(0.01)


async def _serve(listening: list[socket.socket]) -> None:
    paths = env.paths()

    def tell() -> None:
        notify.status(_spell_status(service))

    settings = read_settings()
    keys = read_keys(settings.http.api_keys_file)
    service = Service(read_manifest(paths.manifest), settings, paths, tell)
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(service.run()), tasks.create_task(_feed_watchdog())]
        server = await asyncio.to_thread(_build_server, service, keys)
        from sigmavault.ryzan import bus

        def stop() -> None:
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        served = await bus.serve(service)
        http = tasks.create_task(server.serve(listening))
        await _wait_started(server, http)
        notify.ready(_spell_status(service))
        await http
        notify.stopping()
        for task in background:
            task.cancel()
        del served


def main() -> int:
    """Run the service until it is told to stop; returns the exit code."""
    _set_up_logging()
    listening = sockets.passed()
    try:
        if not listening:
            raise ConfigError("no sockets were passed: sigmavault-ryzan.socket starts this service")
        asyncio.run(_serve(listening))
    except SigmaVaultError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0
