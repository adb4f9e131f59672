"""The host daemon dies in the middle of a step of `sigmavault setup`: real processes, a folder as root."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.services.command_line import PROGRAM
from tests.services.daemon import SERVICES, wait_until
from tests.services.host import HostDaemon

SCRIPTS = {
    "lsblk": "echo '{\"blockdevices\": []}'",
    "pdbedit": "true",
    "systemctl": "true",
    "hostnamectl": 'sleep 1; echo "$4" > "$ROOT/etc/hostname"',
    "timedatectl":
        'ln -sfn "../usr/share/zoneinfo/$4" "$ROOT/etc/localtime"; echo done >> "$ROOT/set-timezone"',
}  # fmt: skip


@pytest.fixture
def machine(host: HostDaemon) -> HostDaemon:
    """A folder with the programs and files that setting up looks at; there is no ZFS."""
    for name in ("bin", "etc", "usr/share/zoneinfo/Europe", "proc/self"):
        (host.root / name).mkdir(parents=True, exist_ok=True)
    for name, text in {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "sudo:x:27:\nsigmavault-users:x:990:\n",
        "usr/share/zoneinfo/Europe/Vienna": "", "etc/hostname": "sigmavault\n", "proc/self/mountinfo": "",
    }.items():  # fmt: skip
        (host.root / name).write_text(text)
    for name, body in SCRIPTS.items():
        file = host.root / "bin" / name
        file.write_text(f"#!/bin/sh\nROOT={host.root}\n{body}\n")
        file.chmod(0o755)
    return host


def test_it_is_waited_for_and_the_machine_is_looked_at_again(machine: HostDaemon, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(yaml.safe_dump({"host_name": "attic", "time_zone": "Europe/Vienna"}))
    env = {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": os.fspath(SERVICES),
        "PYTHONDONTWRITEBYTECODE": "1", "DBUS_SYSTEM_BUS_ADDRESS": machine.bus.address,
        "SIGMAVAULT_SETUP": os.fspath(tmp_path / "kept"),
    }  # fmt: skip
    with subprocess.Popen(
        [*PROGRAM, "setup", "--answers", os.fspath(file)], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as run:  # fmt: skip
        wait_until("the step", lambda: any(each["event"] == "begin" for each in machine.audit()))
        time.sleep(0.2)
        machine.kill()
        machine.start()
        machine.wait_ready()
        said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    assert "+ Call this machine attic" in said
    assert (machine.root / "etc/hostname").read_text() == "attic\n"
    assert (machine.root / "set-timezone").read_text() == "done\n"
    journal = json.loads((tmp_path / "kept/setup.json").read_text())
    assert journal["progress"] == "done"
