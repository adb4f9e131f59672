"""Every reason against a disk, alone and with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.storage.disks import Disk, Membership, Node, Signature
from sigmavault.core.storage.eligibility import (
    Code,
    Override,
    Use,
    at_a_glance,
    blockers,
    contents,
    ineligible,
    is_overwritable,
    reasons,
    use_of,
)
from sigmavault.core.storage.smart import Health, Verdict

NODE = Node(kernel_name="sdb", path="/dev/sdb", type="disk", size_bytes=4 * 10**12)
BLANK = Disk(
    name="wwn-0x5", path="/dev/sdb", node=NODE, serial="WD1", wwn="0x5", size_bytes=4 * 10**12,
    transport="sata", signatures=(), is_held=False,
)  # fmt: skip


def holds(disk: Disk, type_: str, **values: object) -> Disk:
    """Something is built on it."""
    child = replace(Node(kernel_name="x", path=f"/dev/{type_}"), type=type_, **values)  # type: ignore[arg-type]
    return replace(disk, node=replace(disk.node, children=(*disk.node.children, child)))


def has(disk: Disk, type_: str, label: str = "", uuid: str = "") -> Disk:
    """Something stands on it."""
    seen = Signature(device="sdb", type=type_, label=label, uuid=uuid)
    return replace(disk, signatures=(*(disk.signatures or ()), seen))


def mounted(disk: Disk, place: str) -> Disk:
    return replace(disk, node=replace(disk.node, mounts=(*disk.node.mounts, place)))


def sick(disk: Disk) -> Disk:
    return replace(disk, health=Health(verdict=Verdict.FAILED, checked_at=0.0))


type Fault = Callable[[Disk], Disk]

FAULTS: dict[str, tuple[Code, Fault, str]] = {
    "boot": (Code.BOOT_DISK, lambda d: replace(d, is_boot=True), "this machine runs from"),
    "live": (Code.LIVE_MEDIUM, lambda d: replace(d, is_live_medium=True), "live system runs from"),
    "mounted": (Code.MOUNTED, lambda d: mounted(d, "/srv"), "is mounted at /srv"),
    "swap": (Code.SWAP, lambda d: mounted(d, "[SWAP]"), "in use as swap"),
    "lvm": (Code.LVM, lambda d: holds(d, "lvm"), "in use by LVM: /dev/lvm"),
    "md": (Code.MD_RAID, lambda d: holds(d, "raid5"), "software RAID: /dev/raid5"),
    "luks": (Code.LUKS, lambda d: holds(d, "crypt"), "opened encrypted volume: /dev/crypt"),
    "multipath": (Code.MULTIPATH, lambda d: holds(d, "mpath"), "multipath"),
    "bcache": (Code.HOLDER, lambda d: holds(d, "disk"), "in use by another device: /dev/disk"),
    "kpartx": (Code.HOLDER, lambda d: holds(d, "part", kernel_name="dm-3"), "in use by another device"),
    "lvm at rest": (Code.LVM, lambda d: has(d, "LVM2_member"), "has data: an LVM physical volume"),
    "md at rest": (Code.MD_RAID, lambda d: has(d, "linux_raid_member"), "has data: a member of a Linux"),
    "luks at rest": (Code.LUKS, lambda d: has(d, "crypto_LUKS"), "has data: an encrypted volume"),
    "pool": (
        Code.POOL_MEMBER, lambda d: replace(d, membership=Membership(pool="tank", guid="7")),
        "part of the imported pool tank",
    ),
    "former": (
        Code.FORMER_MEMBER, lambda d: replace(has(d, "zfs_member", "tank", "7"), former_pool="tank"),
        "label of the imported pool tank, which does not use it",
    ),
    "exported": (Code.EXPORTED_POOL, lambda d: has(d, "zfs_member", "old", "17"), "foreign pool: old (17)"),
    "spare": (Code.EXPORTED_POOL, lambda d: has(d, "zfs_member"), "a spare or cache disk"),
    "pools unknown": (
        Code.POOLS_UNKNOWN, lambda d: replace(has(d, "zfs_member", "old", "17"), are_pools_known=False),
        "cannot be listed",
    ),
    "ext4": (Code.HAS_DATA, lambda d: has(d, "ext4", "photos"), "has data: ext4 “photos” on sdb"),
    "swap at rest": (Code.HAS_DATA, lambda d: has(d, "swap"), "has data: swap on sdb"),
    "empty table": (Code.HAS_DATA, lambda d: has(d, "gpt"), "a partition table with no partitions"),
    "unheard of": (Code.HAS_DATA, lambda d: has(d, "newfs_2031"), "has data: newfs_2031"),
    "read-only": (Code.READ_ONLY, lambda d: replace(d, is_read_only=True), "is read-only"),
    "removable": (Code.REMOVABLE, lambda d: replace(d, is_removable=True), "removable medium"),
    "small": (Code.TOO_SMALL, lambda d: replace(d, size_bytes=2**30 - 1), "too small: 1024 MiB, needed"),
    "dif": (Code.DIF_FORMATTED, lambda d: replace(d, has_protection=True), "protection information (DIF)"),
    "zoned": (Code.ZONED, lambda d: replace(d, is_zoned=True), "shingled"),
    "smart": (Code.SMART_FAILED, sick, "says itself that it fails"),
    "no serial": (Code.NO_SERIAL, lambda d: replace(d, serial="", wwn=""), "neither a serial"),
    "no name": (Code.NO_NAME, lambda d: replace(d, name=""), "no lasting name"),
    "duplicate": (Code.DUPLICATE_SERIAL, lambda d: replace(d, shares_serial=True), "has the serial WD1,"),
    "held": (Code.HELD, lambda d: replace(d, is_held=True), "the kernel gives nobody else"),
    "not asked": (Code.NOT_READ, lambda d: replace(d, is_held=None), "was not read"),
    "not read": (Code.NOT_READ, lambda d: replace(d, signatures=None), "was not read"),
}  # fmt: skip
OVERWRITTEN = {
    "lvm at rest",
    "md at rest",
    "luks at rest",
    "ext4",
    "swap at rest",
    "empty table",
    "unheard of",
}
LIFTED = {Override.OVERWRITE: OVERWRITTEN, Override.SAME_SERIAL: {"duplicate"}}
WIPED = OVERWRITTEN | {"former", "exported", "spare", "small", "dif", "zoned", "smart"}


def test_every_reason_has_a_case() -> None:
    assert {code for code, _, _ in FAULTS.values()} == set(Code)


def test_a_blank_disk_is_eligible() -> None:
    assert reasons(BLANK) == ()
    assert ineligible(BLANK) == ()
    assert use_of(BLANK) == "free"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_reason_is_told_in_its_own_words(fault: str) -> None:
    code, spoil, words = FAULTS[fault]
    disk = spoil(BLANK)
    assert [reason.code for reason in reasons(disk)] == [code]
    (sentence,) = ineligible(disk)
    assert words in sentence
    assert sentence.startswith(f"{disk.called} ")


def test_no_two_reasons_have_the_same_words() -> None:
    said = {reasons(spoil(BLANK))[0].text for _, spoil, _ in FAULTS.values()}
    assert len(said) == len(FAULTS) - 1  # not asked and not read are one


@pytest.mark.parametrize("fault", FAULTS)
def test_only_data_and_an_equal_serial_can_be_overridden(fault: str) -> None:
    disk = FAULTS[fault][1](BLANK)
    for override, lifted in LIFTED.items():
        assert (not ineligible(disk, {override})) is (fault in lifted), override


@pytest.mark.parametrize("fault", FAULTS)
def test_what_may_be_wiped(fault: str) -> None:
    disk = FAULTS[fault][1](BLANK)
    assert (not blockers(disk, use=Use.WIPE)) is (fault in WIPED)
    if fault not in {"not asked", "not read"}:
        assert is_overwritable(disk) is (fault in WIPED)


@given(st.sets(st.sampled_from(sorted(FAULTS)), min_size=1), st.sets(st.sampled_from(list(Override))))
def test_no_disk_with_a_reason_is_ever_eligible(faults: set[str], overrides: set[Override]) -> None:
    disk = BLANK
    for fault in sorted(faults, key=lambda each: (each == "not read", each)):
        disk = FAULTS[fault][1](disk)
    lifted = {each for override in overrides for each in LIFTED[override]}
    if "not read" in faults:
        assert Code.NOT_READ in {reason.code for reason in reasons(disk)}
    if faults - lifted:
        assert ineligible(disk, overrides)
    if faults - WIPED - {"duplicate"}:
        assert blockers(disk, use=Use.WIPE, overrides=overrides)


@given(
    st.lists(st.sampled_from(["ext4", "gpt", "zfs_member", "LVM2_member", "x", ""]), min_size=1), st.text()
)
def test_whatever_stands_on_a_disk_speaks_against_it(types: list[str], label: str) -> None:
    disk = BLANK
    for each in types:
        disk = has(disk, each, label)
    assert ineligible(disk)


def test_what_runs_on_a_signature_is_told_once_and_cannot_be_overridden() -> None:
    disk = has(holds(BLANK, "crypt"), "crypto_LUKS")
    assert [(reason.code, reason.override) for reason in reasons(disk)] == [(Code.LUKS, None)]


def test_a_disk_of_a_pool_is_not_said_to_have_data() -> None:
    disk = has(
        has(replace(BLANK, membership=Membership(pool="tank", guid="7")), "gpt"), "zfs_member", "tank", "7"
    )
    assert [reason.code for reason in reasons(disk)] == [Code.POOL_MEMBER]
    assert use_of(disk) == "pool tank"


def test_a_list_does_not_hold_against_a_disk_that_it_was_not_read() -> None:
    disk = replace(BLANK, signatures=None, is_held=None)
    assert at_a_glance(disk) == ()
    assert ineligible(disk)


def test_udev_is_asked_where_the_disk_was_not_read() -> None:
    part = Node(kernel_name="sdb1", path="/dev/sdb1", fs_type="ntfs", label="Fotos", table="dos")
    disk = replace(BLANK, signatures=None, node=replace(NODE, table="dos", children=(part,)))
    assert contents(disk) == ("ntfs “Fotos” on sdb1",)
    assert [reason.code for reason in at_a_glance(disk)] == [Code.HAS_DATA]


def test_many_things_are_named_in_part() -> None:
    disk = BLANK
    for number in range(9):
        disk = has(disk, "ext4", f"v{number}")
    assert "“v3” on sdb and 5 more" in ineligible(disk)[0]


@pytest.mark.parametrize(
    ("fault", "use"),
    [
        ("boot", "system"), ("live", "live system"), ("mounted", "mounted at /srv"), ("swap", "swap"),
        ("pool", "pool tank"), ("exported", "exported pool old"), ("former", "left by pool tank"),
        ("lvm", "in use by /dev/lvm"), ("ext4", "data: ext4 “photos” on sdb"), ("small", "free"),
    ],
)  # fmt: skip
def test_a_few_words_tell_the_use(fault: str, use: str) -> None:
    assert use_of(FAULTS[fault][1](BLANK)) == use
