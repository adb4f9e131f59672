"""Pools made, broken and mended through their operations, with disks that are really pulled.

What is read back is read by a client, through SMB, and from the disks: nothing of these pools is cached.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vm.listening import Listener, now
from tests.vm.machine.machine import Machine
from tests.vm.machine.process import Done
from tests.vm.machine.timing import retry
from tests.vm.operating import attempt, operate, refused, wait_for_state
from tests.vm.smb import smbclient
from tests.vm.stage import POOL_DISKS

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

POOL, SHARE = "vault", "vault-files"
PLACE = f"/srv/{POOL}"
USER, PHRASE = "keeper", "correct horse battery"
TOLD_S = 30.0
"""A pulled disk is on the bus after so many seconds at the latest."""
LAYOUTS = {"mirror": (2, 1), "raidz1": (3, 1), "raidz2": (4, 2)}
"""Layout → how many disks, how many of them may fail."""
BY_ID = [f"virtio-{disk.serial}" for disk in POOL_DISKS]
type Client = Callable[[str], Done]


@pytest.fixture
def client(vm: Machine, tmp_path: Path) -> Client:
    """smbclient outside of the machine."""

    def ask(script: str) -> Done:
        return smbclient(vm, SHARE, script, tmp_path, "-m", "SMB3", user=USER, phrase=PHRASE, limit_s=20)

    return ask


@pytest.fixture
def shared(vm: Machine, blank: None, no_shares_by_hand: None) -> Iterator[Callable[[], None]]:
    """Shares a dataset of the pool, which must be there by then."""

    def share() -> None:
        vm.succeed("zfs", "set", "primarycache=none", POOL)
        operate(vm, "dataset.create", name=f"{POOL}/files")
        if all(row["name"] != USER for row in operate(vm, "user.list")["users"]):
            operate(vm, "user.create", name=USER, secrets={"password": PHRASE})
        operate(vm, "share.create", name=SHARE, dataset=f"{POOL}/files", write=[USER])

    yield share
    if any(row["name"] == SHARE for row in operate(vm, "share.list")["shares"]):
        operate(vm, "share.delete", name=SHARE)


def write_by(client: Client, folder: Path) -> dict[str, str]:
    """Files that the client writes; their checksums stay with the client."""
    sums = {}
    for number in range(1, 7):
        content = secrets.token_bytes(number * 700_001)
        (folder / f"{number}.bin").write_bytes(content)
        sums[f"{number}.bin"] = hashlib.sha256(content).hexdigest()
    done = client("mput *.bin")
    assert done.code == 0, done.describe()
    return sums


def read_by(client: Client, folder: Path) -> dict[str, str]:
    """The checksums of all files, as the client gets them now."""
    for each in folder.glob("*.bin"):
        each.unlink()
    done = client("mget *.bin")
    assert done.code == 0, done.describe()
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.glob("*.bin")}


def write_files(vm: Machine) -> None:
    """Files with checksums that lie in the machine's memory, not on the pool."""
    script = """
        mkdir -p /run/sums
        for number in 1 2 3; do head --bytes=$((number * 1500001)) /dev/urandom > "$1/$number"; done
        cd "$1"; sha256sum [1-3] > /run/sums/pool; sync --file-system .
    """
    vm.shell(script, PLACE)


def check_files(vm: Machine) -> None:
    vm.succeed("sh", "-euc", 'cd "$1"; sha256sum --check --quiet --strict /run/sums/pool', "sh", PLACE)


def resilvered(vm: Machine) -> None:
    def done(_last: bool) -> bool:
        shown = operate(vm, "pool.show", name=POOL)
        return shown["state"] == "ONLINE" and (shown["scan"] or {}).get("state") == "finished"

    retry(done, timeout_s=vm.scale.limit(60), what="resilver")


def online(vm: Machine, disk: str) -> None:
    """zpool looks whether a whole disk has grown, for which it comes and goes for a moment."""
    said = attempt(vm, "pool.online", name=POOL, disk=disk)
    assert "error" not in said, said
    assert said["outcome"]["after"] in {"finished", "unknown"}, said
    wait_for_state(vm, POOL, "ONLINE")


def end_pool(vm: Machine) -> None:
    """All disks plugged in, and the pool gone."""
    for disk, name in zip(POOL_DISKS, BY_ID, strict=True):
        if vm.execute("test", "-b", f"/dev/disk/by-id/{name}").code != 0:
            vm.plug_disk(disk)
    if vm.execute("zpool", "list", POOL).code == 0:
        vm.execute("zpool", "clear", POOL)
        vm.succeed("zpool", "destroy", "-f", POOL)


