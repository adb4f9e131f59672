"""The power goes while clients write and the host daemon works. Nothing that was acknowledged is lost.

Once in each run; `SIGMAVAULT_POWER_CUTS=20` is the whole proof, which takes half an hour under emulation.
"""

import json
import os
import secrets
import time

import pytest

from tests.vm.journal import Journal
from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

CUTS = int(os.environ.get("SIGMAVAULT_POWER_CUTS", "1"))
USER, PASSWORD = "writer", "four words are longer"
MOUNTS = {"smb": "/mnt/smb", "nfs": "/mnt/nfs"}
FOLDERS = {"smb": "/tank/power-smb", "nfs": "/tank/power-nfs"}
LONGEST_MS = 12_000


def make_shares(vm: Machine) -> None:
    vm.succeed("sigmavault", "user", "create", USER, "--secret-stdin", "password", "--yes",
               stdin=f"{PASSWORD}\n".encode())  # fmt: skip
    vm.succeed("sigmavault", "share", "create", "power-smb", "tank/power-smb", "--write", USER, "--yes")
    vm.succeed("sigmavault", "share", "create", "power-nfs", "tank/power-nfs", "--protocol", "nfs",
               "--host", "127.0.0.1", "--nfs-users", "root", "--yes")  # fmt: skip


def mount(vm: Machine) -> None:
    vm.succeed("mkdir", "-p", *MOUNTS.values())
    options = f"ip=127.0.0.1,username={USER},password={PASSWORD},vers=3.1.1"
    # by the kernel itself: the image has no mount.cifs
    vm.wait_until_succeeds("mount", "-i", "-t", "cifs", "-o", options, "//127.0.0.1/power-smb", MOUNTS["smb"])
    vm.wait_until_succeeds("mount", "-t", "nfs4", f"127.0.0.1:{FOLDERS['nfs']}", MOUNTS["nfs"])


def snapshots(vm: Machine) -> int:
    return len(vm.succeed("zfs", "list", "-H", "-t", "snapshot", "-o", "name", "tank/power-smb").split())


def take_snapshots(vm: Machine) -> None:
    """Jobs of the daemon, one after another, until the power goes; one at least is done by then."""
    before = snapshots(vm)
    loop = "while :; do sigmavault snapshot create tank/power-smb --yes; done"
    vm.succeed("systemd-run", "--quiet", "--collect", "--unit=snapshots", "sh", "-c", loop)
    # where the second one is there, the job of the first one has ended
    retry(lambda _last: snapshots(vm) >= before + 2, timeout_s=vm.scale.limit(20), what="two snapshots")


def check_daemon(vm: Machine) -> None:
    """No job is left hanging, the audit is whole, and what is told as done is there."""
    jobs = json.loads(vm.succeed("sigmavault", "job", "list", "--json"))["jobs"]
    assert {job["state"] for job in jobs} <= {"done", "failed", "unknown", "cancelled"}, jobs
    assert json.loads(vm.succeed("sigmavault", "audit", "verify", "--json"))["intact"]
    done = [job for job in jobs if job["operation"] == "snapshot.create" and job["state"] == "done"]
    assert snapshots(vm) >= len(done) > 0


def test_nothing_acknowledged_is_lost_when_the_power_goes(vm, tank, no_shares_by_hand):
    for name in FOLDERS.values():
        tank(name.removeprefix("/tank/"))
    make_shares(vm)
    journal = Journal(vm, MOUNTS)
    for _ in range(CUTS):
        mount(vm)
        take_snapshots(vm)
        before = dict(journal.last)
        journal.start()
        try:
            _wait_for_more(journal, before)
            time.sleep(secrets.randbelow(LONGEST_MS) / 1000)
        finally:
            vm.cut_power()
            journal.stop()
        vm.start()
        vm.wait_for_ssh(timeout_s=120)
        vm.wait_for_unit("zfs-mount.service")
        assert "ONLINE" in vm.succeed("zpool", "list", "-H", "-o", "health", "tank")
        assert journal.wrong(FOLDERS) == {}, f"of {journal.last}"
        check_daemon(vm)


def _wait_for_more(journal: Journal, before: dict[str, int]) -> None:
    end = time.monotonic() + 120
    while any(journal.last[kind] < before[kind] + 3 for kind in before):
        assert time.monotonic() < end, f"the clients do not write: {journal.last}"
        time.sleep(0.2)
