"""`make bench-host`: how long the host daemon itself needs for each read."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sigmavault.cli.host.client import connect
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Risk
from sigmavault.operations import registry

from scripts.demo import Bus, wait
from tests.bench.hostd.machine import DATASETS, POOLS

BAR_MS = 20.0
_ARGUMENTS: Mapping[str, str] = {
    "pool.show": '{"name": "pool-3"}',
    "dataset.show": '{"name": "pool-3/data-7"}',
    "disk.show": '{"disk": "SERIAL31"}',
}


def main(argv: list[str]) -> int:
    """Measure and print the table; 0 whatever it says: a missed bar is shown."""
    parser = argparse.ArgumentParser(prog="make bench-host")
    parser.add_argument("--calls", type=int, default=100, help="of each operation")
    calls = parser.parse_args(argv).calls
    with tempfile.TemporaryDirectory(prefix="bench-host-") as name, Bus(Path(name)) as bus:
        notes = Path(name) / "notes"
        command = [sys.executable, "-P", "-m", "tests.bench.hostd.machine", os.fspath(notes)]
        env = bus.env | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with (Path(name) / "log").open("wb") as log:
            daemon = subprocess.Popen(command, env=env, stderr=log)
        try:
            wait("the host daemon", bus.has_host, daemon)
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.env["DBUS_SYSTEM_BUS_ADDRESS"]
            missing = asyncio.run(_measure(calls))
        finally:
            daemon.terminate()
            daemon.wait(30)
        sys.stdout.write(_table(_own(notes), missing, calls))
    return 0


async def _measure(calls: int) -> dict[str, str]:
    """Ask for each read so often; why an operation was not asked for."""
    missing: dict[str, str] = {}
    with connect() as host:
        for name, operation in registry.everything().items():
            if operation.risk is not Risk.READ:
                continue
            try:
                for _ in range(calls):
                    await host.read(name, _ARGUMENTS.get(name, "{}"), interactive=False)
            except SigmaVaultError as error:
                missing[name] = str(error).splitlines()[0][:90]
    return missing


def _own(notes: Path) -> dict[str, list[float]]:
    """Milliseconds of each read that no program of the machine took, by operation."""
    told = [json.loads(line) for line in notes.read_text("ascii").splitlines()]
    programs = [(begin, end) for what, begin, end in told if what == "program"]
    own: dict[str, list[float]] = {}
    for what, begin, end in told:
        if what != "program":
            theirs = sum(until - since for since, until in programs if begin <= since < end)
            own.setdefault(what, []).append(1e3 * (end - begin - theirs))
    return own


def _table(own: Mapping[str, list[float]], missing: Mapping[str, str], calls: int) -> str:
    lines = [
        f"{POOLS} simulated pools of {DATASETS} datasets, {calls} calls each: the daemon's time from the",
        "call that came to the answer that goes, less the time of the machine's programs.", "",
        "| operation | median ms | p95 ms | bar 20 ms |", "|---|---:|---:|---|",
    ]  # fmt: skip
    for name, times in sorted(own.items()):
        if name in missing:
            continue
        p95 = statistics.quantiles(times, n=20)[18]
        verdict = "met" if p95 < BAR_MS else "missed"
        lines.append(f"| `{name}` | {statistics.median(times):.1f} | {p95:.1f} | {verdict} |")
    lines += [f"| `{name}` | | | not measured: {why} |" for name, why in sorted(missing.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
