"""Pools made, broken and mended through their operations, with disks that are really pulled."""

import os

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry
from tests.vm.operating import operate, refused, wait_for_state
from tests.vm.stage import POOL_DISKS

UNPROVEN = "not yet seen green to the end: run it with SIGMAVAULT_UNPROVEN=1"
pytestmark = [
    pytest.mark.vm,
    pytest.mark.only(target="disk"),
    pytest.mark.skipif(not os.environ.get("SIGMAVAULT_UNPROVEN"), reason=UNPROVEN),
]

POOL = "vault"
PLACE = f"/srv/{POOL}"
LAYOUTS = {"mirror": (2, 1), "raidz1": (3, 1), "raidz2": (4, 2)}
"""Layout → how many disks, how many of them may fail."""
BY_ID = [f"virtio-{disk.serial}" for disk in POOL_DISKS]


def write_files(vm: Machine) -> None:
    """Files with checksums that lie in the machine's memory, not on the pool."""
    script = """
        mkdir -p /run/sums
        for number in 1 2 3 4 5 6; do head --bytes=$((number * 1500001)) /dev/urandom > "$1/$number"; done
        cd "$1"; sha256sum [1-6] > /run/sums/pool; sync --file-system .
    """
    vm.shell(script, PLACE)


def check_files(vm: Machine) -> None:
    vm.succeed("sh", "-euc", 'cd "$1"; sha256sum --check --quiet --strict /run/sums/pool', "sh", PLACE)


def forget_what_was_read(vm: Machine) -> None:
    """What is read next comes from the disks."""
    operate(vm, "pool.export", name=POOL)
    operate(vm, "pool.import", pool=POOL)


def resilvered(vm: Machine) -> None:
    def done(_last: bool) -> bool:
        shown = operate(vm, "pool.show", name=POOL)
        return shown["state"] == "ONLINE" and (shown["scan"] or {}).get("state") == "finished"

    retry(done, timeout_s=vm.scale.limit(60), what="resilver")


@pytest.fixture
def blank(vm):
    """All disks plugged in and blank, before and after."""
    yield
    for disk, name in zip(POOL_DISKS, BY_ID, strict=True):
        if vm.execute("test", "-b", f"/dev/disk/by-id/{name}").code != 0:
            vm.plug_disk(disk)
    if vm.execute("zpool", "list", POOL).code == 0:
        vm.execute("zpool", "clear", POOL)
        vm.succeed("zpool", "destroy", "-f", POOL)
    for row in operate(vm, "disk.list")["disks"]:
        if row["name"] in BY_ID and not row["is_eligible"]:
            operate(vm, "disk.wipe", disk=row["name"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pulled_disk_costs_no_data(vm, blank, layout):
    width, redundancy = LAYOUTS[layout]
    made = operate(vm, "pool.create", name=POOL, layout=layout, disks=BY_ID[:width])
    assert (made["state"], made["failures_left"]) == ("ONLINE", redundancy)
    write_files(vm)

    vm.pull_disk(POOL_DISKS[0])
    wait_for_state(vm, POOL, "DEGRADED")
    shown = operate(vm, "pool.show", name=POOL)
    assert shown["failures_left"] == redundancy - 1
    assert any(BY_ID[0] in sentence for sentence in shown["advice"])
    forget_what_was_read(vm)
    check_files(vm)
    assert "would be missing" in refused(vm, "pool.offline", name=POOL, disk=BY_ID[1]) or redundancy > 1

    operate(vm, "pool.replace", name=POOL, disk=BY_ID[0], new=BY_ID[width])
    resilvered(vm)
    forget_what_was_read(vm)
    check_files(vm)
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
    check = 'cd "$1"; grep --invert-match " 1$" /run/sums/pool | sha256sum --check --quiet --strict'
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
    operate(vm, "pool.online", name=POOL, disk=first)
    wait_for_state(vm, POOL, "ONLINE")
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
