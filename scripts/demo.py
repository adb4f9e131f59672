"""`make demo`: a shell in which the `sigmavault` command works on a simulated machine.

A private bus, the real host daemon on a described machine, and a shell; all of it ends with the shell.
Commands may come by standard input: `echo 'sigmavault pool list' | make demo`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from scripts.errors import HostError, SpecError
from scripts.session import Session

SERVICES = Path(__file__).resolve().parent.parent / "services"
MACHINES = SERVICES / "sigmavault/simulated/machines"
_READY_S = 30.0
_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_type="*"/> <allow receive_type="*"/>
    <allow send_destination="*"/>
  </policy>
</busconfig>
"""
_COMMAND = """\
#!/usr/bin/python3 -sP
from sigmavault.cli.main import main
raise SystemExit(main())
"""


def main(argv: Sequence[str]) -> int:
    """Open the shell; returns what it ends with."""
    known = sorted(file.stem for file in MACHINES.glob("*.yaml"))
    parser = argparse.ArgumentParser(prog="make demo", description="Try SigmaVault on a simulated machine.")
    parser.add_argument("machine", nargs="?", default="home", help=f"one of: {', '.join(known)}; or a file")
    wanted = parser.parse_args(argv).machine
    file = MACHINES / f"{wanted}.yaml" if wanted in known else Path(wanted)
    if not file.is_file():
        raise SpecError(f"there is no simulated machine {wanted!r} (known: {', '.join(known)})")
    with tempfile.TemporaryDirectory(prefix="sigmavault-demo-") as folder, Bus(Path(folder)) as bus:
        return _with_bus(bus, file)


class Bus:
    """A private system bus on which everybody may do everything; a context manager that ends it.

    Attributes:
        env: what programs need to find it and our code.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TERM", "COLUMNS") if name in os.environ}
        self.env = kept | {
            "PATH": f"{folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus", "PYTHONPATH": os.fspath(SERVICES),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def __enter__(self) -> Self:
        config = self.folder / "bus.conf"
        config.write_text(_BUS.format(folder=self.folder), encoding="utf-8")
        self._daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"],
            stderr=subprocess.DEVNULL,  # its one complaint, about limits, is true in every container
        )
        wait("the bus", (self.folder / "bus").exists, self._daemon)
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._daemon)

    def has_host(self) -> bool:
        """Whether the host daemon answers on it."""
        argv = ["busctl", "--system", "status", "org.sigmavault.Host"]
        return subprocess.run(argv, env=self.env, capture_output=True, check=False).returncode == 0


def _with_bus(bus: Bus, machine: Path) -> int:
    program = SERVICES / "data/usr/libexec/sigmavault/hostd"
    with (bus.folder / "hostd.log").open("wb") as log:
        hostd = subprocess.Popen([program, "--simulate", os.fspath(machine)], env=bus.env, stderr=log)
    try:
        wait("the host daemon", bus.has_host, hostd)
        return _shell(bus.folder, bus.env, machine.stem)
    finally:
        _end(hostd)


def wait(what: str, condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something of the demonstration is up.

    Raises:
        HostError: its process ended, or it took too long.
    """
    end = time.monotonic() + _READY_S
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise HostError(f"{what} of the demonstration did not start")
        time.sleep(0.05)


def _shell(folder: Path, env: dict[str, str], machine: str) -> int:
    command = folder / "sigmavault"
    command.write_text(_COMMAND, encoding="utf-8")
    command.chmod(0o755)
    completion = SERVICES / "data/usr/share/bash-completion/completions/sigmavault"
    start = folder / "bashrc"
    start.write_text(f"PS1='simulated {machine} $ '\n. {completion}\n", encoding="utf-8")
    if sys.stdin.isatty():
        sys.stderr.write(
            f"A simulated machine: {machine}. Nothing here is real, everything is lost at the end (exit).\n"
            "Try: sigmavault disk list, sigmavault pool list, sigmavault pool create --help\n"
        )
        return subprocess.call(["bash", "--rcfile", os.fspath(start), "-i"], env=env)
    return subprocess.call(["bash", "-s"], env=env)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def demo(session: Session, arguments: argparse.Namespace) -> int:
    """The verb."""
    del session  # it builds nothing
    return main(arguments.rest)