@pytest.fixture
def blank(vm: Machine) -> Iterator[None]:
    """Nothing on any of the disks."""
    end_pool(vm)
    for row in operate(vm, "disk.list")["disks"]:
        if row["name"] in BY_ID and not row["is_eligible"]:
            operate(vm, "disk.wipe", disk=row["name"])
    yield
    end_pool(vm)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pulled_disk_costs_no_data_and_is_told_of(vm, shared, client, tmp_path, layout):
    width, redundancy = LAYOUTS[layout]
    made = operate(vm, "pool.create", name=POOL, layout=layout, disks=BY_ID[:width])
    assert (made["state"], made["failures_left"]) == ("ONLINE", redundancy)
    shared()
    written = write_by(client, tmp_path)

    with Listener(vm) as listener:
        pulled = now(vm)
        vm.pull_disk(POOL_DISKS[0])
        assert listener.wait_for(POOL, state="DEGRADED", after=pulled) < TOLD_S
    shown = operate(vm, "pool.show", name=POOL)
    assert (shown["state"], shown["failures_left"]) == ("DEGRADED", redundancy - 1)
    assert any(BY_ID[0] in sentence for sentence in shown["advice"])
    assert read_by(client, tmp_path) == written
    if redundancy == 1:
        assert "would be missing" in refused(vm, "pool.offline", name=POOL, disk=BY_ID[1])

    operate(vm, "pool.replace", name=POOL, disk=BY_ID[0], new=BY_ID[width])
    resilvered(vm)
    if redundancy == 1:  # the new disk holds what the old one held: without it nothing could be read
        operate(vm, "pool.offline", name=POOL, disk=BY_ID[1], no_redundancy=True)
        assert read_by(client, tmp_path) == written
        online(vm, BY_ID[1])
    assert read_by(client, tmp_path) == written
    healed = operate(vm, "pool.show", name=POOL)
    assert (healed["state"], healed["failures_left"], healed["data_errors"]) == ("ONLINE", redundancy, 0)
    assert BY_ID[width] in {row["disk"] for row in healed["vdevs"]}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_disk_too_many_is_told_as_suspended(vm, blank, layout):
    width, redundancy = LAYOUTS[layout]
    operate(vm, "pool.create", name=POOL, layout=layout, disks=BY_ID[:width])
    write_files(vm)
    for disk in POOL_DISKS[: redundancy + 1]:
        vm.pull_disk(disk)
    # what is written now may be refused or wait for ever, but must not be called written
    write = f"dd if=/dev/zero of={PLACE}/1 bs=64k count=16 conv=notrunc,fsync && touch /run/sums/written"
    vm.succeed("systemd-run", "--no-block", "--collect", "--unit=vault-writer", "sh", "-c", write)

    wait_for_state(vm, POOL, "SUSPENDED")
    (row,) = [row for row in operate(vm, "pool.list")["pools"] if row["name"] == POOL]
    assert (row["state"], row["failures_left"]) == ("SUSPENDED", -1)
    assert "SUSPENDED" in refused(vm, "pool.scrub", name=POOL)
    assert "SUSPENDED" in refused(vm, "pool.offline", name=POOL, disk=BY_ID[-1])
    vm.fail("test", "-e", "/run/sums/written")

    for disk in POOL_DISKS[: redundancy + 1]:
        vm.plug_disk(disk)
    operate(vm, "pool.clear", name=POOL)
    wait_for_state(vm, POOL, "ONLINE")
    check = 'cd "$1"; grep --invert-match " 1$" /run/sums/pool | sha256sum --check --quiet --strict -'
    vm.shell(check, PLACE)


def test_the_life_of_a_pool(vm, blank):
    """Everything that is done to a pool that is well."""
    first, second, third, fourth, fifth, sixth = BY_ID
    create = {"name": POOL, "layout": "mirror", "disks": [first, second]}
    assert "8 characters" in refused(
        vm, "pool.create", **create, encrypted=True, secrets={"passphrase": "no"}
    )
    operate(vm, "pool.create", **create, encrypted=True, secrets={"passphrase": "correct horse battery"})
    assert vm.succeed("zfs", "get", "-H", "-o", "value", "encryption", POOL).strip() == "aes-256-gcm"
    write_files(vm)
    assert "imported pool" in refused(vm, "pool.create", **create | {"name": "other"})

    operate(vm, "pool.attach", name=POOL, disk=second, new=third)
    resilvered(vm)
    assert operate(vm, "pool.show", name=POOL)["failures_left"] == 2
    operate(vm, "pool.detach", name=POOL, disk=third)
    assert "next disk" in refused(vm, "pool.offline", name=POOL, disk=first)
    operate(vm, "pool.offline", name=POOL, disk=first, no_redundancy=True)
    online(vm, first)
    # the disk that left still bears the label of this pool: nothing takes it before it is wiped
    assert third in refused(vm, "pool.add", name=POOL, role="spare", disks=[third])
    operate(vm, "pool.add", name=POOL, role="data", disks=[fourth, fifth])
    operate(vm, "pool.add", name=POOL, role="spare", disks=[sixth])

    assert operate(vm, "pool.scrub", name=POOL)["scan"]["kind"] == "scrub"
    resilvered(vm)
    check_files(vm)
    operate(vm, "pool.export", name=POOL)
    (found,) = [row for row in operate(vm, "pool.importable")["pools"] if row["name"] == POOL]
    assert (found["state"], found["missing"], found["is_of_other_host"]) == ("ONLINE", [], False)
    operate(vm, "pool.import", pool=POOL, readonly=True)
    operate(vm, "pool.export", name=POOL)
    answer = operate(vm, "pool.import", pool=found["guid"])
    assert len(answer["unmounted"]) == 1, "its key is not loaded"
    operate(vm, "pool.destroy", name=POOL)
    assert operate(vm, "pool.list")["pools"] == [
        row for row in operate(vm, "pool.list")["pools"] if row["name"] != POOL
    ]
