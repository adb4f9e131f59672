"""`shutdown` and what `busctl` tells of logind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from sigmavault.simulated.command import RefusalError, Simulated

_MINUTE_US = 60_000_000


def shutdown(asked: Simulated) -> str:
    """It is planned and shown (shutdown(8)); the simulated machine never goes down."""
    option, *when = asked.argv[1:]
    if option == "-c":
        asked.state.scheduled = None
        return ""
    kind = {"--reboot": "reboot", "--poweroff": "poweroff"}.get(option)
    if kind is None or len(when) != 1 or not when[0].removeprefix("+").isdigit():
        raise RefusalError(f"Failed to parse time specification: {' '.join(when)}")
    asked.state.scheduled = (kind, int(asked.now * 1e6) + int(when[0]) * _MINUTE_US)
    return ""


def busctl(asked: Simulated) -> str:
    """The one property that is asked for."""
    if asked.argv[-1] != "ScheduledShutdown":
        raise RefusalError(f"Unknown property {asked.argv[-1]}")
    kind, when = asked.state.scheduled or ("", 0)
    return json.dumps({"type": "(st)", "data": [kind, when]})


PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {"shutdown": shutdown, "busctl": busctl}
