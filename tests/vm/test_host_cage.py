"""The host daemon as systemd runs it: started, in its cage, and in the machine's own mount namespace."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vm.listening import Listener, now
from tests.vm.machine.machine import Machine
from tests.vm.stage import POOL_DISKS

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

UNIT = "sigmavault-hostd.service"
HOST = ("org.sigmavault.Host", "/org/sigmavault/Host", "org.sigmavault.Host1")
SCRIPT = (Path(__file__).parent / "inside" / "daemon.py").read_bytes()
DISKS = [f"virtio-{disk.serial}" for disk in POOL_DISKS[:2]]


def ask(vm: Machine, operation: str, /, **arguments: Any) -> Any:
    """Have the daemon do it, in its cage."""
    return json.loads(
        vm.succeed("python3", "-", operation, json.dumps(arguments), stdin=SCRIPT, timeout_s=180)
    )


@pytest.fixture
def pid(vm) -> str:
    vm.wait_for_unit(UNIT)
    return str(vm.succeed("systemctl", "show", "--value", "--property=MainPID", UNIT)).strip()


def test_what_it_mounts_is_mounted_for_everybody(vm, pid):
    ours, everybodys = vm.succeed("readlink", f"/proc/{pid}/ns/mnt", "/proc/1/ns/mnt").split()
    assert ours == everybodys


def test_it_has_the_capabilities_of_the_unit_and_no_way_to_more(vm, pid):
    status = dict(line.split(":\t") for line in vm.succeed("cat", f"/proc/{pid}/status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16)
    gained = {bit for bit in range(64) if int(status["CapBnd"], 16) >> bit & 1}
    # chown, dac_override, dac_read_search, fowner, fsetid, kill, sys_rawio, sys_admin, audit_write
    assert gained == {0, 1, 2, 3, 4, 5, 17, 21, 29}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert "sigmavault-core.slice" in vm.succeed("cat", f"/proc/{pid}/cgroup")


def test_anybody_may_ask_it_and_it_is_real(vm):
    called = vm.succeed("setpriv", "--reuid=nobody", "--clear-groups", "busctl", "call", *HOST, "Describe")
    assert '\\"pool.create\\"' in called
    assert vm.succeed("busctl", "get-property", *HOST, "IsSimulated").strip() == "b false"


def test_an_answer_is_in_the_audit_and_the_audit_is_whole(vm):
    asked = ("busctl", "call", HOST[0], HOST[1], f"{HOST[2]}.Audit")
    vm.succeed(*asked, "List", "s", '{"limit": 1}')
    assert '\\"intact\\":true' in vm.succeed(*asked, "Verify", "s", "{}")
    last = vm.succeed("journalctl", "--identifier=sigmavault-audit", "--lines=20", "--output=cat")
    assert "read audit.verify by uid 0 root: ok" in last
    assert (
        vm.succeed("stat", "--format=%a %U %G", "/var/log/sigmavault/audit.jsonl").strip() == "640 root adm"
    )


def test_the_cage_is_wide_enough_for_disks_pools_and_mounts(vm):
    """Raw writes, ZFS, mounts that everybody sees, and their end."""
    for row in ask(vm, "disk.list")["disks"]:
        if row["name"] in DISKS and not row["is_eligible"]:
            ask(vm, "disk.wipe", disk=row["name"])
    with Listener(vm) as listener:
        began = now(vm)
        ask(vm, "pool.create", name="caged", layout="mirror", disks=DISKS)
        listener.wait_for("caged", state="ONLINE", after=began)
    rows = vm.succeed("tail", "--lines=40", "/var/log/sigmavault/audit.jsonl")
    assert '"event":"event"' in rows, "zed has not told of it"
    ask(vm, "dataset.create", name="caged/papers")
    found = vm.succeed("findmnt", "--noheadings", "--output=SOURCE,FSTYPE", "--source", "caged/papers")
    assert found.split() == ["caged/papers", "zfs"]
    ask(vm, "pool.export", name="caged")
    vm.fail("findmnt", "--source", "caged/papers")
    ask(vm, "pool.import", pool="caged")
    vm.succeed("findmnt", "--source", "caged/papers")
    ask(vm, "pool.destroy", name="caged")
    vm.fail("findmnt", "--source", "caged/papers")
    assert ask(vm, "audit.verify")["intact"]
