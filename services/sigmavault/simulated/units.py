"""`systemctl`: the services of the list run; a restart gives one a new run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sigmavault.core.units import UNITS
from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.state import guid_of


def systemctl(asked: Simulated) -> str:
    """`show`, `restart`, and the changes that shares make."""
    verb, *words = asked.argv[1:]
    names = line(words, "p").names
    known = [name for name in names if name in UNITS.values()]
    if verb == "show":
        return "\n".join(_show(asked, name) for name in names)
    if len(known) != len(names):
        raise RefusalError(f"Unit {next(name for name in names if name not in known)} not found.", 5)
    for name in known:
        asked.state.restarts[name] = asked.state.restarts.get(name, 0) + 1
    return ""


def _show(asked: Simulated, name: str) -> str:
    if name not in UNITS.values():
        return f"Id={name}\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"
    run = asked.state.restarts.get(name, 0)
    since = datetime.fromtimestamp(asked.now, UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")
    return (
        f"Id={name}\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"
        f"InvocationID={guid_of(name, str(run)):032x}\nNRestarts=0\nActiveEnterTimestamp={since}\n"
        f"MemoryCurrent=[not set]\n"
    )


PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {"systemctl": systemctl}
