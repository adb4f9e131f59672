"""What our daemons have in common: the journal, the watchdog, and being told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from sigmavault.system import notify


def set_up_logging() -> None:
    """To stderr with the levels that the journal reads. Prompts, answers and secrets are never logged."""
    for level, number in ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7)):
        logging.addLevelName(level, f"<{number}>")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s%(message)s", stream=sys.stderr)
    for noisy in ("uvicorn", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def told_to_stop() -> asyncio.Event:
    """Set when systemd or a person says so, in the loop that runs."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def feed_watchdog() -> None:
    """Tell systemd that the loop turns, as often as the unit wants it."""
    interval_s = notify.watchdog_interval_s()
    while interval_s is not None:
        notify.alive()
        await asyncio.sleep(interval_s)
